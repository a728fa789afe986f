/** Trampolines and threads: those of one are called by all, and each thread lives and ends as it does alone. */
import { describe, test } from 'node:test';
import { alike, emulated, policies, widths } from './alike.js';

const TRIALS = {
  call: 'call one trampoline, and each its own, at once',
  rewrite: 'write their trampolines anew while the others call theirs in the same page',
  start: 'start and end all the time, and ask for memory meanwhile',
  stacks: 'have nested functions on stacks of every kind',
  wait: 'wait in calls while another one asks first, and are not woken',
  end: 'end in functions that are called back, alone and with the process',
} as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`threads of ${width} programs under ${policy}`, () => {
      const program = emulated('threads', width);
      for (const [trial, what] of Object.entries(TRIALS)) {
        test(what, () => alike(policy, [program, trial], { status: trial === 'end' ? 51 : 43 }));
      }

      test('go on when the first one has ended', () => alike(policy, [program, 'first'], { status: 52 }));
    });
  }
}
