/**
 * The monotonic clock: clock_gettime(2). Node.js's `performance` is the same, and each thread that names it loads a dozen modules.
 *
 * @module
 */

/** Milliseconds since some moment, the same for all threads. */
export function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
