/**
 * Probes for what a program is confined with: namespaces, the calls that arrange mounts, Landlock. As in probe.ts, each is
 * found out by asking for it.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { errnoNumbers } from '../abi/errno.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { mayArrangeMounts } from './capabilities.js';
import { native, negatedErrno } from './libc.js';

const libcSyscall = native('long syscall(long, long, uint64_t, long, uint64_t, long)');

/**
 * Whether a child of this process may have mounts of its own, in a user namespace where that is needed; undefined where
 * unshare(1), which tries it, is missing.
 */
export function probeOwnMounts(): boolean | undefined {
  const user = mayArrangeMounts() ? [] : ['--user', '--map-root-user'];
  // In a chroot whose root folder is no mount, unshare(1) cannot change how that propagates.
  const mounts = ['--mount', '--propagation', 'unchanged'];
  const { status, error } = spawnSync('unshare', [...user, ...mounts, 'true'], { stdio: 'ignore' });
  return error === undefined ? status === 0 : undefined;
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
