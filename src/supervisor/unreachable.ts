/**
 * The refusal of a call whose memory cannot be read or written: the address is wrong (EFAULT), or the supervisor may not
 * look at the caller at all (EPERM), which is no fault of the address.
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { probeReading } from '../linux/memory.js';
import { type Answer, refuse } from './call.js';

/** Error numbers of process_vm_readv(2) that say nothing of permission: the address, or the end of the caller. */
const NOT_FORBIDDEN: ReadonlySet<number> = new Set([0, -errnoNumbers.EFAULT, -errnoNumbers.ESRCH]);

/**
 * The refusal.
 *
 * @param reason - what is wrong where it is the address
 */
export function refuseMemory(threadId: number, address: bigint, reason: string): Answer {
  const result = probeReading(threadId, address);
  if (NOT_FORBIDDEN.has(result)) return refuse('EFAULT', reason);
  return refuse(
    'EPERM',
    `the memory of the caller cannot be read (${errnoName(-result)}): Yama allows it for descendants of the supervisor ` +
      'alone, and a daemon that has outlived its parent is none, or another security module forbids it; run trampfd as root',
  );
}
