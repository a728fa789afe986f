/** Programs with trampolines end, stop and go on as they do alone, and are seen to by those who wait for them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Running, SharedFolder } from '../../cli/command.js';
import { alike, emulated, policies, runToEnd, under, widths } from './alike.js';

const SIGNALS = { SIGTERM: 15, SIGABRT: 6, SIGSEGV: 11, SIGKILL: 9, SIGTRAP: 5 } as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`${width} programs under ${policy}`, () => {
      const program = emulated('ends', width);

      test('end with a status of their own', () => alike(policy, [program, 'status', '77'], { status: 77 }));

      for (const [signal, number] of Object.entries(SIGNALS)) {
        test(`are killed by ${signal}`, () =>
          alike(policy, [program, 'signal', String(number)], { status: null, signal: signal as NodeJS.Signals }));
      }

      test('have children that end in every way', () => alike(policy, [program, 'children'], { status: 47 }));

      test('are stopped and continued, and their parents are told', () =>
        alike(policy, [program, 'stops'], { status: 47 }));

      test('leave a daemon behind that calls later', async () => {
        using folder = new SharedFolder();
        const file = join(folder.path, 'file');
        const words = [program, 'daemon', file];
        const alone = await runToEnd(words);
        const written = readFileSync(file, 'latin1');
        assert.match(written, /^\d+ \d+ \d+\n\d+\n$/);
        const left = join(folder.path, 'left');
        assert.deepEqual(await runToEnd([...under(policy, [program]), program, 'daemon', left]), alone);
        assert.equal(readFileSync(left, 'latin1'), written);
      });
    });
  }
}

/** The id of the program in a run: it is the child of one of the supervisor's threads. */
async function programOf(running: Running): Promise<number> {
  const found = await runToEnd(['ps', '-o', 'pid=', '--ppid', String(running.processId)]);
  const own = Number(found.output.trim());
  assert.ok(own > 0 && Number.isInteger(own), found.output);
  return own;
}

function stateOf(processId: number): string {
  return /^State:\t(.)/m.exec(readFileSync(`/proc/${processId}/status`, 'latin1'))?.[1] ?? '?';
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('a program whose trampolines are emulated', () => {
  const program = emulated('ends', 'x86-64');

  test('is killed from outside, and the run ends by the same signal', async () => {
    await using running = new Running([...under('wx', []), program, 'loop']);
    await running.until(/^ready$/m);
    process.kill(await programOf(running), 'SIGKILL');
    assert.deepEqual(await running.ended, { status: null, signal: 'SIGKILL' });
  });

  test('ends with its supervisor', async () => {
    await using running = new Running([...under('wx', []), program, 'loop']);
    await running.until(/^ready$/m);
    const own = await programOf(running);
    process.kill(running.processId, 'SIGKILL');
    // The output is closed when both have ended: under wx by SIGSEGV, at the next call.
    assert.deepEqual(await running.ended, { status: null, signal: 'SIGKILL' });
    while (existsSync(`/proc/${own}`)) await pause();
  });

  test('is stopped from outside, and continued', async () => {
    await using running = new Running([...under('wx', []), program, 'wait']);
    await running.until(/^ready$/m);
    const own = await programOf(running);
    for (let round = 0; round < 3; round++) {
      process.kill(own, 'SIGSTOP');
      while (!/[Tt]/.test(stateOf(own))) await pause();
      running.type('a line\n');
      process.kill(own, 'SIGCONT');
      if (round < 2) await running.until(new RegExp(`(ready\\n(?:.|\\n)*){${round + 2}}`));
    }
    assert.deepEqual(await running.ended, { status: 47, signal: null });
    assert.equal(running.output, '10\nready\n15\nready\n20\nready\n');
  });
});
