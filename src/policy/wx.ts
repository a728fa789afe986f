/**
 * W^X by numbers alone: the requests that would let a process run bytes that it wrote itself, as far as the registers of
 * one call show it. What they do not show (files, /proc, other processes) is listed in docs/policy.md.
 *
 * @module
 */

import { MAP, PROT } from '../abi/mman.js';
import { IPC, PERSONALITY, PERSONALITY_QUERY, SHM } from '../abi/process.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { allow, type Condition, failWith, notify, type Rule, type RuleSet, type Verdict } from './rule.js';
import { fileRules } from './strict.js';

/** A rule of W^X, with the sentence that a report gives of a call that matches it. */
export interface WxRule extends Rule {
  readonly sentence: string;
}

/** Names of the policies, in the order of their strength. */
export const policyNames: readonly ['off', 'log', 'wx', 'strict'] = ['off', 'log', 'wx', 'strict'];
export type PolicyName = (typeof policyNames)[number];

const REFUSED: Verdict = failWith('EACCES');

function rule(entry: Entry, call: SyscallName, when: readonly Condition[], sentence: string): WxRule {
  return { entry, call, when, verdict: REFUSED, sentence };
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
    rule(entry, 'mprotect', [execute], 'mprotect makes memory executable'),
    rule(entry, 'pkey_mprotect', [execute], 'pkey_mprotect makes memory executable'),
    rule(
      entry,
      'shmat',
      [{ argument: 2, is: 'any-bit', mask: SHM.SHM_EXEC }],
      'shmat attaches shared memory as executable',
    ),
    rule(
      entry,
      'personality',
      [
        { argument: 0, is: 'not-equal', value: PERSONALITY_QUERY },
        { argument: 0, is: 'any-bit', mask: PERSONALITY.READ_IMPLIES_EXEC },
      ],
      'personality(READ_IMPLIES_EXEC) makes all that is readable executable',
    ),
  ];
}

/** The rules of W^X. */
export const wxRules: readonly WxRule[] = [
  rule('x86-64', 'mmap', writableAndExecutable, 'mmap asks for memory that is writable and executable'),
  rule(
    'x86-64',
    'mmap',
    sharedAndExecutable,
    'mmap asks for executable memory that can be had a second time, writable',
  ),
  ...commonRules('x86-64'),
  rule('i386', 'mmap2', writableAndExecutable, 'mmap2 asks for memory that is writable and executable'),
  rule(
    'i386',
    'mmap2',
    sharedAndExecutable,
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
    'ipc(SHMAT) attaches shared memory as executable',
  ),
];

/**
 * The rule set of a policy, with the rules of the trampoline service behind it.
 *
 * `wx` refuses with EACCES; `log` has the supervisor notified of what `wx` would refuse; `off` has none of its rules.
 */
export function policyRules(policy: PolicyName, service: readonly Rule[]): RuleSet {
  const verdict: Verdict = { off: allow, log: notify, wx: REFUSED, strict: REFUSED }[policy];
  const rules = policy === 'off' ? [] : wxRules.map((entry) => ({ ...entry, verdict }));
  if (policy === 'strict') {
    return {
      rules: [...rules, ...fileRules, ...service],
      otherEntry: verdict,
      x32: verdict,
      unknown: failWith('ENOSYS'),
    };
  }
  return { rules: [...rules, ...service], otherEntry: verdict, x32: verdict };
}
