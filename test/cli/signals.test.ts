/** Signals that are sent to the supervisor, or to its group, and what of them reaches the program. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { program, Running, run, trampfd } from './command.js';

/** A run of a program that says which signals it gets, ready to get them. */
async function counting(before: readonly string[] = []): Promise<Running> {
  const running = new Running([...before, trampfd, 'run', '--', program('count_signals')]);
  await running.until(/^ready$/m);
  return running;
}

const PASSED_ON = [
  ...(['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGCONT', 'SIGWINCH', 'SIGALRM'] as const),
  ...(['SIGVTALRM', 'SIGPROF', 'SIGURG', 'SIGIO', 'SIGPWR', 'SIGABRT', 'SIGXCPU', 'SIGXFSZ'] as const),
];

describe('a signal that is sent to the supervisor', () => {
  test('is passed on once', async () => {
    await using running = await counting();
    let expected = 'ready\n';
    for (const name of PASSED_ON) {
      running.signal(name);
      const line = `signal ${String(constants.signals[name]).padStart(2, '0')}`;
      await running.until(new RegExp(`^${line}$`, 'm'));
      expected += `${line}\n`;
    }
    running.type('end\n');
    assert.deepEqual(await running.ended, { status: 0, signal: null });
    assert.equal(running.output, expected);
  });

  test('kills the program, and with it the supervisor, where the program does not care', async () => {
    await using running = new Running([trampfd, 'run', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await running.until(/ready/);
    running.signal('SIGTERM');
    assert.deepEqual(await running.ended, { status: null, signal: 'SIGTERM' });
  });

  test('leaves the end to a program that handles it', async () => {
    const script = 'trap "echo bye; exit 21" TERM; echo ready; while :; do sleep 0.05; done';
    await using running = new Running([trampfd, 'run', '--', 'sh', '-c', script]);
    await running.until(/ready/);
    running.signal('SIGTERM');
    assert.deepEqual(await running.ended, { status: 21, signal: null });
    assert.equal(running.output, 'ready\nbye\n');
  });

  test('reaches a program that was not there yet when it came', async () => {
    // However early it comes, the run ends by it: before Node.js handles signals, while the program starts, or after.
    for (let delay = 0; delay <= 120; delay += 10) {
      await using running = new Running([trampfd, 'run', '--', 'sleep', '1000']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.signal('SIGTERM');
      assert.deepEqual(await running.ended, { status: null, signal: 'SIGTERM' });
    }
  });

  test('does not end the supervisor when it is a real-time signal', async () => {
    await using running = await counting();
    process.kill(running.processId, 40);
    running.signal('SIGUSR1');
    await running.until(/signal 10/);
    running.type('end\n');
    assert.deepEqual(await running.ended, { status: 0, signal: null });
  });
});

describe('ignored signals', () => {
  test('under nohup, a hangup of the whole group leaves supervisor and program alive', async () => {
    await using running = new Running([
      'nohup',
      trampfd,
      'run',
      '--',
      'sh',
      '-c',
      'echo ready; read line; echo "$line"',
    ]);
    await running.until(/ready/);
    process.kill(-running.processId, 'SIGHUP');
    running.type('still here\n');
    assert.deepEqual(await running.ended, { status: 0, signal: null });
    assert.match(running.output, /still here/);
  });

  test('in the background of a shell without job control, SIGINT and SIGQUIT are ignored by both', async () => {
    const script = `${trampfd} run -- sh -c 'echo ready; read line; echo "$line"; exit 4' <&3 & wait $!; exit $?`;
    await using running = new Running(['sh', '-c', `exec 3<&0; trap : INT QUIT; ${script}`]);
    await running.until(/ready/);
    // The shell itself is woken by a signal that it handles, so the signals go to all of the group but the shell.
    const { output } = run(['pgrep', '-g', String(running.processId)]);
    for (const id of output.trim().split('\n').map(Number)) {
      if (id === running.processId) continue;
      process.kill(id, 'SIGINT');
      process.kill(id, 'SIGQUIT');
    }
    running.type('still here\n');
    assert.deepEqual(await running.ended, { status: 4, signal: null });
  });

  for (const policy of ['wx', 'strict'] as const) {
    test(`reach a program under ${policy} that handles them later, as a server in the background of a script does`, async () => {
      const names = PASSED_ON.filter((name) => name !== 'SIGCONT');
      const script = `trap '' ${names.map((name) => name.slice(3)).join(' ')}; exec "$@"`;
      const run = [trampfd, 'run', '--policy', policy, '--', program('count_signals')];
      await using running = new Running(['bash', '-c', script, 'bash', ...run]);
      await running.until(/^ready$/m);
      // What comes before the supervisor knows of the program is ignored.
      for (let attempts = 0; attempts < 1000 && !running.output.includes('signal 12'); attempts++) {
        running.signal('SIGUSR2');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const name of names) {
        running.signal(name);
        await running.until(new RegExp(`^signal ${String(constants.signals[name]).padStart(2, '0')}$`, 'm'));
      }
      running.type('end\n');
      assert.deepEqual(await running.ended, { status: 0, signal: null });
    });
  }
});

/** Whether a process is stopped, by its state in /proc. */
function isStopped(processId: number): boolean {
  return /^State:\tT/m.test(readFileSync(`/proc/${processId}/status`, 'latin1'));
}

test('a stop that is sent to the supervisor stops both, and SIGCONT continues both', async () => {
  // In a job of a shell, that is: a process group that nobody waits for is not stopped by SIGTSTP.
  const script = `set -m; ${trampfd} run -- ${program('count_signals')} & echo "$!"; while kill -0 $!; do wait $!; done`;
  await using running = new Running(['bash', '-c', script]);
  await running.until(/ready/);
  const supervisor = Number(/^\d+$/m.exec(running.output)?.[0]);
  process.kill(supervisor, 'SIGTSTP');
  while (!isStopped(supervisor)) await new Promise((resolve) => setTimeout(resolve, 5));
  process.kill(supervisor, 'SIGCONT');
  await running.until(/signal 18/);
  running.type('end\n');
  await running.ended;
  assert.deepEqual(running.output.match(/signal \d+/g), ['signal 18']);
});
