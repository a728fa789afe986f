/**
 * Threads that have called a trampoline whose memory is not there yet, as another process, or a disk, has yet to deliver it
 * (linux/apart_pool.ts). Each stands where it has trapped until it is; others go on meanwhile.
 *
 * @module
 */
import { Attempt, isTooMany, Late } from '../../linux/late_call.js';

/** See the module. */
export class LateTraps {
  readonly #waiting = new Map<number, Attempt>();

  /** Whether there are any. */
  get areAny(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether a thread is one of them. */
  has(threadId: number): boolean {
    return this.#waiting.has(threadId);
  }

  /**
   * Looks at a trap.
   *
   * @returns what came of it; undefined where it is late, and the thread is to stand, or cannot be looked at
   */
  try<T>(threadId: number, look: () => T): T | undefined {
    const attempt = this.#waiting.get(threadId) ?? new Attempt();
    this.#waiting.delete(threadId);
    try {
      return attempt.run(look);
    } catch (error) {
      // Too many wait already: it is not looked at, and the thread gets its signal.
      if (isTooMany(error)) return undefined;
      if (!(error instanceof Late)) throw error;
      this.#waiting.set(threadId, attempt);
      return undefined;
    }
  }

  /** Those that can be looked at again. */
  ready(): readonly number[] {
    return [...this.#waiting].filter(([, attempt]) => attempt.isReady).map(([threadId]) => threadId);
  }

  /** A thread is gone. */
  forget(threadId: number): void {
    this.#waiting.get(threadId)?.forget();
    this.#waiting.delete(threadId);
  }
}
