/**
 * The two conversions of trampolines that programs write themselves: GCC 14's on the heap, and libffi's closures. Each
 * example works under both policies, and in a process whose memory is never writable and executable.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, trampfd } from '../cli/command.js';
import { compileSource, root } from '../programs/compile.js';

const examples = join(root, 'examples');
const POLICIES = ['wx', 'strict'] as const;

describe("GCC's trampolines on the heap", () => {
  const widths = { '64-bit': ['-m64'], '32-bit': ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'] };
  const nestedFunctions = (width: readonly string[]): string =>
    compileSource(join(examples, 'nested_functions.c'), {
      sources: [join(examples, 'gcc_heap_trampolines.c')],
      flags: [...width, '-pthread'],
    });

  for (const [width, flags] of Object.entries(widths)) {
    for (const policy of POLICIES) {
      test(`${width}, ${policy}: nested functions are called in their frames, deep and by threads`, () => {
        const ended = run([trampfd, 'run', '--policy', policy, '--', nestedFunctions(flags)]);
        const said = '1 2 3\n3 2 1\nman or boy: -67\n4 threads, each 20 times 400 frames deep\n';
        assert.deepEqual(ended, { status: 0, signal: null, output: said, errors: '' });
      });
    }

    test(`${width}: without trampfd the program says what is missing, and aborts`, () => {
      const ended = run([nestedFunctions(flags)]);
      const said =
        'gcc_heap_trampolines: cannot create a trampoline table for a nested function: Function not implemented; ' +
        'start the program as: trampfd run -- PROGRAM\n';
      assert.deepEqual(ended, { status: null, signal: 'SIGABRT', output: '', errors: said });
    });
  }
});
