/**
 * What reads and writes on descriptors have in common.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { filePosition } from '../../linux/descriptor.js';
import { type CallContext, int32 } from '../call.js';

/**
 * Where a read or write is: the argument of pread64 and pwrite64 (in two halves on i386), or the file position, which the
 * kernel keeps.
 */
export function filePositionOf({ notification, entry, name }: CallContext): bigint | 'closed' | 'unseen' {
  const [descriptor, , , low, high] = notification.arguments;
  if (name === 'pwrite64' || name === 'pread64') return entry === 'i386' ? (bits32(high) << 32n) | bits32(low) : low;
  const position = filePosition(notification.threadId, int32(descriptor));
  if (typeof position === 'bigint') return position;
  return position === -errnoNumbers.ENOENT ? 'closed' : 'unseen';
}

function bits32(value: bigint): bigint {
  return BigInt.asUintN(32, value);
}
