/**
 * The old mmap of i386 keeps its arguments in memory. It is carried out as mmap2, with arguments that nobody can change any
 * more, so that programs which use it run under W^X, and none gets around that by it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readTap } from '../conformance/tap.js';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

const FLAGS = {
  'x86-64': ['-std=gnu11', '-pthread', '-fno-pie', '-no-pie'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-fno-pie', '-no-pie', '-idirafter', '/usr/include/x86_64-linux-gnu'],
} as const;

/** What a program prints that ends well. */
function output(width: keyof typeof FLAGS, words: readonly string[], ...before: readonly string[]): string {
  return outputOf(compileProgram('supervisor/old_mmap.c', { flags: FLAGS[width] }), words, before);
}

function outputOf(program: string, words: readonly string[], before: readonly string[]): string {
  const done = spawnSync(TRAMPFD, ['run', ...before, program, ...words], {
    encoding: 'utf8',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  assert.deepEqual([done.status, done.signal, done.stderr], [0, null, ''], done.stdout);
  return done.stdout;
}

for (const width of ['x86-64', 'i386'] as const) {
  describe(`the old mmap, from ${width} programs`, () => {
    test('maps what mmap2 would, and fails as it would', () => {
      const said = output(width, ['calls'], '--no-emulation', '--');
      assert.deepEqual(readTap(said).faults, [], said);
    });

    test('gives no memory that is writable and executable while a thread changes its arguments', () => {
      assert.equal(output(width, ['race', '3000'], '--no-emulation', '--'), 'mapped some, refused some\n');
    });

    test('is right under a storm of signals', () => {
      assert.equal(output(width, ['storm', '1000'], '--'), 'all mapped\n');
    });

    test('is right where the program is traced for its trampolines', () => {
      const flags = [...FLAGS[width], '-Wl,-z,execstack'];
      const program = compileProgram('supervisor/old_mmap.c', { flags });
      assert.equal(outputOf(program, ['storm', '300'], ['--']), 'all mapped\n');
    });

    test('is refused under wx where another tracer has the thread, and left to the kernel by the others', () => {
      assert.equal(output(width, ['one'], '--', 'strace', '-f', '-o', '/dev/null'), '13\n');
      for (const policy of ['off', 'log']) {
        assert.equal(output(width, ['one'], '--policy', policy, '--', 'strace', '-f', '-o', '/dev/null'), '0\n');
        assert.equal(output(width, ['one'], '--policy', policy, '--'), '0\n');
      }
    });
  });
}
