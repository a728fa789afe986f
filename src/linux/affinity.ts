/**
 * The processors that a thread may run on: sched_getaffinity(2), sched_setaffinity(2).
 *
 * @module
 */
import { allocate, native } from './libc.js';

const libcGetAffinity = native('int sched_getaffinity(int, size_t, uint64_t)');
const libcSetAffinity = native('int sched_setaffinity(int, size_t, uint64_t)');

/** Room for 8192 processors, as many as a kernel of x86-64 may be built for. */
const SIZE = 1024;
const mask = allocate(SIZE);

/** A set of processors: bit N % 8 of byte N / 8 stands for processor N. */
export type Processors = Uint8Array;

/** The processors that a thread may run on, 0 for the calling one; undefined where it is gone. */
export function affinityOf(threadId: number): Processors | undefined {
  return Number(libcGetAffinity(threadId, SIZE, mask.address)) < 0 ? undefined : mask.bytes.slice();
}

/** Says where a thread may run, 0 for the calling one; false where it is gone, of another user, or has none of them. */
export function setAffinity(threadId: number, processors: Processors): boolean {
  mask.bytes.set(processors);
  return Number(libcSetAffinity(threadId, SIZE, mask.address)) === 0;
}

/** The set of one processor. */
export function only(processor: number): Processors {
  const set = new Uint8Array(SIZE);
  set[processor >> 3] = 1 << (processor & 7);
  return set;
}

/** Whether a set has a processor. */
export function has(processors: Processors, processor: number): boolean {
  return ((processors[processor >> 3] ?? 0) & (1 << (processor & 7))) !== 0;
}

/** Whether two sets are of the same processors. */
export function areSame(one: Processors, other: Processors): boolean {
  return one.every((byte, at) => byte === other[at]);
}
