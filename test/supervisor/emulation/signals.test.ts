/** Signals and emulated calls: each signal is the program's as it was, and none of an emulated call's is seen. */
import { describe, test } from 'node:test';
import { alike, emulated, policies, widths } from './alike.js';

const TRIALS = {
  faults: 'its own faults reach its handler with the right address and code',
  blocked: 'SIGSEGV that a thread has blocked stays blocked, and its handler stays',
  default: 'a fault kills it where nobody handles it',
  jump: 'functions that are called back can be jumped out of',
  sent: 'SIGSEGV that is sent is told from one that is caused',
  queue: 'signals that queue up come all, and in their order',
  handler: 'a trampoline is a handler like any other function',
} as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`${width} programs under ${policy}`, () => {
      const program = emulated('signals', width);
      for (const [trial, what] of Object.entries(TRIALS)) {
        const end = trial === 'default' ? { status: null, signal: 'SIGSEGV' as const } : { status: 42 };
        test(what, () => alike(policy, [program, trial], end));
      }

      test('SIGSEGV that is ignored stays ignored, and a fault kills all the same', () =>
        alike(policy, [program, 'ignored'], { status: null, signal: 'SIGSEGV' }));

      test('a hundred thousand calls are right under a storm of signals', () =>
        alike(policy, [program, 'storm', width === 'x86-64' && policy === 'wx' ? '50000' : '2000'], { status: 42 }));
    });
  }
}
