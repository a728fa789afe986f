/**
 * flock(2), as a way to ask the kernel whether an open file lives.
 *
 * A lock of this kind belongs to an open file description: to what open(2) has made, not to a process, a descriptor or
 * the file. It lasts for as long as anything refers to that description: copies by dup(2), fork(2) or pidfd_getfd(2),
 * messages in a socket's queue, mappings. So who locks a description before he gives it away, and keeps another one of
 * the same file, can ask later whether the first is still somewhere. Another description, made by opening the file again
 * through /proc, has no part in the lock. Whoever has the locked one can unlock it, and is then taken to have let go of
 * it.
 *
 * @module
 */
import { LOCK } from '../abi/fcntl.js';
import { native, negatedErrno } from './libc.js';

const libcFlock = native('int flock(int, int)');

/** Locks the open file behind a descriptor of ours, without waiting: 0 or a negated error number. */
export function lock(descriptor: number): number {
  return negatedErrno(libcFlock(descriptor, LOCK.LOCK_EX | LOCK.LOCK_NB));
}

/**
 * Whether an open file that was locked by {@link lock} lives, asked through another open file of the same file.
 *
 * @param descriptor - of ours, of the same file, never itself locked
 * @returns false where nobody has it; true also where the kernel cannot say so
 */
export function isHeldElsewhere(descriptor: number): boolean {
  const result = lock(descriptor);
  if (result === 0) libcFlock(descriptor, LOCK.LOCK_UN);
  return result !== 0;
}
