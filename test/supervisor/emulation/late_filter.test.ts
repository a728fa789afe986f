/**
 * A program that takes a seccomp filter of its own when its trampolines run by themselves already: it goes on calling and
 * writing them, whatever the filter does to calls that the program does not make.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alike, emulated, logged, policies } from './alike.js';

const program = emulated('late_filter', 'x86-64');

/** What the filter does to mremap(2) and mprotect(2). */
const ACTIONS = ['trap', 'errno', 'thread', 'process'];
/** Trials of test/programs/emulation/late_filter.c, and what they are. */
const TRIALS = {
  'seccomp prctl int80': 'by each call, once and again',
  'for-all first-alone other-alone': 'for all threads or for one, while others write',
  meanwhile: 'while other threads call',
  before: 'in a thread, before memory was asked for by another',
  'inherited in-child in-sharer': 'in children and for them, with a copy of the memory or the same',
  failing: 'in vain',
} as const;

for (const policy of policies) {
  describe(`under ${policy}, a filter that is taken late`, () => {
    for (const [trials, what] of Object.entries(TRIALS)) {
      test(`${what}: trampolines are called and written on`, async () => {
        for (const action of ACTIONS) await alike(policy, [program, action, ...trials.split(' ')], { status: 41 });
      });
    }
  });
}

test('pages are promoted before the filter is taken, as the trials need it', async () => {
  const { status, events } = await logged('wx', [program, 'trap', 'seccomp']);
  assert.equal(status, 41);
  assert.ok(events.filter(({ event }) => event === 'promoted').length >= 3);
});
