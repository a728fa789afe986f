/** How long a run lasts: what the program leaves behind, the first process of a namespace, and a supervisor that dies. */
import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { program, Running, run, SharedFolder, supervise, trampfd } from './command.js';

describe('a program that leaves others behind', () => {
  test('is waited for until they have ended, and they are served', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'output');
    const script = `(sleep 0.3; ${program('create')}) >"$0" & exit 3`;
    const { status } = supervise(['sh', '-c', script, file]);
    assert.equal(status, 3);
    assert.equal(readFileSync(file, 'latin1'), 'created\n');
  });

  test('a daemon in a session of its own is one of them', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'output');
    const script = `setsid -f sh -c 'sleep 0.3; exec ${program('create')} >"$0"' "$0"; kill -USR1 $$`;
    const { signal } = supervise(['sh', '-c', script, file]);
    assert.equal(signal, 'SIGUSR1');
    assert.equal(readFileSync(file, 'latin1'), 'created\n');
  });

  test('a signal ends the waiting', async () => {
    await using running = new Running([trampfd, 'run', '--', 'sh', '-c', 'sleep 1000 & echo "$!"; exit 0']);
    await running.until(/^\d+$/m);
    const left = Number(running.output);
    // Until the program's end, signals are passed on to it.
    while (hasChildren(running.processId)) await new Promise((resolve) => setTimeout(resolve, 5));
    const ended = new Promise((resolve) => running.child.once('exit', (_status, signal) => resolve(signal)));
    running.signal('SIGTERM');
    assert.equal(await ended, 'SIGTERM');
    process.kill(left, 'SIGKILL');
  });
});

/**
 * Whether a supervisor has a child beside the one that calls for it what may not return; a child is its thread's that has
 * started it, for as long as that thread is there.
 */
function hasChildren(processId: number): boolean {
  return readdirSync(`/proc/${processId}/task`).some((thread) => {
    try {
      const children = readFileSync(`/proc/${processId}/task/${thread}/children`, 'latin1').trim().split(' ');
      return children.some((id) => id !== '' && readFileSync(`/proc/${id}/comm`, 'latin1') !== 'trampfd-apart\n');
    } catch {
      return true;
    }
  });
}

describe('as the first process of a pid namespace', () => {
  // An ordinary user may have a pid namespace in a user namespace of his own.
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const namespace = ['unshare', ...user, '--fork', '--pid', '--mount-proc', '--kill-child', trampfd, 'run', '--'];

  test('it is the first process, and ends with the status of the program', () => {
    const { status, output, errors } = run([...namespace, 'sh', '-c', 'echo "$PPID"; exit 9']);
    assert.deepEqual([status, output, errors], [9, '1\n', '']);
  });

  test('it serves tables', () => {
    assert.equal(run([...namespace, program('create')]).output, 'created\n');
  });

  test('a signal that kills the program becomes a status, as a shell has it', () => {
    assert.equal(run([...namespace, 'sh', '-c', 'kill -KILL $$']).status, 137);
    assert.equal(run([...namespace, 'sh', '-c', 'kill -TERM $$']).status, 143);
  });

  test('the dead that are left to it are buried', () => {
    const zombies = 'grep -ls "^State:.Z" /proc/[0-9]*/status';
    const script = `for i in 1 2 3 4 5; do (sleep 0.05 &); done; sleep 0.2; while ${zombies}; do sleep 0.05; done; echo none`;
    const { output, status } = run([...namespace, 'sh', '-c', script]);
    assert.equal(status, 0);
    assert.match(output, /none\n$/);
  });

  test('SIGTERM is passed on', () => {
    const script = 'trap "exit 7" TERM; kill -TERM 1; while :; do sleep 0.05; done';
    assert.equal(run([...namespace, 'sh', '-c', script]).status, 7);
  });

  test('it ends at once, and takes along what is left', () => {
    const { status } = run([...namespace, 'sh', '-c', 'sleep 1000 & exit 4']);
    assert.equal(status, 4);
  });

  test('scripts find it as they find any first process', () => {
    const { output } = run([...namespace, 'sh', '-c', 'tr "\\0" "\\n" </proc/1/cmdline | tail -n 1']);
    assert.equal(output, 'tr "\\0" "\\n" </proc/1/cmdline | tail -n 1\n');
  });
});

describe('when the supervisor is killed', () => {
  for (const options of [[], ['--no-emulation']]) {
    const under = ['wx', ...options].join(' ');
    test(`${under}: every call that needs it fails with ENOSYS, and the policy stays`, () => afterIt(options));
  }

  const callback = `import ctypes, time
add = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)
print('ready', add(1), flush=True)
time.sleep(3)
print('went on', flush=True)`;

  for (const policy of ['wx', 'strict']) {
    test(`${policy}: a program whose trampolines it carries out is killed with it`, async () => {
      const words = [trampfd, 'run', '--policy', policy, '--', '/usr/bin/python3', '-c', callback];
      await using running = new Running(words);
      await running.until(/^ready 2\n/m);
      running.signal('SIGKILL');
      await running.ended;
      assert.equal(running.output, 'ready 2\n');
    });
  }

  async function afterIt(options: readonly string[]): Promise<void> {
    // A pipe with a name, for Node.js closes its own to a process that has ended.
    using folder = new SharedFolder();
    const fifo = join(folder.path, 'fifo');
    run(['mkfifo', fifo]);
    const input = openSync(fifo, constants.O_RDWR);
    await using running = new Running([trampfd, 'run', ...options, '--', program('after')], {
      stdio: [input, 'pipe', 'pipe'],
    });
    await running.until(/^ready$/m);
    const ended = new Promise((resolve) => running.child.once('exit', resolve));
    running.signal('SIGKILL');
    await ended;
    writeSync(input, 'go on\n');
    // The output is closed when the program has ended as well.
    assert.deepEqual(await running.ended, { status: null, signal: 'SIGKILL' });
    closeSync(input);
    const answers = new Map(
      running.output
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([name = '', value]) => [name, Number(value)]),
    );
    answers.delete('ready');
    const { ENOSYS, EACCES } = errnoNumbers;
    assert.deepEqual(Object.fromEntries(answers), {
      open: 0,
      map: 0,
      other: 0,
      called: 0,
      trampfd: ENOSYS,
      pwrite: ENOSYS,
      lseek: ENOSYS,
      dup: ENOSYS,
      unmap: 0,
      'map-again': ENOSYS,
      // Where trampolines are emulated, it would have been asked.
      'mmap-rwx': options.length === 0 ? ENOSYS : EACCES,
      'mprotect-x': options.length === 0 ? ENOSYS : EACCES,
      close: 0,
    });
  }
});
