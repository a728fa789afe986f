/** Standard streams of a supervised program: the very files, byte for byte, and ends that are seen when they come. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Running, run, SharedFolder, supervise, trampfd } from './command.js';

/** Three megabytes that no stream would pass on by chance. */
const bytes = randomBytes(3_000_000);
const digest = createHash('sha256').update(bytes).digest('hex');

describe('the standard streams of a supervised program', () => {
  test('a pipe in, a pipe out: every byte', () => {
    const { output, status } = supervise(['cat'], { input: bytes });
    assert.equal(status, 0);
    assert.ok(Buffer.from(output, 'latin1').equals(bytes));
  });

  test('a file in, a file out', async () => {
    using folder = new SharedFolder();
    const [source, target] = [join(folder.path, 'in'), join(folder.path, 'out')];
    writeFileSync(source, bytes);
    const [input, output] = [openSync(source, 'r'), openSync(target, 'w')];
    await using running = new Running([trampfd, 'run', '--', 'cat'], { stdio: [input, output, 'pipe'] });
    assert.equal((await running.ended).status, 0);
    for (const descriptor of [input, output]) closeSync(descriptor);
    assert.ok(readFileSync(target).equals(bytes));
  });

  test('standard error is apart from standard output', () => {
    const ended = supervise(['sh', '-c', 'printf out; printf errors >&2']);
    assert.deepEqual([ended.output, ended.errors], ['out', 'errors']);
  });

  test('nothing is read that the program does not read', () => {
    const script = `{ ${trampfd} run -- head -c 3 >/dev/null; cat; } <FILE`;
    using folder = new SharedFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '123456789');
    // head(1) puts the position of a file back to where it stopped.
    assert.equal(run(['sh', '-c', script.replace('FILE', file)]).output, '456789');
  });

  test('pipes stay blocking, for the program and for whoever shares them', async () => {
    const script = `${trampfd} run -- sh -c 'sleep 0.1'; for n in 0 1 2; do grep flags /proc/self/fdinfo/$n; done`;
    await using running = new Running(['sh', '-c', `${script} | cat`]);
    await running.ended;
    const flags = [...running.output.matchAll(/flags:\s*(\d+)/g)].map(([, octal = '']) => Number.parseInt(octal, 8));
    assert.equal(flags.length, 3);
    for (const value of flags) assert.equal(value & 0o4000, 0, value.toString(8));
  });

  test('a pipeline whose reader has seen enough ends, and the writer by SIGPIPE', () => {
    const script = `{ ${trampfd} run -- yes; echo "$?" >&2; } | head -n 1`;
    const { output, errors, status } = run(['sh', '-c', script]);
    assert.deepEqual([status, output, errors], [0, 'y\n', '141\n']);
  });

  test('a pipeline of two runs', () => {
    const script = `${trampfd} run -- cat | ${trampfd} run -- sha256sum`;
    assert.equal(run(['sh', '-c', script], { input: bytes }).output, `${digest}  -\n`);
  });

  test('a reader sees the end when the program closes its output, not when it ends', async () => {
    // The reader, outside of the run, then tells the program to end.
    using folder = new SharedFolder();
    const fifo = join(folder.path, 'fifo');
    const program = 'echo text; exec >&-; read line <"$0"; exit 7';
    // No other process than the run holds the pipe: its status goes another way.
    const script = `mkfifo "$1"; ${trampfd} run -- sh -c '${program}' "$1" | { cat; echo seen >"$1"; }; echo "${'$'}{PIPESTATUS[0]}" >&2`;
    const { output, errors } = run(['bash', '-c', script, 'bash', fifo]);
    assert.deepEqual([output, errors], ['text\n', '7\n']);
  });

  test('a writer sees SIGPIPE when the program closes its input', () => {
    const script = `{ yes; echo "$?" >&2; } | ${trampfd} run -- sh -c 'read line; exec <&-; echo "$line"; sleep 0.2'`;
    const { output, errors } = run(['sh', '-c', script]);
    assert.deepEqual([output, errors], ['y\n', '141\n']);
  });
});
