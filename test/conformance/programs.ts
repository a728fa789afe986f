/**
 * The programs of the suite, and how each is built and run.
 *
 * @module
 */

import { join } from 'node:path';
import { compileSource, root } from '../programs/compile.js';
import type { Entry } from './rows.js';

/** A way to build a program. */
export type Build = 'x86-64' | 'i386' | 'int 0x80' | 'static' | 'musl' | 'bare x86-64' | 'bare i386';

/** How each build compiles, and for which entry its points count; a second build for an entry only has to pass. */
const BUILDS: Readonly<
  Record<Build, { readonly compiler: string; readonly flags: readonly string[]; readonly entry?: Entry }>
> = (() => {
  const common = ['-std=gnu11', '-pthread'];
  // Debian's 64-bit headers hold the asm/ folder that the 32-bit ones share.
  const i386 = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'];
  const fixed = ['-fno-pie', '-no-pie'];
  const bare = ['-nostdlib', '-nostdinc', '-static', '-ffreestanding', '-fno-stack-protector', ...fixed];
  return {
    'x86-64': { compiler: 'gcc', flags: ['-m64', ...common], entry: 'x86-64' },
    i386: { compiler: 'gcc', flags: [...i386, ...fixed, ...common], entry: 'i386' },
    'int 0x80': { compiler: 'gcc', flags: ['-m64', ...fixed, ...common], entry: 'int 0x80' },
    static: { compiler: 'gcc', flags: ['-m64', '-static', ...common] },
    musl: { compiler: 'musl-gcc', flags: ['-static', ...common] },
    'bare x86-64': { compiler: 'gcc', flags: ['-m64', ...bare] },
    'bare i386': { compiler: 'gcc', flags: ['-m32', ...bare] },
  };
})();

/** A program: `test/conformance/NAME.c`. */
export interface Program {
  readonly name: string;
  /** What it judges, for the table in the docs. */
  readonly subject: string;
  readonly builds: readonly Build[];
  /** The arguments of each of its runs. */
  readonly runs: readonly (readonly string[])[];
  /** Words between the launcher's and the program. */
  readonly through?: readonly string[];
}

const everywhere: readonly Build[] = ['x86-64', 'i386', 'static', 'musl'];
const widths: readonly Build[] = ['x86-64', 'i386'];
const once: Program['runs'] = [[]];

/** Programs about tables, the interface's second version. */
export const tablePrograms: readonly Program[] = [
  {
    name: 'errors-create',
    subject: 'creating: every errno, and what a failed creation leaves behind',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'errors-describe',
    subject: '`lseek`, `write`, `pwrite`, `read`, `pread`: every errno, and the order of the checks',
    builds: everywhere,
    runs: once,
  },
  { name: 'errors-map', subject: '`mmap`: every errno; a failed one leaves no trace', builds: everywhere, runs: once },
  {
    name: 'tables',
    subject: "a table's life: create, describe, map, call, unmap, map again, drop in any order",
    builds: everywhere,
    runs: once,
  },
  {
    name: 'position',
    subject: '`lseek` and `write` are the same as `pwrite`; no write moves the position',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'slots',
    subject: 'the slots are the program’s: changed at any time, by threads, by targets; read-only; chained',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'registers',
    subject:
      'every pair of registers executed; all others, stack pointer, flags and vector registers arrive as they were',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'gaps',
    subject: 'the rest of a page is no code; bad slots and targets are faults at the right address',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'copies',
    subject: '`dup`, `dup2`, `dup3`, `fcntl`: copies are the same open file',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'children',
    subject: '`fork`, `vfork`, `exec`: who has the descriptor and the mapping, and who may map',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'passing',
    subject: '`SCM_RIGHTS`: the receiver has the file, and may not map it',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'descriptor-tables',
    subject: 'threads with their own descriptors: `unshare(CLONE_FILES)`, `clone` without `CLONE_FILES`',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'threads',
    subject: 'a storm of threads; one step in each thread; races; a process whose first thread has ended',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'signals',
    subject: 'a signal every millisecond, with `SA_RESTART` and without',
    builds: widths,
    runs: [
      ['restart', '1500'],
      ['interrupt', '1500'],
    ],
  },
  {
    name: 'forks',
    subject: 'storms of forks: 200 processes of 8 threads; children between working threads',
    builds: widths,
    runs: once,
  },
  {
    name: 'fuzz',
    subject: '100,000 calls at random, each held against a model',
    builds: widths,
    runs: [[String(1 + (process.pid % 1000)), '100000']],
  },
  {
    name: 'i386-entry',
    subject:
      'by `int 0x80` alone, from both widths: i386’s numbers, `mmap2`, the old `mmap`, split offsets, `_llseek`, 28-byte slots',
    builds: ['i386', 'int 0x80'],
    runs: once,
  },
  {
    name: 'bare',
    subject: 'a target without C library, header, loader, shell and environment',
    builds: ['bare x86-64', 'bare i386'],
    runs: once,
    through: ['env', '-i'],
  },
];

/** Programs about contexts, the interface's first version. */
export const contextPrograms: readonly Program[] = [
  {
    name: 'contexts',
    subject: 'version 1: every errno of creating, seeking, writing, reading and mapping',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-registers',
    subject: 'register contexts executed: every register alone, all of them, any of them, some twice',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-stack',
    subject: 'stack contexts executed: every size, every offset, with `TRAMPFD_SET_SP` and without',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-pcs',
    subject: 'allowed PCs: what they refuse, what they leave, how they go',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-reading',
    subject: 'contexts are read back as they were written, with any count; the position stays',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-mapping',
    subject: 'contexts set, replaced and removed while mapped; several mappings; `fork`, `exec`, `SCM_RIGHTS`',
    builds: everywhere,
    runs: once,
  },
  {
    name: 'context-threads',
    subject: '8 threads call while contexts are replaced 10,000 times; storms of threads and signals',
    builds: widths,
    runs: once,
  },
  {
    name: 'context-i386-entry',
    subject:
      'contexts by `int 0x80` alone, from both widths: numbers, split offsets, i386’s registers, values of 32 bits',
    builds: ['i386', 'int 0x80'],
    runs: once,
  },
  {
    name: 'read-back',
    subject: 'the sequence of 3 August 2020: create, set, map, read back and compare, call; against seven attacks',
    builds: everywhere,
    runs: once,
  },
];

/** The entry that a program's points count for; undefined for a build that only has to pass. */
export function entryOf(build: Build): Entry | undefined {
  return BUILDS[build].entry;
}

/** The compiler's flags for a build. */
export function programFlags(build: Build): readonly string[] {
  return BUILDS[build].flags;
}

/** Compiles a program; the path of its binary. */
export function buildProgram(program: string, build: Build): string {
  const { compiler, flags } = BUILDS[build];
  return compileSource(join(root, 'test', 'conformance', `${program}.c`), { compiler, flags });
}

/** All programs. */
export const programs: readonly Program[] = [...tablePrograms, ...contextPrograms];
