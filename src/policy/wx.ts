/**
 * W^X by numbers alone: the requests that would let a process run bytes that it wrote itself, as far as the registers of
 * one call show it. What they do not show (files, /proc, other processes) is listed in docs/policy.md.
 *
 * @module
 */

import { MAP, PROT } from '../abi/mman.js';
import { IPC, PERSONALITY, PERSONALITY_QUERY, SHM } from '../abi/process.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { refusalsByNumber } from './calls.js';
import { typingRules } from './commands.js';
import { allows, allowsAll, deniesAll, emulates, type MemoryKind, memoryKinds, type Policy } from './kinds.js';
import { allow, type Condition, failWith, notify, type Rule, type RuleSet, type Verdict } from './rule.js';
import { sharingRules } from './sharing.js';
import { everyGround, fileRules, type Grounds } from './strict.js';

/** A rule of W^X, with the sentence that a report gives of a call that matches it. */
export interface WxRule extends Rule {
  /** What the call may be about: where registers tell it, one kind. */
  readonly kinds: readonly MemoryKind[];
  readonly sentence: string;
}

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

const REFUSED: Verdict = failWith('EACCES');

function rule(
  entry: Entry,
  call: SyscallName,
  when: readonly Condition[],
  kinds: readonly MemoryKind[],
  sentence: string,
): WxRule {
  return { entry, call, when, verdict: REFUSED, kinds, sentence };
}

/** mmap(2) with W and X together; one condition for each, as each may come with other bits. */
const writableAndExecutable: readonly Condition[] = [
  { argument: 2, is: 'any-bit', mask: PROT.PROT_EXEC },
  { argument: 2, is: 'any-bit', mask: PROT.PROT_WRITE },
];

/**
 * mmap(2) of executable memory that has no file and is shared: it can be had at a second address, by mremap(2) or in a
 * child, be writable there, and be executed here.
 */
const sharedAndExecutable: readonly Condition[] = [
  { argument: 2, is: 'any-bit', mask: PROT.PROT_EXEC },
  { argument: 3, is: 'any-bit', mask: MAP.MAP_ANONYMOUS },
  { argument: 3, is: 'any-bit', mask: MAP.MAP_SHARED },
];

/** Calls whose parameters stand in the same registers in both entries. */
function commonRules(entry: Entry): readonly WxRule[] {
  const execute: Condition = { argument: 2, is: 'any-bit', mask: PROT.PROT_EXEC };
  return [
    // No mprotect(2) adds X, whatever the memory was before: the kernel tells a filter nothing about that.
    rule(entry, 'mprotect', [execute], memoryKinds, 'mprotect makes memory executable'),
    rule(entry, 'pkey_mprotect', [execute], memoryKinds, 'pkey_mprotect makes memory executable'),
    rule(
      entry,
      'shmat',
      [{ argument: 2, is: 'any-bit', mask: SHM.SHM_EXEC }],
      ['execmem'],
      'shmat attaches shared memory as executable',
    ),
    rule(
      entry,
      'personality',
      [
        { argument: 0, is: 'not-equal', value: PERSONALITY_QUERY },
        { argument: 0, is: 'any-bit', mask: PERSONALITY.READ_IMPLIES_EXEC },
      ],
      memoryKinds,
      'personality(READ_IMPLIES_EXEC) makes all that is readable executable',
    ),
  ];
}

/** The rules of W^X. */
export const wxRules: readonly WxRule[] = [
  rule('x86-64', 'mmap', writableAndExecutable, ['execmem'], 'mmap asks for memory that is writable and executable'),
  rule(
    'x86-64',
    'mmap',
    sharedAndExecutable,
    ['execmem'],
    'mmap asks for executable memory that can be had a second time, writable',
  ),
  ...commonRules('x86-64'),
  rule('i386', 'mmap2', writableAndExecutable, ['execmem'], 'mmap2 asks for memory that is writable and executable'),
  rule(
    'i386',
    'mmap2',
    sharedAndExecutable,
    ['execmem'],
    'mmap2 asks for executable memory that can be had a second time, writable',
  ),
  ...commonRules('i386'),
  rule(
    'i386',
    'ipc',
    [
      // The upper half is the version of the call's calling convention (ipc(2), sys_ipc in the kernel).
      { argument: 0, is: 'masked-equal', mask: 0xffff, value: IPC.SHMAT },
      { argument: 2, is: 'any-bit', mask: SHM.SHM_EXEC },
    ],
    ['execmem'],
    'ipc(SHMAT) attaches shared memory as executable',
  ),
];

/** Calls whose memory tells what they are about, where no register does. */
const ABOUT_MEMORY: readonly SyscallName[] = ['mprotect', 'pkey_mprotect'];

/** Whether only a look at the memory tells if a policy allows a call that matches a rule. */
export function isJudged(policy: Policy, { call, kinds }: WxRule): boolean {
  return ABOUT_MEMORY.includes(call) && !allowsAll(policy, kinds) && !deniesAll(policy, kinds);
}

/** Whether a policy refuses a call that matches a rule, whatever the memory is. */
export function isRefused(policy: Policy, rule: WxRule): boolean {
  return !allowsAll(policy, rule.kinds) && !isJudged(policy, rule);
}

/** The rules whose calls may be granted without X, where trampolines are emulated: what programs ask for them with. */
const GRANTED_WITHOUT: ReadonlySet<WxRule> = new Set(
  wxRules.filter(({ call, when }) => ABOUT_MEMORY.includes(call) || when === writableAndExecutable),
);

/** Whether a call that matches a rule is looked at, and may be granted without X. */
export function isEmulated(policy: Policy, rule: WxRule): boolean {
  return emulates(policy) && GRANTED_WITHOUT.has(rule);
}

/**
 * What becomes of a call that matches a rule: undefined where nobody has to know of it.
 *
 * Where files are judged, or trampolines are emulated, the supervisor is asked about what is refused too, so that it can
 * say whose call it was, or have one without X made in its place. It never lets such a call go on, and where it is gone
 * the kernel refuses it by itself.
 */
function verdictOn(policy: Policy, rule: WxRule): Verdict | undefined {
  if (isJudged(policy, rule)) return notify;
  if (isRefused(policy, rule)) return allows(policy, 'execfile') && !isEmulated(policy, rule) ? REFUSED : notify;
  return policy.reports ? notify : undefined;
}

/**
 * The rules by which programs are found, when they are executed, whose files ask for an executable stack: for a run whose
 * own program does, or that is to look at every program. To be asked about each execution takes a third of the time of fork
 * and exec, so that no other run is. (Where files are judged, what asks for it is known beforehand, or executions are
 * notified already.)
 */
export const executionRules: readonly Rule[] = ENTRIES.flatMap((entry) =>
  (['execve', 'execveat'] as const).map((call): Rule => ({ entry, call, when: [], verdict: notify })),
);

/** Whether some request for executable memory is refused or reported. */
export function judgesMemory(policy: Policy): boolean {
  return policy.reports || !allowsAll(policy, memoryKinds);
}

/** What becomes of calls that enter in a way whose numbers are not judged. */
function verdictOnUnjudged(policy: Policy): Verdict {
  if (!allowsAll(policy, [...memoryKinds, 'execfile'])) return REFUSED;
  return policy.reports ? notify : allow;
}

/**
 * What is refused beside requests for executable memory, wherever anything is: a call that makes such memory by itself, and
 * what types into a terminal, where a shell outside reads it.
 */
function besideRules(policy: Policy): readonly Rule[] {
  if (allowsAll(policy, [...memoryKinds, 'execfile'])) return [];
  return ENTRIES.flatMap((entry) => [...refusalsByNumber(entry, 'both'), ...typingRules(entry)]);
}

/**
 * The rule set of a policy, with the rules of the trampoline service behind it.
 *
 * What is denied is refused with EACCES; the supervisor is notified of what is allowed and reported; nothing is left of
 * the rules of what is allowed and not reported.
 *
 * @param grounds - what was found out about the machine: without them, all is refused that may have to be
 */
export function policyRules(policy: Policy, service: readonly Rule[], grounds: Grounds = everyGround): RuleSet {
  const memory = wxRules.flatMap((rule) => {
    const verdict = verdictOn(policy, rule);
    return verdict === undefined ? [] : [{ ...rule, verdict }];
  });
  const files = fileRules(policy, grounds);
  const unjudged = verdictOnUnjudged(policy);
  return {
    rules: [...memory, ...files, ...besideRules(policy), ...sharingRules(policy), ...service],
    otherEntry: unjudged,
    x32: unjudged,
    ...(files.length === 0 ? {} : { unknown: failWith('ENOSYS') }),
  };
}
