/**
 * What it takes to deny `execfile`, as far as registers show it: the calls that would undo the arrangement of mounts, or
 * reach memory and descriptors around it. What registers do not show is closed by the mounts themselves
 * (supervisor/confine), by the supervisor's own memory files, and by a look at each program that is executed.
 *
 * @module
 */

import { CLONE } from '../abi/mount.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { USERFAULTFD_IOCTL } from '../abi/userfaultfd.js';
import { allows, type Policy } from './kinds.js';
import { type ArgumentIndex, type Condition, failWith, notify, type Rule, type RuleSet, type Verdict } from './rule.js';

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

/** Refused whatever the arguments are: as where the caller lacks the privilege. */
const FORBIDDEN: readonly SyscallName[] = [
  // Memory and descriptors of other processes.
  ...(['ptrace', 'process_vm_writev', 'pidfd_getfd', 'userfaultfd'] as const),
  // Mounts, and files that are reached past them.
  ...(['mount', 'umount2', 'pivot_root', 'open_tree', 'open_tree_attr', 'move_mount', 'fsopen', 'fsconfig'] as const),
  ...(['fsmount', 'fspick', 'mount_setattr', 'setns', 'open_by_handle_at'] as const),
  // The kernel's own code.
  ...(['init_module', 'finit_module', 'delete_module', 'kexec_load', 'bpf', 'perf_event_open'] as const),
  ...(['iopl', 'ioperm', 'swapon', 'swapoff', 'reboot'] as const),
];

/** Of one entry only. */
const FORBIDDEN_OF: Readonly<Record<Entry, readonly SyscallName[]>> = {
  'x86-64': ['kexec_file_load'],
  i386: ['umount'],
};

const PERMISSION: Verdict = failWith('EPERM');

const newNamespace: Condition = { argument: 0, is: 'any-bit', mask: CLONE.CLONE_NEWNS | CLONE.CLONE_NEWUSER };

function rule(entry: Entry, call: SyscallName, when: readonly Condition[], verdict: Verdict): Rule {
  return { entry, call, when, verdict };
}

/** The bits of an ioctl's request that say which kind of device it is for (asm-generic/ioctl.h). */
const KIND_OF_REQUEST = 0xff00;
const REQUEST: ArgumentIndex = 1;

/** The rules of a policy about `execfile`: none where it is allowed. */
export function fileRules(policy: Policy): readonly Rule[] {
  return allows(policy, 'execfile') ? [] : denialRules;
}

/** The calls that execute programs. */
const EXECUTIONS: readonly SyscallName[] = ['execve', 'execveat'];

/** A rule set that lets executions be: for where what may be executed is decided otherwise. */
export function withoutExecutions(set: RuleSet): RuleSet {
  return { ...set, rules: set.rules.filter(({ call }) => !EXECUTIONS.includes(call)) };
}

/** The rules that deny `execfile`. Execution and memory files are notified, for the supervisor to answer. */
const denialRules: readonly Rule[] = ENTRIES.flatMap((entry): readonly Rule[] => [
  ...[...FORBIDDEN, ...FORBIDDEN_OF[entry]].map((call) => rule(entry, call, [], PERMISSION)),
  rule(entry, 'remap_file_pages', [], failWith('EACCES')),
  rule(entry, 'unshare', [newNamespace], PERMISSION),
  rule(entry, 'clone', [newNamespace], PERMISSION),
  // Its flags stand in memory. A C library that is told that there is no such call uses clone.
  rule(entry, 'clone3', [], failWith('ENOSYS')),
  rule(
    entry,
    'ioctl',
    [{ argument: REQUEST, is: 'masked-equal', mask: KIND_OF_REQUEST, value: USERFAULTFD_IOCTL << 8 }],
    PERMISSION,
  ),
  rule(entry, 'memfd_create', [], notify),
  ...EXECUTIONS.map((call) => rule(entry, call, [], notify)),
]);
