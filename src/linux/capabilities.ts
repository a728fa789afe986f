/**
 * Capabilities of processes: capabilities(7).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { CAP_SYS_ADMIN_BIT } from '../abi/capability.js';
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

/** Whether this process may arrange mounts without a user namespace: it has CAP_SYS_ADMIN. */
export function mayArrangeMounts(): boolean {
  const effective = statusField('self', 'CapEff') ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN_BIT) !== 0n;
}
