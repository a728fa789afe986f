/**
 * Capabilities of processes: capabilities(7).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { CAP_MKNOD_BIT, CAP_SYS_ADMIN_BIT, CAP_SYS_CHROOT_BIT, CAP_SYS_PTRACE_BIT } from '../abi/capability.js';
import { fieldOf, statusField } from './status.js';

/** The sets of a process that count for what it executes: a bit for each capability. */
export interface CapabilitySets {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly bounding: bigint;
}

/** Reads the sets of a process (proc(5): CapEff and on). A set that is not shown counts as full. */
export function capabilitySets(processId: number): CapabilitySets {
  const status = readFileSync(`/proc/${processId}/status`, 'latin1');
  const read = (name: string): bigint => BigInt(`0x${fieldOf(status, name) ?? 'ffffffffffffffff'}`);
  return {
    effective: read('CapEff'),
    permitted: read('CapPrm'),
    inheritable: read('CapInh'),
    bounding: read('CapBnd'),
  };
}

function hasEffective(bit: bigint): boolean {
  const effective = statusField('self', 'CapEff') ?? '0';
  return (BigInt(`0x${effective}`) & bit) !== 0n;
}

/** Whether this process may arrange mounts without a user namespace: it has CAP_SYS_ADMIN. */
export function mayArrangeMounts(): boolean {
  return hasEffective(CAP_SYS_ADMIN_BIT);
}

/** Whether this process may change its root folder, as chroot(2) and setns(2) do: it has CAP_SYS_CHROOT. */
export function mayChangeRoot(): boolean {
  return hasEffective(CAP_SYS_CHROOT_BIT);
}

/** Whether this process may trace processes that are not its user's (CAP_SYS_PTRACE). */
export function mayTraceOthers(): boolean {
  return hasEffective(CAP_SYS_PTRACE_BIT);
}

/** Whether this process may make device nodes: it has CAP_MKNOD. */
export function mayMakeNodes(): boolean {
  return hasEffective(CAP_MKNOD_BIT);
}
