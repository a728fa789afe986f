/**
 * Runtimes that write code while they run, and what each does where it may not: one table, for the sentence that a person
 * gets when one of them is refused. Every row was seen with the version that it names (of Debian 12, where there is one).
 *
 * @module
 */
import type { Kind } from './kinds.js';

/** One runtime. */
export interface Runtime {
  /** What it is called. */
  readonly name: string;
  /** The version that was tried. */
  readonly seen: string;
  /** The last part of the path of its executable or library: of the file that a call came from. */
  readonly file: RegExp;
  /** The kinds that it cannot run without, where nothing makes it. */
  readonly wants: readonly Kind[];
  /** What becomes of it when it is refused. */
  readonly refused: /** It runs on without writing code, or without what it wanted the code for. */
    | 'goes on'
    /** It, or the call that wanted code, fails. */
    | 'fails';
  /** What makes it run without; undefined where nothing does. */
  readonly without: string | undefined;
  /** What its code is, where that is no compiler's: trampolines, which can be emulated. */
  readonly trampolines?: /** In memory that is writable and executable; it has no other way. */
    | 'in one place'
    /** And where that is refused, in a file that it maps twice. */
    | 'maps twice';
}

/** The table. A file that several rows match is the first one's. */
export const runtimes: readonly Runtime[] = [
  {
    name: 'V8 (Node.js)',
    seen: 'Node.js 20.20',
    file: /^(node|nodejs)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'node --jitless',
  },
  {
    name: 'the Java virtual machine (HotSpot)',
    seen: 'OpenJDK 17.0, with -Xint and as Zero too',
    file: /^libjvm\.so$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: 'LuaJIT',
    seen: '2.1.0~beta3',
    file: /^(luajit(-[\d.]+.*)?|libluajit-5\.1\.so.*)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'luajit -joff, or jit.off() in the program',
  },
  {
    name: 'Guile',
    seen: '3.0.8',
    file: /^libguile-3\.\d+\.so.*$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'GUILE_JIT_THRESHOLD=-1 in the environment',
  },
  {
    name: 'SpiderMonkey (gjs)',
    seen: 'mozjs 102 with gjs 1.74, with GJS_DISABLE_JIT too',
    file: /^libmozjs-\d+\.so.*$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: "PHP's JIT (opcache)",
    seen: 'PHP 8.2',
    file: /^opcache\.so$/,
    wants: ['execmem'],
    refused: 'goes on',
    without: 'php -d opcache.jit=disable',
  },
  {
    name: "PCRE2's JIT",
    seen: '10.42, in php and grep -P',
    file: /^libpcre2-(8|16|32)\.so.*$/,
    wants: ['execmem'],
    refused: 'goes on',
    without: 'in PHP: php -d pcre.jit=0',
  },
  {
    name: "Git's search by PCRE2 (git grep, git log --grep)",
    seen: 'git 2.39, which does not go on without',
    file: /^git$/,
    wants: ['execmem'],
    refused: 'fails',
    without: "a pattern for the C library (git grep -G 'wor[d]'), or git grep -P '(*NO_JIT)word'",
  },
  {
    name: "PostgreSQL's query compiler (LLVM)",
    seen: 'PostgreSQL 15, for queries above jit_above_cost',
    file: /^(llvmjit\.so|libLLVM-\d+\.so.*)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'jit=off in postgresql.conf',
  },
  {
    name: "Ruby's JIT (YJIT)",
    seen: 'Ruby 3.1, which has it with --yjit alone',
    file: /^libruby-[\d.]+\.so.*$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'ruby --disable-yjit',
  },
  {
    name: 'PyPy',
    seen: 'PyPy 7.3.11',
    file: /^(libpypy3.*-c\.so.*|pypy3.*)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'pypy3 --jit off',
  },
  {
    name: 'Erlang (BEAM)',
    seen: 'Erlang/OTP 25, which writes its code to a memory file first, and which Debian builds without the interpreter',
    file: /^beam\.smp$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  { name: 'SBCL', seen: '2.2.9', file: /^sbcl$/, wants: ['execmem', 'execmod'], refused: 'fails', without: undefined },
  { name: 'Racket', seen: '8.7 (CS)', file: /^racket$/, wants: ['execmem'], refused: 'fails', without: undefined },
  {
    name: 'Chez Scheme',
    seen: '9.5.8',
    file: /^(chezscheme|chez|petite)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: 'Mono',
    seen: '6.8, with --interpreter too',
    file: /^(mono(-sgen)?|libmonosgen-2\.0\.so.*)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: 'QEMU, where it translates programs',
    seen: 'qemu-user 7.2',
    file: /^qemu-(?!system-)\w+(-static)?$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: 'Valgrind',
    seen: '3.19',
    file: /^(none|memcheck|cachegrind|callgrind|helgrind|drd|massif|dhat|lackey|exp-bbv)-(amd64|x86)-linux$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
  },
  {
    name: 'cffi, for a callback of ffi.callback()',
    seen: 'python3-cffi 1.15',
    file: /^_cffi_backend\..*\.so$/,
    wants: ['execmem'],
    refused: 'fails',
    without: 'extern "Python" in place of ffi.callback()',
    trampolines: 'in one place',
  },
  {
    name: 'libffi, for a callback (as of ctypes)',
    seen: "Debian's 3.4.4, which is built without static trampolines; from Python 3.11",
    file: /^(libffi(-[0-9a-f]+)?\.so.*|libjnidispatch.*\.so)$/,
    wants: ['execmem'],
    refused: 'fails',
    without: undefined,
    trampolines: 'maps twice',
  },
  {
    name: 'libffcall, for a callback (as of CLISP)',
    seen: '2.2 with CLISP 2.49, which maps a file in /tmp twice from the start',
    file: /^libffcall\.so.*$/,
    wants: ['execfile'],
    refused: 'fails',
    without: undefined,
    trampolines: 'maps twice',
  },
];

/**
 * The runtime that one of some files belongs to: the first file that does. One that goes on without may be part of one
 * that does not, as PCRE2 is of git: the first of those counts more.
 */
export function runtimeOf(files: readonly string[]): Runtime | undefined {
  const found = files.flatMap((file) => {
    const name = file.slice(file.lastIndexOf('/') + 1);
    return runtimes.find((runtime) => runtime.file.test(name)) ?? [];
  });
  const [first] = found;
  return first?.refused === 'goes on' ? (found.find(({ refused }) => refused === 'fails') ?? first) : first;
}

/** What the nearest of some files that is known writes: compiled code, or trampolines; undefined where none is known. */
export function secondWayOf(files: readonly string[]): 'compiles' | 'in one place' | 'maps twice' | undefined {
  for (const file of files) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    const runtime = runtimes.find((one) => one.file.test(name));
    if (runtime !== undefined) return runtime.trampolines ?? 'compiles';
  }
  return undefined;
}

/** Functions of GCC's run time that map memory for nested functions' trampolines on the heap (libgcc, heap-trampoline.c). */
const TRAMPOLINE_MAKERS: ReadonlySet<string> = new Set([
  '__gcc_nested_func_ptr_created',
  'allocate_tramp_ctrl',
  'allocate_trampoline_page',
]);

/**
 * Whether a function that maps memory is known to write trampolines there and nothing else, never to read them, and to
 * unmap the memory when it is done.
 */
export function isTrampolineMaker(name: string): boolean {
  return TRAMPOLINE_MAKERS.has(name);
}

/** libffi's functions that map memory for closures, by whatever name its library or the program goes that has it in it. */
const CLOSURE_MAKERS: ReadonlySet<string> = new Set(['ffi_closure_alloc', 'dlmmap', 'dlmmap_locked']);

/** Whether a function is one of libffi's that map memory for closures. A compiler may have put an ending to its name. */
export function isClosureMaker(name: string): boolean {
  return CLOSURE_MAKERS.has(name.replace(/\..*$/s, ''));
}

/** What a person is told of a runtime that was refused: what it wanted, and how it runs without, or with. */
export function runtimeSentence({ name, wants, without }: Runtime, policy: string): string {
  const remedy =
    without === undefined ? 'no switch makes it run without;' : `this makes it run without: ${without}; or`;
  const options = wants.map((kind) => `--allow ${kind}`).join(' ');
  return `${name} wanted to run code that it writes (${wants.join(', ')}), which ${policy} denies; ${remedy} let it: ${options}`;
}
