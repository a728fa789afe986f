/** Trampolines over fork, vfork and exec: a child has its parent's, and neither sees what the other writes. */
import { describe, test } from 'node:test';
import { alike, emulated, policies, widths } from './alike.js';

const TRIALS = {
  'in-memory': 'in memory and on the stack live on in children, which write others',
  after: 'are asked for by children first',
  exec: 'are gone in a program that is executed, which may ask again',
  vfork: 'live on beside programs that are started by vfork and posix_spawn',
  thread: 'are gone when a thread executes a program while others call',
};

for (const policy of policies) {
  describe(`under ${policy}, trampolines`, () => {
    for (const width of widths) {
      for (const [trial, what] of Object.entries(TRIALS)) {
        test(`${what} (${width})`, () => alike(policy, [emulated('forks', width), trial], { status: 41 }));
      }
    }

    test('of libffi live on in children, which free them and make others', () =>
      alike(policy, [emulated('forks', 'x86-64', ['-DLIBFFI', '-lffi']), 'closures'], { status: 41 }));

    test('of libffi that were not called yet are not written by children', () =>
      alike(policy, [emulated('forks', 'x86-64', ['-DLIBFFI', '-lffi']), 'uncalled'], { status: 41 }));
  });
}
