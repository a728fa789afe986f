/**
 * What threads share about an output (output.ts): a lock, what is known of it, and lines that wait for room. Nothing is
 * imported here that takes time to load.
 *
 * @module
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** See the module. */
export type OutputMemory = SharedArrayBuffer;

/** Its first words: a lock; how to write; what is kept, from where and how much; what was lost, and of that not told yet. */
export const OUTPUT_HEADER = {
  lock: 0,
  way: 1,
  descriptor: 2,
  from: 3,
  length: 4,
  lost: 5,
  untold: 6,
  errno: 7,
  /** Whether the last line was not written to its end. */
  torn: 8,
} as const;
export const OUTPUT_HEADER_BYTES = 64;

/** What is kept of a log at most, and of standard error, in bytes. */
export const KEPT_OF_LOG: number = 2 ** 20;
const KEPT_OF_ERRORS = 2 ** 16;

/** Memory for one output. */
export function outputMemory(kept: number): OutputMemory {
  return new SharedArrayBuffer(OUTPUT_HEADER_BYTES + kept);
}

const STANDARD_ERROR = 'trampfd.standard-error';

/** That of standard error: one for all threads that are started after the first call. */
export function standardErrorMemory(): OutputMemory {
  const known = getEnvironmentData(STANDARD_ERROR);
  if (known instanceof SharedArrayBuffer) return known;
  const memory = outputMemory(KEPT_OF_ERRORS);
  setEnvironmentData(STANDARD_ERROR, memory);
  return memory;
}
