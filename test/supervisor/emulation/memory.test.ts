/** Memory with trampolines is the program's as it was: it may write, read, move, share and replace it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TracedMemory } from '../../../src/supervisor/emulation/memory.js';
import { View, ViewPages } from '../../../src/supervisor/emulation/view.js';
import { alike, emulated, logged, policies, widths } from './alike.js';

const TRIALS = {
  rewrite: 'a trampoline that is written anew is the one that is called',
  kernel: 'a trampoline that the kernel writes for it is the one that is called',
  read: 'what is read back is what was written',
  protect: 'memory is made executable, and writable again',
  replace: 'memory is split, replaced and given back',
  shared: 'memory is shared with a child',
  beside: 'trampolines stand anywhere, over the edge of a page and beside data',
  many: 'there may be thousands of them',
  confined: 'a program that has given its system calls up still calls them',
} as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`${width} programs under ${policy}`, () => {
      const program = emulated('memory', width);
      for (const [trial, what] of Object.entries(TRIALS)) {
        test(what, () => alike(policy, [program, trial], { status: 44 }));
      }

      // Where it was granted is known by its address.
      test('memory that is moved has no trampolines any more', async () => {
        const { output, signal } = await logged(policy, [program, 'move']);
        assert.deepEqual([output, signal], ['before: 11 21\n', 'SIGSEGV']);
      });
    });
  }
}

test('where a program gets other memory, what it had there before is forgotten', () => {
  const PAGE = 4096;
  const START = 0x7f00_0000_0000n;
  const view = (start: bigint): View =>
    new View(start, 0n, 0n, ViewPages.create(PAGE), { inode: 1n, device: 1, name: '', offset: 0n, descriptor: -1 });
  const [first, second, third] = [0n, 1n, 2n].map((page) => view(START + page * BigInt(PAGE)));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const memory = new TracedMemory();
  for (const one of [first, second, third]) memory.addView(one);
  memory.grant({ start: first.start, end: first.end });
  assert.deepEqual(memory.views, [second, third]);
  const other = view(third.start);
  memory.addView(other);
  assert.deepEqual(memory.views, [second, other]);
  // Its pages are given back.
  assert.throws(() => first.pages.promote(0, 0n, PAGE, 'libffi', 32), /mapping/);
  memory.leave(process.pid);
});
