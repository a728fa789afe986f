/**
 * Calls that a rule has notified, but that are none of the service's.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

for (const [policy, both] of [
  ['off', 'mapped'],
  ['log', 'mapped'],
  // Granted, and not executable.
  ['wx', 'mapped'],
  ['wx --no-emulation', 'EACCES'],
] as const) {
  test(`${policy}: a table as the descriptor of anonymous memory is ignored`, () => {
    const program = compileProgram('supervisor/ignored_descriptor.c');
    const words = ['run', '--policy', ...policy.split(' '), '--', program];
    const { status, stdout } = spawnSync(join(root, 'bin', 'trampfd'), words, { encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'table: created',
      'writable: mapped',
      `writable and executable: ${both}`,
    ]);
  });
}
