/**
 * Calls that are not done in time (apart_pool.ts), and those who have asked for something that hangs on one: they are put
 * off, and asked anew when the call is done. An {@link Attempt} remembers what came of the calls that were late before.
 *
 * @module
 */
import { TrampfdError } from '../error.js';

/** A call that is under way and not waited for. */
export interface Pending {
  /** Names it among those of an attempt. */
  readonly key: string;
  /** Whether there is no more to wait for. */
  readonly isDone: boolean;
  /** What came of it, once it is done; undefined where it is to be made anew. */
  readonly take: () => { readonly value: unknown } | undefined;
  /** Nobody wants to know any more. */
  readonly forget: () => void;
}

/** Thrown where a call was not done in time. */
export class Late extends Error {
  readonly pending: Pending;

  constructor(pending: Pending) {
    super(`${pending.key} takes long: another process, or a disk, has yet to deliver the memory or the file`);
    this.pending = pending;
  }
}

/** The error where no more may be late. */
export function tooMany(reason: string): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_LATE', reason);
}

/** Whether an error is one of {@link tooMany}. */
export function isTooMany(error: unknown): error is TrampfdError {
  return error instanceof TrampfdError && error.code === 'ERR_TRAMPFD_LATE';
}

let current: Attempt | undefined;

/** What calls are made for now. */
export function currentAttempt(): Attempt | undefined {
  return current;
}

/** What somebody has asked for, and what came of the calls made apart for it so far. */
export class Attempt {
  readonly #results = new Map<string, unknown>();
  #pending: Pending | undefined;

  /**
   * Tries it.
   *
   * @throws Late where it is to be tried anew once {@link Attempt.isReady}; nothing may have been done by then that cannot
   *   be done twice
   */
  run<T>(action: () => T): T {
    const outer = current;
    current = this;
    try {
      return action();
    } catch (error) {
      if (error instanceof Late) this.#pending = error.pending;
      throw error;
    } finally {
      current = outer;
    }
  }

  /** Whether a new try can come further than the last. */
  get isReady(): boolean {
    const pending = this.#pending;
    if (pending === undefined) return true;
    if (!pending.isDone) return false;
    this.#pending = undefined;
    const found = pending.take();
    if (found !== undefined) this.#results.set(pending.key, found.value);
    return true;
  }

  /** What came of a call that was late. */
  find(key: () => string): { readonly value: unknown } | undefined {
    if (this.#results.size === 0) return undefined;
    const name = key();
    return this.#results.has(name) ? { value: this.#results.get(name) } : undefined;
  }

  /** It is wanted no more. */
  forget(): void {
    this.#pending?.forget();
    this.#pending = undefined;
  }
}

/** Does something that can be done without, where it is late. */
export function promptly<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Late) error.pending.forget();
    else if (!isTooMany(error)) throw error;
    return otherwise;
  }
}
