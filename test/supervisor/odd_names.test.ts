/** Names that read as more than a name in what /proc tells. */
import { after, test } from 'node:test';
import { SharedFolder, trampfd } from '../cli/command.js';
import { holdTap, program } from './tap.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());

for (const policy of ['wx', 'strict']) {
  for (const width of ['x86-64', 'i386'] as const) {
    test(`no name makes memory executable that may not be, under ${policy} --allow execheap (${width})`, () => {
      const binary = program('odd_names', width);
      const words = [trampfd, 'run', '--policy', policy, '--exec', binary, '--allow', 'execheap', '--', binary];
      holdTap([...words, folder.path]);
    });
  }
}
