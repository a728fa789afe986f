/**
 * What of each system call the trampoline service answers is notified: names and rules, apart from what answers
 * (answer.ts). The filter is compiled from them before the program starts, by a thread that answers nothing: these few
 * values are all that it loads of the service.
 *
 * @module
 */

import { FCNTL } from '../abi/fcntl.js';
import { MAP, PROT } from '../abi/mman.js';
import { PIDFD_SELF, PRCTL } from '../abi/process.js';
import { SECCOMP } from '../abi/seccomp.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { TRAMPFD, TRAMPFD_EXTENSION_STRUCTURE } from '../abi/trampfd.js';
import { USERFAULTFD_IOC_NEW } from '../abi/userfaultfd.js';
import { signalNumbers } from '../linux/signal.js';
import { allows, emulates, type Policy } from '../policy/kinds.js';
import { type ArgumentIndex, allow, type Condition, notify, type Rule } from '../policy/rule.js';
import { judgesMemory } from '../policy/wx.js';
import { JUDGED, RESTORING } from './own_calls.js';
import type { Window } from './window.js';

/** The ways in which the service answers calls. */
export type NotifiedName =
  | 'create'
  | 'write'
  | 'read'
  | 'seek'
  | 'oldMmap'
  | 'map'
  | 'copy'
  | 'copyByFcntl'
  | 'memfdCreate'
  | 'makeSocket'
  | 'deviceCommand'
  | 'execute'
  | 'shareMemory'
  | 'signalAction'
  | 'affinity'
  | 'resourceLimit'
  | 'filter'
  | 'servePages';

/** The names of a call, by entry. */
type CallNames = Readonly<Record<Entry, readonly SyscallName[]>>;

/** System calls that the service answers in one way. */
interface NotifiedCalls {
  readonly names: CallNames;
  /** What of them is notified for the service's sake. */
  readonly rules: (window: Window) => readonly Rule[];
}

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

/** Calls that have the same names in both entries. */
function both(...names: readonly SyscallName[]): CallNames {
  return { 'x86-64': names, i386: names };
}

/** Notifies the named calls where conditions hold. */
function notified(names: CallNames, when: readonly Condition[]): readonly Rule[] {
  return ENTRIES.flatMap((entry) => names[entry].map((call): Rule => ({ entry, call, when, verdict: notify })));
}

/** Notifies the named calls where an argument is a descriptor in the window, and further conditions hold. */
function inWindow(
  names: CallNames,
  argument: ArgumentIndex,
  { from, below }: Window,
  further: readonly Condition[] = [],
): readonly Rule[] {
  return notified(names, [...further, { argument, is: 'within', from, below }]);
}

/**
 * The largest structure that is written to or read from a descriptor of the interface: the first version's register
 * context, a header of 8 bytes and 40 registers of 16.
 */
const LARGEST_STRUCTURE = 8 + 40 * 16;
/** The highest of the offsets that name a structure, in either version of the interface. */
const HIGHEST_OFFSET = 3;

/** Offset and count that may be of the interface: i386 has the offset in two registers, the lower half first. */
const ofStructures: Readonly<Record<Entry, readonly Condition[]>> = {
  'x86-64': [
    { argument: 3, is: 'at-most-64', value: BigInt(HIGHEST_OFFSET) },
    { argument: 2, is: 'at-most-64', value: BigInt(LARGEST_STRUCTURE) },
  ],
  i386: [
    { argument: 3, is: 'within', from: 0, below: HIGHEST_OFFSET + 1 },
    { argument: 4, is: 'equal', value: 0 },
    { argument: 2, is: 'within', from: 0, below: LARGEST_STRUCTURE + 1 },
  ],
};

/** Offset and count of the extension for large tables. */
const ofExtension: Readonly<Record<Entry, readonly Condition[]>> = {
  'x86-64': [
    { argument: 3, is: 'equal-64', value: BigInt(TRAMPFD.TRAMPFD_EXTENSION) },
    { argument: 2, is: 'equal-64', value: BigInt(TRAMPFD_EXTENSION_STRUCTURE.size) },
  ],
  i386: [
    { argument: 3, is: 'equal', value: TRAMPFD.TRAMPFD_EXTENSION },
    { argument: 4, is: 'equal', value: 0 },
    { argument: 2, is: 'equal', value: TRAMPFD_EXTENSION_STRUCTURE.size },
  ],
};

/**
 * Notifies pread64 or pwrite64 on a descriptor of any number, where the arguments are such that they may be of the
 * interface: a table's descriptor that was received, or opened again through /proc, has an ordinary number. Programs
 * rarely read or write so few bytes so near to the start of a file by these calls.
 */
function positionalRules(call: 'pread64' | 'pwrite64'): readonly Rule[] {
  const conditions = call === 'pwrite64' ? [ofStructures, ofExtension] : [ofStructures];
  return ENTRIES.flatMap((entry) =>
    conditions.map((when): Rule => ({ entry, call, when: when[entry], verdict: notify })),
  );
}

/** The highest first argument that is process_madvise's. */
const HIGHEST_PIDFD = 65_535n;

/** The descriptors that name the caller, as an int that was widened with its sign, and as one that was not. */
function selfPidfdRules(entry: Entry): readonly Rule[] {
  // A 32-bit program's stack may lie at these very addresses, so there they are not set apart.
  if (entry === 'i386') return [];
  return PIDFD_SELF.flatMap((pidfd) =>
    [32, 64].map(
      (width): Rule => ({
        entry,
        call: 'process_madvise',
        when: [{ argument: 0, is: 'equal-64', value: BigInt.asUintN(width, BigInt(pidfd)) }],
        verdict: allow,
      }),
    ),
  );
}

/** An argument that may be an address. Of an i386 call the lower 32 bits count, whatever stands in the upper ones. */
function isAddress(entry: Entry, argument: ArgumentIndex): Condition {
  if (entry === 'i386') return { argument, is: 'any-bit', mask: 0xffff0000 };
  return { argument, is: 'above-64', value: HIGHEST_PIDFD };
}

function isZero(entry: Entry, argument: ArgumentIndex): Condition {
  return entry === 'i386' ? { argument, is: 'equal', value: 0 } : { argument, is: 'equal-64', value: 0n };
}

function createRules(): readonly Rule[] {
  return ENTRIES.flatMap((entry): readonly Rule[] => [
    ...selfPidfdRules(entry),
    { entry, call: 'process_madvise', when: [isAddress(entry, 0)], verdict: notify },
    // Version 1: (TRAMPFD_USER, address, flags).
    { entry, call: 'process_madvise', when: [isZero(entry, 0), isAddress(entry, 1)], verdict: notify },
  ]);
}

const names = {
  write: both('write', 'pwrite64'),
  read: both('read', 'pread64'),
  seek: { 'x86-64': ['lseek'], i386: ['lseek', '_llseek'] },
  map: { 'x86-64': ['mmap'], i386: ['mmap2'] },
  copy: both('dup', 'dup2', 'dup3'),
  copyByFcntl: { 'x86-64': ['fcntl'], i386: ['fcntl', 'fcntl64'] },
  affinity: both('sched_getaffinity', 'sched_setaffinity'),
  servePages: both('userfaultfd', 'mount', 'fsconfig'),
} satisfies Record<string, CallNames>;

/** Calls that the policy has notified, not the service. */
function byPolicy(notifiedNames: CallNames): NotifiedCalls {
  return { names: notifiedNames, rules: () => [] };
}

/** All that the service answers, in the order of the filter's rules. */
export const notifiedCalls: Readonly<Record<NotifiedName, NotifiedCalls>> = {
  create: { names: both('process_madvise'), rules: createRules },
  write: {
    names: names.write,
    rules: (window) => [...inWindow(names.write, 0, window), ...positionalRules('pwrite64')],
  },
  read: { names: names.read, rules: (window) => [...inWindow(names.read, 0, window), ...positionalRules('pread64')] },
  seek: { names: names.seek, rules: (window) => inWindow(names.seek, 0, window) },
  oldMmap: {
    names: { 'x86-64': [], i386: ['mmap'] },
    rules: () => [
      { entry: 'i386', call: 'mmap', when: [], verdict: notify },
      // In front of the rules of mmap2, but behind those of the policy.
      {
        entry: 'i386',
        call: 'mmap2',
        when: [{ argument: 3, is: 'masked-equal', mask: JUDGED, value: JUDGED }],
        verdict: allow,
      },
    ],
  },
  map: {
    names: names.map,
    rules: (window) => [
      ...inWindow(names.map, 4, window, [{ argument: 3, is: 'no-bit', mask: MAP.MAP_ANONYMOUS }]),
      // Executable mappings of files, but for the dynamic loader's, through a descriptor of any number.
      ...notified(names.map, [
        { argument: 2, is: 'any-bit', mask: PROT.PROT_EXEC },
        { argument: 3, is: 'no-bit', mask: MAP.MAP_ANONYMOUS | MAP.MAP_DENYWRITE },
      ]),
    ],
  },
  copy: { names: names.copy, rules: (window) => inWindow(names.copy, 0, window) },
  copyByFcntl: {
    names: names.copyByFcntl,
    // Only the commands that copy.
    rules: (window) =>
      [FCNTL.F_DUPFD, FCNTL.F_DUPFD_CLOEXEC].flatMap((command) =>
        inWindow(names.copyByFcntl, 0, window, [{ argument: 1, is: 'equal', value: command }]),
      ),
  },
  // policy/strict.ts.
  memfdCreate: byPolicy(both('memfd_create')),
  makeSocket: byPolicy({ 'x86-64': [], i386: ['socketcall'] }),
  // policy/commands.ts.
  deviceCommand: byPolicy(both('ioctl')),
  // policy/strict.ts and policy/wx.ts.
  execute: byPolicy(both('execve', 'execveat')),
  // policy/sharing.ts.
  shareMemory: byPolicy(both('clone', 'vfork')),
  signalAction: {
    names: both('rt_sigaction'),
    rules: () =>
      notified(both('rt_sigaction'), [
        { argument: 0, is: 'equal', value: signalNumbers['SIGSEGV'] ?? 11 },
        { argument: 1, is: 'any-bit', mask: 0xffffffff },
        { argument: 4, is: 'not-equal', value: RESTORING },
      ]),
  },
  affinity: { names: names.affinity, rules: () => notified(names.affinity, []) },
  resourceLimit: {
    names: both('prlimit64'),
    rules: () =>
      notified(both('prlimit64'), [
        { argument: 0, is: 'not-equal', value: 0 },
        { argument: 2, is: 'above-64', value: 0n },
      ]),
  },
  filter: {
    names: both('seccomp', 'prctl'),
    rules: () => [
      ...notified(both('seccomp'), [{ argument: 0, is: 'equal', value: SECCOMP.SECCOMP_SET_MODE_FILTER }]),
      ...notified(both('prctl'), [{ argument: 0, is: 'equal', value: PRCTL.PR_SET_SECCOMP }]),
    ],
  },
  servePages: {
    names: names.servePages,
    rules: () =>
      ENTRIES.flatMap((entry): readonly Rule[] => [
        ...names.servePages[entry].map((call): Rule => ({ entry, call, when: [], verdict: notify })),
        { entry, call: 'ioctl', when: [{ argument: 1, is: 'equal', value: USERFAULTFD_IOC_NEW }], verdict: notify },
      ]),
  },
};

/** Those of them that are about the emulation of trampolines alone. */
const ofEmulation: readonly NotifiedName[] = ['signalAction', 'affinity', 'filter'];

/**
 * The rules that have the service's calls notified. Without trampolines there is none but the old mmap, whose arguments
 * no filter sees, and those of what makes memory one that is not to be touched.
 */
export function serviceRules(policy: Policy, window: Window): readonly Rule[] {
  if (allows(policy, 'exectramp')) {
    const kinds = Object.keys(notifiedCalls) as NotifiedName[];
    const needed = kinds.filter((kind) => emulates(policy) || !ofEmulation.includes(kind));
    return needed.flatMap((kind) => notifiedCalls[kind].rules(window));
  }
  const judged = judgesMemory(policy) ? notifiedCalls.oldMmap.rules(window) : [];
  // Where nothing else is notified, no memory is looked at.
  return judged.length > 0 || policy.reports ? [...judged, ...notifiedCalls.servePages.rules(window)] : [];
}
