/**
 * A real filter on a thread of the pool, its listener, and programs under it. Each case is a process of its own.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileProgram, root } from '../programs/compile.js';

const CASES = fileURLToPath(new URL('./filtered_thread_cases.js', import.meta.url));
const notified = compileProgram('linux/notified.c');
const folder = mkdtempSync(join(tmpdir(), 'trampfd-filtered-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a case printed: the lines of its program, and its own result. */
function run(name: string, program = notified, command: readonly string[] = [process.execPath], cases = CASES) {
  const [file = '', ...args] = command;
  // ES modules are loaded by the pool's threads, before any code here could say how many there should be.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const done = spawnSync(file, [...args, cases, name, program], { encoding: 'latin1', timeout: 30_000, env });
  assert.deepEqual([done.status, done.signal], [0, null], `${name}: ${done.stderr}`);
  const text = done.stdout.trimEnd();
  const cut = text.lastIndexOf('\n');
  const output = text.slice(0, cut).trimEnd();
  const result: unknown = JSON.parse(text.slice(cut + 1));
  return { output, lines: output.split('\n'), result };
}

/** A copy of the cases that every user may read: the checkout may be in somebody's home. */
function copyCases(): string {
  const cases = 'dist/test/linux/filtered_thread_cases.js';
  chmodSync(folder, 0o755);
  for (const part of [cases, 'dist/src', 'package.json', 'node_modules/koffi', 'node_modules/@koromix']) {
    cpSync(join(root, part), join(folder, 'copy', part), { recursive: true });
  }
  return join(folder, 'copy', cases);
}

/** Results of the program's calls: what it printed behind its own ids. */
const calls = (lines: readonly string[]): readonly string[] => lines.slice(1);

function exited(result: unknown, status: number): void {
  const { kind, status: real } = result as { kind: string; status: number };
  assert.deepEqual({ kind, status: real }, { kind: 'exited', status });
}

describe('a listener', () => {
  test('tells of a call: who, by which way, which number, and all six registers', () => {
    assert.deepEqual(run('notification').result, {
      same: true,
      architecture: true,
      number: 440,
      instruction: true,
      arguments: ['4d', '1122334455667788', 'fffffffffffffffe', '4', '5', '8000000000000000'],
      threads: true,
    });
  });

  test('tells of a call by the i386 entry: the lower halves of the registers', () => {
    assert.deepEqual(run('i386').result, {
      architecture: true,
      number: 440,
      arguments: ['4d', '55667788', 'fffffffe', '4', '5'],
    });
  });

  test('answers with values of 64 bits', () => {
    const { lines, result } = run('values');
    assert.deepEqual(calls(lines), ['0', '123', String(2n ** 63n - 1n), String(2n ** 47n)]);
    exited(result, 0);
  });

  test('answers with errors', () => {
    assert.deepEqual(calls(run('errors').lines), ['-13', '-1', '-95']);
  });

  test('lets the kernel carry a call out', () => {
    // process_madvise(2) of a descriptor that is none: EBADF, or what the kernel says of its other arguments.
    const [answer = ''] = calls(run('continues').lines);
    assert.ok(['-9', '-22', '-14'].includes(answer), answer);
  });

  test('puts a descriptor where it is told, answers with its number in one step, and says what cannot be', () => {
    const { lines, result } = run('descriptors');
    const { results, inode, end } = result as { results: unknown[]; inode: string; end: unknown };
    assert.deepEqual(results, [900, false, 901, false, -9, true, true]);
    assert.deepEqual(calls(lines), [`900 1 ${inode}`, `901 0 ${inode}`, '-24']);
    exited(end, 0);
  });

  test('of a caller that was killed: not valid, no answer arrives, and there is no other', () => {
    assert.deepEqual(run('killed').result, {
      valid: true,
      results: [false, false, -2, false, false, false, 'none'],
      alive: false,
      abandoned: true,
    });
  });

  test('a caller that was killed before it was received is none', () => {
    assert.equal(run('killedBeforeReceive').result, true);
  });

  test('is abandoned when the last task is gone, and not before', () => {
    assert.deepEqual(run('abandoned').result, { before: false, waiting: false, after: true });
  });

  test('closed: the call that waits and all others fail with ENOSYS', () => {
    const { lines, result } = run('closed');
    assert.deepEqual(calls(lines), ['-38', '-38']);
    exited(result, 0);
  });
});

describe('a filtered thread', () => {
  test('takes a filter; its listener closes on exec', () => {
    const { waitsKillable, noNewPrivileges, closesOnExec } = run('installed').result as Record<string, boolean>;
    assert.equal(typeof waitsKillable, 'boolean');
    assert.equal(noNewPrivileges, process.getuid?.() !== 0);
    assert.equal(closesOnExec, true);
  });

  test('takes a filter as an ordinary user of a kernel that does not know how to wait killable', () => {
    const older = compileProgram('linux/older_kernel.c');
    assert.deepEqual(run('installed', notified, [older, process.execPath], copyCases()).result, {
      waitsKillable: false,
      noNewPrivileges: process.getuid?.() === 0,
      closesOnExec: true,
    });
  });

  test('a pool of several threads is refused: no two calls would be on the same one', () => {
    const env = { ...process.env, UV_THREADPOOL_SIZE: '4' };
    const done = spawnSync(process.execPath, [CASES, 'installed'], { encoding: 'utf8', env });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /ERR_TRAMPFD_POOL/);
  });

  test('a second listener is EBUSY, with a sentence that says what to do', () => {
    const { code, syscall, message } = run('twice').result as Record<string, string>;
    assert.deepEqual({ code, syscall }, { code: 'EBUSY', syscall: 'seccomp' });
    assert.match(message ?? '', /already in place.*start the program outside/);
  });

  test('what is no program for the kernel is EINVAL', () => {
    assert.deepEqual(run('noProgram').result, { code: 'EINVAL', syscall: 'seccomp' });
  });

  test('does not keep V8 from making code', () => {
    assert.equal(run('hot').result, true);
  });
});

describe('a program that is started', () => {
  test('what cannot be executed is a negated error number', () => {
    assert.equal(run('nothing').result, -2);
    assert.equal(run('noName').result, -2);
    assert.equal(run('folder').result, -13);
  });

  test('has the environment that was given, byte for byte, and nothing else', () => {
    assert.equal(run('environment').output, 'ONLY=this\0B=\xff\xfe\0');
  });

  test('has the signal mask that was given, default dispositions, and a filter', () => {
    assert.deepEqual(run('status').lines, ['SigBlk:\t0000000000000200', 'SigIgn:\t0000000000000000', 'Seccomp:\t2']);
  });

  test('starts in the folder that was given', () => {
    assert.deepEqual(run('startsIn').lines, ['/usr/include']);
  });

  test('does not have the descriptors that were to be closed', () => {
    assert.deepEqual(run('closes').lines, ['closed']);
  });

  test('ends with its own status, or by its own signal', () => {
    exited(run('exits').result, 42);
    const { kind, signal } = run('dies').result as { kind: string; signal: number };
    assert.deepEqual({ kind, signal }, { kind: 'killed', signal: 15 });
  });

  test('a program has the limits that it is given, whatever this process has', () => {
    assert.deepEqual(run('limited').lines, ['1048576', '2097152', '50', '0']);
  });

  // The child has a copy of all descriptors. With the listener among them it would wait for ever for who is gone.
  test('a start that nobody answers fails when the listener is closed, and does not wait', () => {
    exited(run('unansweredAction').result, 42);
    assert.equal(run('unansweredExecution').result, -38);
  });

  test('a script without an interpreter line is given to the shell', () => {
    const script = join(folder, 'script');
    writeFileSync(script, 'echo "$0" "$#" "$2"\n');
    chmodSync(script, 0o755);
    assert.deepEqual(run('script', script).lines, [`${script} 2 two words`]);
  });
});
