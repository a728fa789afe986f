/**
 * Which of some files a process holds: open at any number in any of its threads, or mapped.
 *
 * @module
 */
import { descriptorPath, fileIdentity, sharesDescriptors } from '../linux/descriptor.js';
import { mappedInodes } from '../linux/maps.js';
import { openDescriptors, threadsOf } from '../linux/proc.js';

/** Threads of a process that stand for all of its tables of descriptors: the first, and those that do not share its. */
function descriptorTables(threadIds: readonly number[]): readonly number[] {
  const [first] = threadIds;
  return threadIds.filter((threadId) => threadId === first || !sharesDescriptors(threadId, first ?? threadId));
}

/**
 * Finds files in a process.
 *
 * @param wanted - inodes of files, all on one device
 * @param device - as major * 2^32 + minor
 * @returns those of them that the process holds; none where it is gone, or cannot be looked at
 */
export function heldBy(processId: number, wanted: ReadonlySet<bigint>, device: number): ReadonlySet<bigint> {
  const held = new Set<bigint>();
  const threadIds = threadsOf(processId);
  // A first thread that has ended while others live shows no mappings.
  for (const threadId of threadIds) {
    const mapped = mappedInodes(threadId, device);
    if (mapped === undefined || mapped.size === 0) continue;
    for (const inode of mapped) if (wanted.has(inode)) held.add(inode);
    break;
  }
  for (const threadId of descriptorTables(threadIds)) {
    for (const descriptor of openDescriptors(threadId)) {
      if (held.size === wanted.size) return held;
      const identity = fileIdentity(descriptorPath(threadId, descriptor));
      if (typeof identity === 'number' || identity.device !== device) continue;
      if (wanted.has(identity.inode)) held.add(identity.inode);
    }
  }
  return held;
}
