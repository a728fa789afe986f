/**
 * The examples do what they say.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

function run(file: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', cwd: root, timeout: 60_000 });
  assert.deepEqual([status, stderr], [0, ''], stdout);
  return stdout;
}

test('npm start shows the main job: refusal, trampolines, the listing and the page', () => {
  const [before = '', after = ''] = run('node', [join(root, 'dist', 'examples', 'start.js')]).split('Under trampfd:');
  assert.match(before, /writable and executable\?\s+granted/);
  assert.match(before, /there is nobody to ask/);
  assert.match(after, /writable and executable\?\s+refused, EACCES/);
  assert.match(after, /printed by a puts\(\) that was given no argument/);
  assert.match(after, /strlen\("trampoline"\) = 10/);
  assert.match(after, /endbr64/);
  assert.match(after, / r-xs .*\/memfd:trampfd/);
  assert.match(after, /tries to write there\?\s+refused, EACCES/);
});

test('bound functions in C', () => {
  const binary = compileProgram('../../examples/bound.c');
  const output = run(TRAMPFD, ['run', '--', binary]);
  assert.match(output, /hello from a bound puts\(\)/);
  assert.match(output, /the number is 42/);
  assert.match(output, /hello again, from the same pointer/);
});
