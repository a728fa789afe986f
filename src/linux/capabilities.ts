/**
 * Capabilities of this process: capabilities(7).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { CAP_SYS_ADMIN_BIT } from '../abi/capability.js';

/** Whether this process may arrange mounts without a user namespace: it has CAP_SYS_ADMIN. */
export function mayArrangeMounts(): boolean {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN_BIT) !== 0n;
}
