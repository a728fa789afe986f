/**
 * A run under strict is to whoever starts it what any run is: it ends as its program ends, is stopped with it, passes
 * signals on, has its terminal and its folder. (What it inherits is in test/cli/inheritance.test.ts.)
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { program, Running, run, SharedFolder, trampfd } from '../../cli/command.js';

const strict = [trampfd, 'run', '--policy', 'strict', '--'];

describe('a run under strict', () => {
  test('ends with the status of its program, or by its signal', () => {
    for (const status of [0, 1, 125, 255]) {
      const ended = run([...strict, 'sh', '-c', `exit ${status}`]);
      assert.deepEqual([ended.status, ended.signal, ended.output, ended.errors], [status, null, '', '']);
    }
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGSYS'] as const) {
      const ended = run([...strict, 'sh', '-c', `kill -${constants.signals[signal]} $$`]);
      assert.deepEqual([ended.status, ended.signal], [null, signal], ended.errors);
    }
  });

  test('passes signals on, and kills its program with them', async () => {
    await using running = new Running([...strict, program('count_signals')]);
    await running.until(/^ready$/m);
    for (const name of ['SIGTERM', 'SIGUSR1', 'SIGHUP', 'SIGINT'] as const) {
      running.signal(name);
      const line = `signal ${String(constants.signals[name]).padStart(2, '0')}`;
      await running.until(new RegExp(`^${line}$`, 'm'));
    }
    running.type('end\n');
    assert.deepEqual(await running.ended, { status: 0, signal: null });
    await using killed = new Running([...strict, 'sh', '-c', 'echo ready; exec sleep 1000']);
    await killed.until(/ready/);
    killed.signal('SIGTERM');
    assert.deepEqual(await killed.ended, { status: null, signal: 'SIGTERM' });
  });

  test('that is told to end while it starts, ends, and leaves nobody behind', async () => {
    for (let delay = 0; delay <= 150; delay += 15) {
      await using running = new Running([...strict, 'sleep', '1000']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.signal('SIGTERM');
      assert.deepEqual(await running.ended, { status: null, signal: 'SIGTERM' }, `after ${delay} ms`);
      // Killed with its tracer, it has ended in a moment; who is dead and was not buried yet counts no more.
      const left = (): string => run(['pgrep', '-r', 'R,S,D,T,t', '-g', String(running.processId)]).output;
      for (let looks = 0; looks < 200 && left() !== ''; looks++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(left(), '');
    }
  });

  test('waits for what its program leaves behind', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'output');
    const { status } = run([...strict, 'sh', '-c', '(sleep 0.3; echo late >"$0") & exit 3', file]);
    assert.equal(status, 3);
    assert.equal(readFileSync(file, 'latin1'), 'late\n');
  });

  test('kills its program where the supervisor is killed while it starts', async () => {
    for (let delay = 20; delay <= 140; delay += 20) {
      await using running = new Running([...strict, 'sleep', '0.3']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.signal('SIGKILL');
      // The streams are closed when the program has ended too.
      assert.deepEqual(await running.ended, { status: null, signal: 'SIGKILL' });
    }
  });

  test('is the first process of a pid namespace', () => {
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const namespace = ['unshare', ...user, '--fork', '--pid', '--mount-proc', '--kill-child', ...strict];
    assert.deepEqual(run([...namespace, 'sh', '-c', 'echo "$PPID"; exit 9']), {
      status: 9,
      signal: null,
      output: '1\n',
      errors: '',
    });
    assert.equal(run([...namespace, 'sh', '-c', 'kill -TERM $$']).status, 143);
  });

  test('serves tables, and passes bytes through pipes', () => {
    assert.equal(run([...strict, program('create')]).output, 'created\n');
    const input = 'x'.repeat(1_000_000);
    assert.equal(run([...strict, 'cat'], { input }).output, input);
    const script = `{ ${strict.join(' ')} yes; echo "$?" >&2; } | head -n 1`;
    assert.deepEqual(run(['sh', '-c', script]), { status: 0, signal: null, output: 'y\n', errors: '141\n' });
  });
});
