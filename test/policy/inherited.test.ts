/**
 * A personality in which readable memory is executable, inherited by trampfd from whoever starts it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

function output(words: readonly string[]): string {
  // setarch -X sets READ_IMPLIES_EXEC. A 64-bit program loses it when it starts, as the launcher and Node.js do; a 32-bit
  // one keeps it.
  const { status, stdout, stderr } = spawnSync('setarch', ['i686', '-X', ...words], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('an inherited READ_IMPLIES_EXEC does not reach a 32-bit program under wx', () => {
  const program = compileProgram('policy/readable.c', {
    flags: ['-m32', '-z', 'noexecstack', '-idirafter', '/usr/include/x86_64-linux-gnu'],
  });
  const run = (policy: string): string =>
    output([join(root, 'bin', 'trampfd'), 'run', '--policy', policy, '--', program]);
  assert.equal(output([program]), 'EXEC');
  assert.equal(run('wx'), 'SIGSEGV');
});
