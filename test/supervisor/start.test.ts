/**
 * A receiver that fails: before the program there is none, and later every call that needs it fails, while the filter goes
 * on refusing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Ended, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';
import { type Change, runBroken } from './broken.js';

/** Runs a program by a copy of the command whose receiver was changed. */
function runWith(change: Change['change'], words: readonly string[], options: readonly string[] = []): Ended {
  return runBroken([{ file: 'receive', change }], words, options);
}

describe('a receiver that fails', () => {
  test('before the program: nothing is started, and a sentence says so', () => {
    for (const [receiver, level] of ['throw new Error("broken")', 'process.exit(0)'].flatMap((text) =>
      ['wx', 'strict'].map((one) => [text, one] as const),
    )) {
      const { status, output, errors } = runWith(() => receiver, ['echo', 'started'], ['--policy', level]);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: [^\n]+\n$/);
    }
  });

  for (const [options, both] of [
    [[], 'ENOSYS'],
    [['--no-emulation'], 'EACCES'],
  ] as const) {
    const under = ['wx', ...options].join(' ');
    test(`at the first call, under ${under}: it and all others fail, what is refused is refused still`, () => {
      holdsWithBrokenReceiver(options, both);
    });
  }

  function holdsWithBrokenReceiver(options: readonly string[], both: string): void {
    using logs = new SharedFolder();
    const log = join(logs.path, 'log');
    const program = compileProgram('supervisor/ignored_descriptor.c');
    const { status, output, errors } = runWith(
      // Names of methods are the only ones that the bundle keeps.
      (text) => text.replace(/\banswerDescriptor\(\w+, ?\w+\) ?\{/, '$&throw new Error("broken");'),
      [program],
      ['--log', log, ...options],
    );
    assert.equal(status, 0);
    assert.deepEqual(output.trimEnd().split('\n'), [
      'table: ENOSYS',
      'writable: mapped',
      `writable and executable: ${both}`,
    ]);
    assert.match(errors, /^trampfd: the supervisor failed, and calls that need it fail from now on: broken\n$/);
    const events = readFileSync(log, 'utf8').trimEnd().split('\n');
    assert.match(events.at(-1) ?? '', /"event":"failed","reason":"the supervisor failed[^"]*: broken"/);
  }
});
