/**
 * Programs that write trampolines themselves, or whose libraries do: one row each.
 *
 * @module
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileProgram, root } from '../programs/compile.js';
import type { Ending } from './cell.js';

/** One program of the table. */
export interface CallbackProgram {
  /** Its row's first cell. */
  readonly name: string;
  /** The words that run it. */
  readonly words: () => readonly string[];
  /** Whether it is a file of the tests that `strict` has to be told of. */
  readonly isOwn: boolean;
  /** What its environment has beside the tests' own. */
  readonly environment: NodeJS.ProcessEnv;
  /** The exit status by which it says that all went as it should. */
  readonly status: number;
  /** How it ends where it gets no callbacks: with `--no-emulation`, under each policy. */
  readonly withoutEmulation: { readonly wx: Ending; readonly strict: Ending };
  /** What becomes of its trampolines where they are emulated: each call is, or none is after the first ones. */
  readonly way: 'emulated' | 'promoted';
}

function script(
  name: string,
  interpreter: string,
  file: string,
  rest: Pick<CallbackProgram, 'status' | 'withoutEmulation' | 'way'>,
  environment: NodeJS.ProcessEnv = {},
  options: readonly string[] = [],
): CallbackProgram {
  const words = [interpreter, ...options, join(root, 'test', 'programs', 'callbacks', file)];
  return { name, words: () => words, isOwn: false, environment, ...rest };
}

function compiled(
  name: string,
  file: string,
  flags: readonly string[],
  rest: Pick<CallbackProgram, 'status' | 'withoutEmulation' | 'way'>,
  compiler = 'gcc',
): CallbackProgram {
  const options = { compiler, flags };
  const words = (): readonly string[] => [compileProgram(`callbacks/${file}`, options)];
  return { name, words, isOwn: true, environment: {}, ...rest };
}

/** Where libffi is refused memory that is writable and executable, it maps a file twice; `strict` refuses that as well. */
const byAlias = (strict: Ending): CallbackProgram['withoutEmulation'] => ({ wx: 'runs', strict });
const both = (ending: Ending): CallbackProgram['withoutEmulation'] => ({ wx: ending, strict: ending });

/** What nested functions come to: under `wx` the stack that the file asks for is there, but no thread's. */
const nested = { status: 28, withoutEmulation: { wx: 'fails', strict: 'SIGSEGV' }, way: 'emulated' } as const;
const C = ['-std=gnu11', '-pthread'];
const I386 = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'];

/** The table. */
export const programs: readonly CallbackProgram[] = [
  script('Python, `ctypes`: `qsort`', '/usr/bin/python3', 'ctypes_sort.py', {
    status: 21,
    withoutEmulation: byAlias('MemoryError'),
    way: 'promoted',
  }),
  script('Python, `ctypes`: threads of Python and of C', '/usr/bin/python3', 'ctypes_threads.py', {
    status: 22,
    withoutEmulation: byAlias('MemoryError'),
    way: 'promoted',
  }),
  script('Python, cffi: `ffi.callback`', '/usr/bin/python3', 'cffi_callback.py', {
    status: 23,
    withoutEmulation: both('MemoryError'),
    way: 'emulated',
  }),
  script('Python, GObject: sorts and main loop of GLib', '/usr/bin/python3', 'gobject.py', {
    status: 27,
    withoutEmulation: byAlias('fails'),
    way: 'promoted',
  }),
  script('Ruby, Fiddle closures', '/usr/bin/ruby', 'fiddle.rb', {
    status: 24,
    withoutEmulation: byAlias('SIGABRT'),
    way: 'promoted',
  }),
  script('PHP, FFI callbacks', '/usr/bin/php', 'ffi.php', {
    status: 25,
    withoutEmulation: byAlias('Exception'),
    way: 'promoted',
  }),
  script(
    'Guile, `procedure->pointer`, without its JIT compiler',
    '/usr/bin/guile',
    'pointer.scm',
    { status: 26, withoutEmulation: byAlias('SIGSEGV'), way: 'promoted' },
    { GUILE_JIT_THRESHOLD: '-1', GUILE_AUTO_COMPILE: '0' },
  ),
  script(
    'CLISP, callbacks of libffcall',
    '/usr/bin/clisp',
    'callback.lisp',
    { status: 32, withoutEmulation: byAlias('SIGABRT'), way: 'emulated' },
    {},
    ['-norc', '-q'],
  ),
  compiled('C, libffi closures, a thousand at once', 'libffi.c', [...C, '-lffi'], {
    status: 29,
    withoutEmulation: byAlias('fails'),
    way: 'promoted',
  }),
  compiled('C, libffi closures, of a library that the program bundles', 'libffi.c', [...C, '-l:libffi.a'], {
    status: 29,
    withoutEmulation: byAlias('fails'),
    way: 'promoted',
  }),
  compiled('C, nested functions, in threads too', 'nested.c', C, nested),
  compiled('C, nested functions, `-no-pie`', 'nested.c', [...C, '-fno-pie', '-no-pie'], nested),
  compiled('C, nested functions, `-z execstack`', 'nested.c', [...C, '-Wl,-z,execstack'], nested),
  compiled('C, nested functions, `-m32`', 'nested.c', [...C, ...I386], nested),
  compiled("C, nested functions' trampolines on the heap, as GCC 14 has them", 'heap.c', C, {
    status: 30,
    withoutEmulation: both('SIGABRT'),
    way: 'promoted',
  }),
  compiled(
    'Fortran, internal procedures as arguments',
    'internal.f90',
    // Where the compiler writes down what a module exports.
    [`-J${tmpdir()}`],
    { status: 31, withoutEmulation: { wx: 'runs', strict: 'SIGSEGV' }, way: 'emulated' },
    'gfortran',
  ),
];
