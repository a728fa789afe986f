/**
 * The interface where this implementation has a choice, where it has another policy than the default one, and where the
 * kernel below it is older. What every implementation must do is judged by test/conformance.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { copyCommand, SharedFolder } from '../cli/command.js';
import { buildProgram, programFlags } from '../conformance/programs.js';
import { runTap } from '../conformance/suite.js';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

for (const width of ['x86-64', 'i386'] as const) {
  suite(`the interface for ${width} programs`, () => {
    test('numbers outside of the window, and which of two faults is named', () => {
      const binary = compileProgram('interface/numbers.c', { flags: programFlags(width) });
      const run = runTap('numbers', [TRAMPFD, 'run', '--', binary]);
      assert.deepEqual(run.faults, [], run.output);
    });

    test('where there is no memory for another one, creating gives ENOMEM', () => {
      const binary = compileProgram('interface/no_memory.c', { flags: programFlags(width) });
      const limited = ['/bin/sh', '-c', 'ulimit -f 0; exec "$@"', 'sh'];
      const run = runTap('no_memory', [...limited, TRAMPFD, 'run', '--', binary]);
      assert.deepEqual(run.faults, [], run.output);
    });

    for (const policy of ['off', 'log']) {
      for (const program of ['tables', 'children', 'passing']) {
        test(`the policy ${policy} serves the same: ${program}`, () => {
          const run = runTap(program, [TRAMPFD, 'run', '--policy', policy, '--', buildProgram(program, width)]);
          assert.deepEqual(run.faults, [], run.output);
        });
      }
    }
  });
}

suite('the interface on a kernel that cannot keep signals away from a call that was received', () => {
  for (const mode of ['restart', 'interrupt']) {
    test(`a signal every millisecond (${mode}): a call that is made again does not meet its own work`, () => {
      using folder = new SharedFolder();
      const older = compileProgram('linux/older_kernel.c');
      const words = [copyCommand(folder.path), 'run', '--', buildProgram('signals', 'x86-64'), mode, '6000'];
      const run = runTap(mode, [older, ...words]);
      assert.deepEqual(run.faults, [], run.output);
    });
  }
});
