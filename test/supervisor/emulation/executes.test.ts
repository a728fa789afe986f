/**
 * Processes whose threads execute a program while others ask for memory: nobody can trace them meanwhile, and who executes
 * waits for the ends of those that are traced. The run goes on, and all of them become the other program.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SharedFolder } from '../../cli/command.js';
import { alike, emulated, policies, runToEnd, under, type Width, widths } from './alike.js';

/** The dynamic loader of each width. */
const LOADERS: Readonly<Record<Width, string>> = {
  'x86-64': '/lib64/ld-linux-x86-64.so.2',
  i386: '/lib/ld-linux.so.2',
};

/** Stands for the loader's path in a program that is compiled once. */
const PLACE = `/${'x'.repeat(200)}`;

/** Writes a program that has a loader of its own. */
function writeProgram(path: string, width: Width, loader: string): void {
  const bytes = readFileSync(emulated('executes', width, [`-Wl,--dynamic-linker=${PLACE}`]));
  const at = bytes.indexOf(PLACE);
  assert.ok(at > 0);
  bytes.fill(0, at, at + PLACE.length);
  bytes.write(loader, at);
  writeFileSync(path, bytes, { mode: 0o755 });
}

for (const policy of policies) {
  for (const width of widths) {
    describe(`${width} programs of several threads under ${policy}`, () => {
      const program = emulated('executes', width);

      for (const threads of [4, 30]) {
        test(`execute while one of ${threads} threads asks first`, () =>
          alike(policy, [program, 'race', '50', String(threads)], { status: 43 }));
      }

      test('stand in an execution while one asks, and hold up no other process', async () => {
        using folder = new SharedFolder();
        const loader = join(folder.path, 'loader');
        copyFileSync(LOADERS[width], loader);
        const file = join(folder.path, 'program');
        writeProgram(file, width, loader);
        await alike(policy, [program, 'held', file, loader], { status: 43 }, [program, folder.path]);
      });

      test('execute while one has memory judged', async () => {
        const ended = await runToEnd([
          ...under(policy, [program], ['--allow', 'execheap']),
          ...[program, 'judged', '20', '6'],
        ]);
        assert.deepEqual(ended, { status: 43, signal: null, output: '20 became another program\n', errors: '' });
      });
    });
  }
}
