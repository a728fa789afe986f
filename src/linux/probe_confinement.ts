/**
 * Probes for what a program is confined with: namespaces, the calls that arrange mounts, Landlock. As in probe.ts, each is
 * found out by asking for it.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { errnoNumbers } from '../abi/errno.js';
import { CLONE } from '../abi/mount.js';
import { PRCTL } from '../abi/process.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { mayArrangeMounts } from './capabilities.js';
import { close } from './descriptor.js';
import { HeldProcess } from './held_process.js';
import { createRuleset } from './landlock.js';
import { native, negatedErrno } from './libc.js';
import { systemPath } from './search_path.js';

const libcSyscall = native('long syscall(long, long, uint64_t, long, uint64_t, long)');

/** What became of a child that was to have mounts of its own. */
export interface OwnMounts {
  /** 0, or the negated error number of the step that has failed. */
  readonly result: number;
  /** Whether it has got its namespaces, and no user could be mapped there. */
  readonly isUnmapped: boolean;
}

/**
 * Whether a child of this process may have mounts of its own, in a user namespace where that is needed; undefined where
 * unshare(1), which tries it, is missing, or a filter refuses what it does.
 */
export function probeOwnMounts(): OwnMounts | undefined {
  const user = mayArrangeMounts() ? [] : ['--user', '--map-root-user'];
  // In a chroot whose root folder is no mount, unshare(1) cannot change how that propagates.
  const words = [...user, '--mount', '--propagation', 'unchanged', 'true'];
  const { status, error, stderr } = spawnSync('unshare', words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'latin1',
    env: { PATH: systemPath(), LC_ALL: 'C' },
  });
  if (error !== undefined) return undefined;
  if (status === 0) return { result: 0, isUnmapped: false };
  if (isUnshareAloneRefused(mayArrangeMounts())) return undefined;
  const errno = stderr.includes('No space left') ? errnoNumbers.ENOSPC : errnoNumbers.EPERM;
  return { result: -errno, isUnmapped: /\/(uid|gid)_map|setgroups/.test(stderr) };
}

/**
 * Whether a seccomp filter around this process refuses clone(2) with namespaces of mounts, and of users without privilege:
 * 0, or a negated error number. The kernel itself makes none with CLONE_FS (EINVAL), whoever asks, before it asks who may.
 */
export function namespaceCallRefusal(privileged: boolean): number {
  const flags = CLONE.CLONE_FS | CLONE.CLONE_NEWNS | (privileged ? 0 : CLONE.CLONE_NEWUSER);
  const result = negatedErrno(libcSyscall(syscallNumbers['x86-64'].clone, flags, 0n, 0, 0n, 0));
  return result === -errnoNumbers.EINVAL ? 0 : result;
}

/**
 * Whether a seccomp filter around this process refuses unshare(2) and not clone(2): a run makes its namespaces by the second, and
 * what is tried by unshare(1) says nothing of it. The kernel takes no flag 1 (EINVAL), before it asks for anything else.
 */
export function isUnshareAloneRefused(privileged: boolean): boolean {
  const flags = 1 | CLONE.CLONE_NEWNS | (privileged ? 0 : CLONE.CLONE_NEWUSER);
  const result = negatedErrno(libcSyscall(syscallNumbers['x86-64'].unshare, flags, 0n, 0, 0n, 0));
  return result !== -errnoNumbers.EINVAL && namespaceCallRefusal(privileged) === 0;
}

/** The calls that arrange mounts and make file systems (open_tree(2), move_mount(2), mount_setattr(2), fsopen(2)). */
const MOUNT_CALLS = ['open_tree', 'move_mount', 'mount_setattr', 'fsopen', 'fsconfig', 'fsmount'] as const;

/** Those of them that the kernel does not have, or a sandbox hides. All are asked for nothing, which none of them does. */
export function missingMountCalls(): readonly string[] {
  return MOUNT_CALLS.filter((name) => {
    const result = negatedErrno(libcSyscall(syscallNumbers['x86-64'][name], -1, 0n, -1, 0n, -1));
    return result === -errnoNumbers.ENOSYS;
  });
}

/**
 * Whether a process of ours can enter a Landlock domain: 0, or a negated error number; E2BIG where it is in 16 already, as many as
 * there may be. Undefined where none can be held to try it.
 */
export function probeDomain(): number | undefined {
  const ruleset = createRuleset(0);
  if (ruleset < 0) return ruleset;
  try {
    const held = HeldProcess.start(0);
    if (typeof held === 'number') return undefined;
    using _ = held;
    held.call('prctl', PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return Number(held.call('landlock_restrict_self', ruleset, 0));
  } catch {
    return undefined;
  } finally {
    close(ruleset);
  }
}
