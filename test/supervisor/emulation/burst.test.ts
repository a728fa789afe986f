/** Bursts of emulated calls: what a program sees of them, and what it does in the middle of one. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { emulated, policies, runToEnd, under, widths } from './alike.js';

const TRIALS = {
  kept: 'is over some time after the last call',
  asked: 'is not seen by sched_getaffinity',
  chosen: 'does not undo what sched_setaffinity sets in it',
  fork: 'is not handed on to a child',
  thread: 'is not handed on to a thread',
  execute: 'is not handed on to a program that is executed',
} as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`a burst of calls of ${width} programs under ${policy}`, () => {
      const program = emulated('burst', width);
      const run = (trial: string) => runToEnd([...under(policy, [program]), program, trial]);
      for (const [trial, what] of Object.entries(TRIALS)) {
        test(what, async () => {
          const said = { status: 44, signal: null, output: `${trial}: as it is alone\n`, errors: '' };
          assert.deepEqual(await run(trial), said);
        });
      }

      test('ends with its process', async () => {
        assert.deepEqual(await run('killed'), { status: null, signal: 'SIGTERM', output: '', errors: '' });
      });
    });
  }
}

test('without a supervisor there is no burst', async () => {
  const { output } = await runToEnd([emulated('burst', 'x86-64'), 'kept']);
  assert.equal(output, availableParallelism() === 1 ? 'kept: as it is alone\n' : 'no burst\n');
});
