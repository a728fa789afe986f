/**
 * What it takes to deny `execfile`, as far as registers show it: the calls that would undo the arrangement of mounts, or
 * reach memory and descriptors around it, or have the kernel start a program outside. What registers do not show is closed by
 * the mounts themselves (supervisor/confine), by the supervisor's own memory files, and by a look at each program that is
 * executed.
 *
 * @module
 */

import { FANOTIFY } from '../abi/fanotify.js';
import { KEYCTL } from '../abi/keys.js';
import { CLONE } from '../abi/mount.js';
import { PRCTL, RLIMIT } from '../abi/process.js';
import { NETLINK, SOCKET, SOCKETCALL } from '../abi/socket.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { refusalsByNumber } from './calls.js';
import { commandRules } from './commands.js';
import { allows, type Policy } from './kinds.js';
import { type Condition, failWith, notify, type Rule, type RuleSet, type Verdict } from './rule.js';

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

/** What the machine and the user add to what is refused: found by probing, before a run starts. */
export interface Grounds {
  /** Whether rings of packet sockets could be mapped executable. */
  readonly packetRingsExecute: boolean;
  /** Whether a program outside would be started for a core, which is kept from that by a limit that must stay. */
  readonly limitsCores: boolean;
  /** Whether the run may send in the place of udev (CAP_NET_ADMIN): what listens starts services for what a device is said to be. */
  readonly tellsOfDevices: boolean;
}

/** The grounds on which everything is refused that may have to be. */
export const everyGround: Grounds = { packetRingsExecute: true, limitsCores: true, tellsOfDevices: true };

const PERMISSION: Verdict = failWith('EPERM');

const { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET } = CLONE;
const newNamespace: Condition = {
  argument: 0,
  is: 'any-bit',
  mask: CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

/** All that unshare(2) may have: none is a namespace's. */
const UNSHARED =
  CLONE.CLONE_FS | CLONE.CLONE_FILES | CLONE.CLONE_SYSVSEM | CLONE.CLONE_VM | CLONE.CLONE_SIGHAND | CLONE.CLONE_THREAD;

function rule(entry: Entry, call: SyscallName, when: readonly Condition[], verdict: Verdict): Rule {
  return { entry, call, when, verdict };
}

/** The rules of a policy about `execfile`: none where it is allowed. */
export function fileRules(policy: Policy, grounds: Grounds): readonly Rule[] {
  return allows(policy, 'execfile') ? [] : ENTRIES.flatMap((entry) => denialRules(entry, grounds));
}

/** The calls that execute programs. */
const EXECUTIONS: readonly SyscallName[] = ['execve', 'execveat'];

/** A rule set that lets executions be: for where what may be executed is decided otherwise. */
export function withoutExecutions(set: RuleSet): RuleSet {
  return { ...set, rules: set.rules.filter(({ call }) => !EXECUTIONS.includes(call)) };
}

/** A rule set for a caller that cannot be traced: sockets are not made in its place. */
export function withoutTracing(set: RuleSet): RuleSet {
  return { ...set, rules: set.rules.filter(({ call }) => call !== 'socketcall') };
}

/** The families of sockets that a program may have. Every other may be a module, and have memory that can be mapped. */
const FAMILIES: readonly number[] = [SOCKET.AF_UNIX, SOCKET.AF_INET, SOCKET.AF_INET6, SOCKET.AF_NETLINK];

/** Sockets: of i386 also by socketcall(2), whose arguments no filter sees, so that the supervisor reads them. */
function socketRules(entry: Entry, { packetRingsExecute, tellsOfDevices }: Grounds): readonly Rule[] {
  const families = packetRingsExecute ? FAMILIES : [...FAMILIES, SOCKET.AF_PACKET];
  const other: Condition = { argument: 0, is: 'none-of', values: families };
  const devices: readonly Condition[] = [
    { argument: 0, is: 'equal', value: SOCKET.AF_NETLINK },
    { argument: 2, is: 'equal', value: NETLINK.NETLINK_KOBJECT_UEVENT },
  ];
  const named = (['socket', 'socketpair'] as const).flatMap((call) => [
    rule(entry, call, [other], failWith('EAFNOSUPPORT')),
    ...(tellsOfDevices ? [rule(entry, call, devices, failWith('EPROTONOSUPPORT'))] : []),
  ]);
  if (entry !== 'i386') return named;
  const makes: Condition = { argument: 0, is: 'one-of', values: [SOCKETCALL.SYS_SOCKET, SOCKETCALL.SYS_SOCKETPAIR] };
  return [...named, rule(entry, 'socketcall', [makes], notify)];
}

/** What has the kernel start a program outside of the run: a helper for a key, modprobe for an algorithm, one for a core. */
function helperRules(entry: Entry, { limitsCores }: Grounds): readonly Rule[] {
  const core = RLIMIT.RLIMIT_CORE;
  return [
    rule(entry, 'request_key', [{ argument: 2, is: 'above-64', value: 0n }], PERMISSION),
    rule(entry, 'keyctl', [{ argument: 0, is: 'one-of', values: Object.values(KEYCTL) }], PERMISSION),
    ...(limitsCores
      ? [
          rule(entry, 'setrlimit', [{ argument: 0, is: 'equal', value: core }], PERMISSION),
          rule(
            entry,
            'prlimit64',
            [
              { argument: 1, is: 'equal', value: core },
              { argument: 2, is: 'above-64', value: 0n },
            ],
            PERMISSION,
          ),
        ]
      : []),
  ];
}

/** The rules that deny `execfile`. Execution and memory files are notified, for the supervisor to answer. */
function denialRules(entry: Entry, grounds: Grounds): readonly Rule[] {
  return [
    ...refusalsByNumber(entry, 'strict'),
    rule(entry, 'remap_file_pages', [], failWith('EACCES')),
    rule(entry, 'unshare', [{ argument: 0, is: 'any-bit', mask: ~UNSHARED >>> 0 }], PERMISSION),
    rule(entry, 'unshare', [{ argument: 0, is: 'above-64', value: 0xffffffffn }], PERMISSION),
    rule(entry, 'clone', [newNamespace], PERMISSION),
    // Its flags stand in memory. A C library that is told that there is no such call uses clone.
    rule(entry, 'clone3', [], failWith('ENOSYS')),
    ...commandRules(entry),
    ...socketRules(entry, grounds),
    ...helperRules(entry, grounds),
    // Whoever has the same user may set another process's: that of processor time has the kernel kill it.
    rule(
      entry,
      'prlimit64',
      [
        { argument: 0, is: 'not-equal', value: 0 },
        { argument: 2, is: 'above-64', value: 0n },
      ],
      PERMISSION,
    ),
    rule(entry, 'prctl', [{ argument: 0, is: 'equal', value: PRCTL.PR_SET_MM }], PERMISSION),
    rule(
      entry,
      'fanotify_init',
      [{ argument: 0, is: 'no-bit', mask: FANOTIFY.FAN_REPORT_FID | FANOTIFY.FAN_REPORT_DIR_FID }],
      PERMISSION,
    ),
    rule(entry, 'memfd_create', [], notify),
    ...EXECUTIONS.map((call) => rule(entry, call, [], notify)),
  ];
}
