/**
 * The examples do what they say.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

function run(file: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', cwd: root, timeout: 60_000 });
  assert.deepEqual([status, stderr], [0, ''], stdout);
  return stdout;
}

test('npm start shows the main job: memory, trampolines of both kinds, the listing and the page', () => {
  const [before = '', after = ''] = run('node', [join(root, 'dist', 'examples', 'start.js')]).split('Under trampfd:');
  assert.match(before, /writable and executable\?\s+granted, rwxp: an attacker/);
  assert.match(before, /that is written there\?\s+executed, getpid\(\) = \d+$/m);
  assert.match(before, /there is nobody to ask/);
  assert.match(after, /writable and executable\?\s+granted, rw-p: nothing that is written there is executed/);
  assert.match(after, /that is written there\?\s+emulated, getpid\(\) = \d+$/m);
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

describe('reading back in C', () => {
  const widths = { '64-bit': ['-m64'], '32-bit': ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'] };
  for (const [width, flags] of Object.entries(widths)) {
    test(`${width}: contexts that are what was meant are called`, () => {
      const binary = compileProgram('../../examples/read_back.c', { flags });
      const paid = 'paid 20 euros to the baker\n';
      assert.equal(run(TRAMPFD, ['run', '--', binary]), `an order with the note: thanks!\n${paid}${paid}`);
    });

    for (const [attacked, context] of [
      ['target', 'register'],
      ['register', 'register'],
      ['stack', 'stack'],
    ] as const) {
      test(`${width}: an overflow that changes the ${attacked} is seen, and nothing is called`, () => {
        const binary = compileProgram('../../examples/read_back.c', { flags });
        const done = spawnSync(TRAMPFD, ['run', '--', binary, attacked], { encoding: 'utf8', timeout: 60_000 });
        const said = `read_back: the trampoline's ${context} context is not what was meant; it is not called\n`;
        assert.deepEqual([done.status, done.stderr, done.stdout], [2, said, 'an order with the note: thanks!\n']);
      });
    }
  }
});
