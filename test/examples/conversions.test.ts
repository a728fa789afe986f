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
/** Options of a run: these programs need no emulation, and lose nothing by it. */
const WAYS: readonly (readonly string[])[] = ['wx', 'strict'].flatMap((policy) => [
  ['--policy', policy],
  ['--policy', policy, '--no-emulation'],
]);

describe("GCC's trampolines on the heap", () => {
  const widths = { '64-bit': ['-m64'], '32-bit': ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'] };
  const nestedFunctions = (width: readonly string[]): string =>
    compileSource(join(examples, 'nested_functions.c'), {
      sources: [join(examples, 'gcc_heap_trampolines.c')],
      flags: [...width, '-pthread'],
    });

  for (const [width, flags] of Object.entries(widths)) {
    for (const options of WAYS) {
      const way = options.slice(1).join(' ');
      test(`${width}, ${way}: nested functions are called in their frames, deep and by threads`, () => {
        const ended = run([trampfd, 'run', ...options, '--', nestedFunctions(flags)]);
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

describe("libffi's closures", () => {
  const replacement = join(examples, 'libffi_closures.c');
  const closures = (sources: readonly string[]): string =>
    compileSource(join(examples, 'closures.c'), { sources, flags: ['-lffi'] });
  const preloaded = (): string =>
    compileSource(replacement, { flags: ['-shared', '-fPIC', '-Wl,--no-as-needed', '-lffi'] });
  const results = [
    '1 2 3',
    '3 2 1',
    '1000 closures, sum 500500',
    'every second one again, with the opposite number: sum 500',
    '4 threads, 5000 closures each, one after the other',
    '',
  ].join('\n');

  for (const options of WAYS) {
    const way = options.slice(1).join(' ');
    test(`${way}: a program that is linked with them calls, frees and reuses, in threads too`, () => {
      const ended = run([trampfd, 'run', ...options, '--', closures([replacement])]);
      const output = `their code: r-xs /memfd:trampfd (deleted)\n${results}`;
      assert.deepEqual(ended, { status: 0, signal: null, output, errors: '' });
    });

    test(`${way}: a call of a closure that is freed ends the program`, () => {
      const ended = run([trampfd, 'run', ...options, '--', closures([replacement]), 'freed']);
      const errors = 'libffi_closures: a closure was called that is not prepared, or freed\n';
      assert.deepEqual(ended, { status: null, signal: 'SIGABRT', output: '', errors });
    });

    test(`${way}: put before a library that nobody compiled again, they are Python's`, () => {
      const session = [
        'import ctypes',
        'numbers = (ctypes.c_int * 4)(4, 1, 3, 2)',
        'pointer = ctypes.POINTER(ctypes.c_int)',
        'compare = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)(lambda a, b: a[0] - b[0])',
        'ctypes.CDLL(None).qsort(numbers, 4, 4, compare)',
        'address = ctypes.cast(compare, ctypes.c_void_p).value',
        'for line in open("/proc/self/maps"):',
        '  start, end = (int(number, 16) for number in line.split()[0].split("-"))',
        '  if start <= address < end: print(*numbers, *line.split()[5:])',
      ].join('\n');
      const library = preloaded();
      const permitted = options.includes('strict') ? ['--exec', library] : [];
      const words = [trampfd, 'run', ...options, ...permitted, '--', '/usr/bin/python3', '-c', session];
      const ended = run(words, { env: { ...process.env, LD_PRELOAD: library } });
      assert.deepEqual(ended, { status: 0, signal: null, output: '1 2 3 4 /memfd:trampfd (deleted)\n', errors: '' });
    });
  }

  test('without trampfd the same program has its closures from libffi', () => {
    const ended = run([closures([replacement])]);
    const output = `their code: rwxp memory\n${results}`;
    assert.deepEqual(ended, { status: 0, signal: null, output, errors: '' });
  });
});
