/**
 * What an i386 call has in the upper halves of its registers does not count.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

for (const [options, writable] of [
  [['--no-emulation'], 'writable -13'],
  // Granted without X.
  [[], 'writable 0'],
] as const) {
  test(`${['wx', ...options].join(' ')}: a 64-bit program uses the i386 entry, with garbage in the upper halves`, () => {
    const program = compileProgram('supervisor/upper_halves.c');
    const words = ['run', ...options, '--', program];
    const done = spawnSync(join(root, 'bin', 'trampfd'), words, { encoding: 'utf8', timeout: 60_000 });
    assert.deepEqual([done.status, done.signal, done.stderr], [0, null, '']);
    assert.deepEqual(done.stdout.trimEnd().split('\n'), [
      'create 0',
      'slots 28',
      'code 16',
      'seek 1',
      'data 16',
      'map 0',
      'again -17',
      writable,
    ]);
  });
}
