/**
 * Tables that are shared: descriptors at ordinary numbers, other processes, threads with descriptors of their own. Each C
 * program runs under `trampfd run`, as 64-bit and as 32-bit program; it prints TAP and judges for itself.
 *
 * @module
 */
import { suite, test } from 'node:test';
import { asOrdinaryUser, copyCommand, SharedFolder, trampfd } from '../cli/command.js';
import { holdTap, program } from './tap.js';

for (const width of ['x86-64', 'i386'] as const) {
  suite(`tables of ${width} programs`, () => {
    test("a table's descriptor at an ordinary number is one, and other files there are not", () => {
      holdTap([trampfd, 'run', '--', program('ordinary_numbers', width)]);
    });

    test("a table is its process's, whatever threads and children share with it", () => {
      holdTap([trampfd, 'run', '--', program('sharing', width)]);
    });
  });
}

test('what an ordinary user may not look at is refused at the numbers of tables alone', () => {
  using folder = new SharedFolder();
  holdTap([...asOrdinaryUser, copyCommand(folder.path), 'run', '--', program('undumpable', 'x86-64')]);
});
