/**
 * Mappings of trampolines of version 1: a fork does not inherit them, wherever the mapping thread can be traced, and
 * nobody notices how that is done.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { copyCommand, SharedFolder } from '../cli/command.js';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

const FLAGS = {
  'x86-64': ['-std=gnu11', '-pthread'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
} as const;

/** A program that asks for an executable stack is traced all the time, for trampolines that may be there. */
const EXECUTABLE_STACK = '-Wl,-z,execstack';

function program(width: keyof typeof FLAGS, ...more: readonly string[]): string {
  return compileProgram('supervisor/user_mapping.c', { flags: [...FLAGS[width], ...more] });
}

/** Runs a command that must end well; what it printed. */
function output(command: string, words: readonly string[]): string {
  const done = spawnSync(command, words, { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
  const said = `${words.join(' ')}: ${done.status} ${done.signal}\n${done.stdout}${done.stderr}`;
  assert.deepEqual([done.status, done.signal, done.stderr], [0, null, ''], said);
  return done.stdout;
}

for (const width of ['x86-64', 'i386'] as const) {
  describe(`a mapping of an ${width} program`, () => {
    test('is not inherited: a child that calls it faults, and its parent goes on', () => {
      const said = output(TRAMPFD, ['run', '--', program(width), 'state']);
      assert.equal(said, 'inherited 0\nchild signal 11\nparent 77\n');
    });

    test('is made right under a storm of signals', () => {
      assert.equal(output(TRAMPFD, ['run', '--', program(width), 'storm', '1000']), 'signals came\n');
    });

    test('is made right by eight threads at once', () => {
      assert.equal(output(TRAMPFD, ['run', '--', program(width), 'threads', '100']), '');
    });

    test('may be cut short by a kill, and the next one is served', () => {
      assert.equal(output(TRAMPFD, ['run', '--', program(width), 'kill', '150']), '');
    });

    test('is made right where the program is traced for its trampolines', () => {
      const traced = program(width, EXECUTABLE_STACK);
      assert.equal(output(TRAMPFD, ['run', '--', traced, 'state']), 'inherited 0\nchild signal 11\nparent 77\n');
      assert.equal(output(TRAMPFD, ['run', '--', traced, 'storm', '300']), 'signals came\n');
      assert.equal(output(TRAMPFD, ['run', '--', traced, 'threads', '50']), '');
      assert.equal(output(TRAMPFD, ['run', '--', traced, 'kill', '50']), '');
    });

    test('is inherited where another tracer has the thread, and the log says so', () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-mapping-'));
      try {
        const log = join(folder, 'log');
        const strace = ['strace', '-f', '-o', '/dev/null', program(width), 'state'];
        const said = output(TRAMPFD, ['run', '--log', log, '--', ...strace]);
        assert.equal(said, 'inherited 1\nchild status 77\nparent 77\n');
        const mapped = readFileSync(log, 'utf8')
          .split('\n')
          .filter((line) => line.includes('"trampoline-mapped"'));
        assert.deepEqual(
          mapped.map((line) => (JSON.parse(line) as { inherited: boolean }).inherited),
          [true],
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}

test('a mapping is inherited on kernels where a signal may end the wait for an answer', () => {
  using folder = new SharedFolder();
  const older = compileProgram('linux/older_kernel.c');
  const words = [copyCommand(folder.path), 'run', '--', program('x86-64'), 'state'];
  assert.equal(output(older, words), 'inherited 1\nchild status 77\nparent 77\n');
});
