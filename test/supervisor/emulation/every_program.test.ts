/**
 * Programs that another one starts, and whose files ask for an executable stack: what they get under `wx`, with
 * --every-program and without it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run, SharedFolder, trampfd } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';
import { imageProgram, narrowFlags, withoutStackHeader } from '../../programs/image.js';
import { program } from '../tap.js';
import { alike, widths } from './alike.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const log = join(folder.path, 'log');
const wx = [trampfd, 'run', '--policy', 'wx', '--log', log];

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder.path, name);
  writeFileSync(path, content, { mode: 0o755 });
  return path;
}

const stack = imageProgram(['-z', 'execstack']);
const script = put('script', `#!${stack}\n`);
/** Files by what a program finds that was executed of them, without us. */
const files: readonly (readonly [path: string, file: string, alone: string, memory: string])[] = [
  [stack, stack, 'executable stack', 'its stack'],
  [script, stack, 'executable stack', 'its stack'],
  ...[imageProgram([...narrowFlags, '-z', 'execstack'])].map(
    (narrow) => [narrow, narrow, 'executable stack', 'its stack'] as const,
  ),
  ...[put('unmarked', withoutStackHeader(imageProgram(narrowFlags)))].map(
    (unmarked) => [unmarked, unmarked, 'executable memory', 'all of its memory'] as const,
  ),
];
const plain = imageProgram(['-z', 'noexecstack']);

interface Mended {
  readonly event: string;
  readonly file?: string;
  readonly memory?: string;
}

/** What of memory was mended since the last time. */
function mended(): readonly (readonly [string | undefined, string | undefined])[] {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  writeFileSync(log, '');
  return lines
    .map((line) => JSON.parse(line) as Mended)
    .filter(({ event }) => event === 'image-mended')
    .map(({ file, memory }) => [file, memory]);
}

/** Ways to execute a program (test/programs/supervisor/executions.c). */
const WAYS = ['execve', 'thread', 'beside-threads', 'race', 'vfork', 'spawn', 'fexecve', 'execveat', 'folder'];

describe('programs that a shell starts under wx', () => {
  // The shell stays, as there is something behind the program.
  const started = (path: string): readonly string[] => ['sh', '-c', `${path}; exit 0`];

  for (const [path, file, alone, memory] of files) {
    test(`${path}: keeps what its file asks for`, () => {
      assert.equal(run([...wx, '--', ...started(path)]).output, `${alone}\n`);
      assert.deepEqual(mended(), []);
    });

    test(`${path}: gets memory that is not executable with --every-program`, () => {
      assert.deepEqual(run([...wx, '--every-program', '--', ...started(path)]), run(started(plain)));
      assert.deepEqual(mended(), [[file, memory]]);
    });

    for (const width of widths) {
      test(`${path}: the same by every way (${width})`, () => {
        const executing = put(`executing-${width}`, readFileSync(program('executions', width)));
        const calls = WAYS.map((way) => `${executing} ${way} ${path}`).join('; ');
        const bare = run(['sh', '-c', calls]);
        // Two of them name a script by a descriptor that is closed when its interpreter looks for it (execveat(2)).
        const ways = bare.output.split('\n').filter((line) => line === alone).length;
        assert.equal(ways, path === script ? WAYS.length - 2 : WAYS.length, bare.output);
        const ended = run([...wx, '--every-program', '--', 'sh', '-c', calls]);
        assert.deepEqual(ended, { ...bare, output: bare.output.replaceAll(alone, 'plain') });
        assert.deepEqual(mended(), new Array(ways).fill([file, memory]));
      });
    }
  }

  test('what cannot be executed is said as it is without us', () => {
    const text = put('text', 'no program');
    const closed = put('closed', '#!/bin/sh\n');
    chmodSync(closed, 0o644);
    const calls = [text, closed, join(folder.path, 'nothing'), folder.path, '/proc/self/mem']
      .flatMap((path) => [`env ${path}`, `env -C / .${path}`])
      .map((call) => `${call} 2>&1; echo $?`)
      .join('; ');
    const words = ['sh', '-c', calls];
    assert.deepEqual(run([...wx, '--every-program', '--', ...words]), run(words));
  });

  test('a program that is replaced is looked at anew', () => {
    const path = put('replaced', readFileSync(plain));
    const replaced = `${path}; cp ${stack} ${path}; ${path}; cp ${plain} ${path}; ${path}; cd ${folder.path}; ./replaced`;
    assert.equal(run(['sh', '-c', replaced]).output, 'plain\nexecutable stack\nplain\nplain\n');
    copyFileSync(plain, path);
    assert.equal(run([...wx, '--every-program', '--', 'sh', '-c', replaced]).output, 'plain\nplain\nplain\nplain\n');
    assert.deepEqual(mended(), [[path, 'its stack']]);
  });

  test('a policy file can say so', () => {
    const policy = put('policy.json', '{"programs":{"sh":{"emulation":"every-program"}}}');
    const words = [...wx, '--policy-file', policy, '--', ...started(stack)];
    assert.equal(run(words).output, 'plain\n');
    assert.equal(mended().length, 1);
    // What the command line says comes before that.
    assert.equal(run([...words.slice(0, -4), '--no-emulation', ...words.slice(-4)]).output, 'executable stack\n');
  });

  test('strict does so for all programs, and says nothing against being told to', () => {
    const words = [trampfd, 'run', '--policy', 'strict', '--exec', stack, '--every-program', '--', ...started(stack)];
    assert.equal(run(words).output, 'plain\n');
  });
});

describe('nested functions of programs that a shell starts', () => {
  const nested = compileProgram('callbacks/nested.c', { flags: ['-std=gnu11', '-pthread', '-Wl,-z,execstack'] });

  test('work as they do alone', () =>
    alike('wx', ['sh', '-c', `${nested}; ${nested}; exit 3`], { status: 3 }, [], ['--every-program']));

  test('are emulated', () => {
    run([...wx, '--every-program', '--', 'sh', '-c', `${nested}; exit 0`]);
    const events = readFileSync(log, 'utf8').trimEnd().split('\n');
    assert.ok(events.some((line) => /"event":"emulated",.*"kind":"gcc-stack"/.test(line)));
  });
});
