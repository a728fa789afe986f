/**
 * A receiver that fails: before the program there is none, and later every call that needs it fails, while the filter goes
 * on refusing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { copyCommand, run, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

/** Runs a program by a copy of the command whose receiver was changed. */
function runWith(change: (receiver: string) => string, words: readonly string[], options: readonly string[] = []) {
  using folder = new SharedFolder();
  const trampfd = copyCommand(folder.path);
  const receiver = join(folder.path, 'dist', 'bin', 'receive.cjs');
  const text = readFileSync(receiver, 'utf8');
  const changed = change(text);
  assert.ok(changed !== text, 'the receiver was not changed');
  writeFileSync(receiver, changed);
  return run([trampfd, 'run', ...options, '--', ...words]);
}

describe('a receiver that fails', () => {
  test('before the program: nothing is started, and a sentence says so', () => {
    for (const receiver of ['throw new Error("broken")', 'process.exit(0)']) {
      const { status, output, errors } = runWith(() => receiver, ['echo', 'started']);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: [^\n]+\n$/);
    }
  });

  test('at the first call: it and all others fail, what wx refuses is refused still', () => {
    using logs = new SharedFolder();
    const log = join(logs.path, 'log');
    const program = compileProgram('supervisor/ignored_descriptor.c');
    const { status, output, errors } = runWith(
      // Names of methods are the only ones that the bundle keeps.
      (text) => text.replace(/\banswerDescriptor\(\w+, ?\w+\) ?\{/, '$&throw new Error("broken");'),
      [program],
      ['--log', log],
    );
    assert.equal(status, 0);
    assert.deepEqual(output.trimEnd().split('\n'), [
      'table: ENOSYS',
      'writable: mapped',
      'writable and executable: EACCES',
    ]);
    assert.match(errors, /^trampfd: the supervisor failed, and calls that need it fail from now on: broken\n$/);
    const events = readFileSync(log, 'utf8').trimEnd().split('\n');
    assert.match(events.at(-1) ?? '', /"event":"failed","reason":"the supervisor failed[^"]*: broken"/);
  });
});
