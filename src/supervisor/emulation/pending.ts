/**
 * Which requests were handed to the tracing thread and are not answered yet. They stand where the main thread sees them,
 * for it denies them when that thread has failed: nobody else would.
 *
 * @module
 */
import type { Notification } from '../../linux/listener.js';

/** The kernel's cookies of those that wait; 0 in a place that is free. */
export type PendingRequests = BigInt64Array<SharedArrayBuffer>;

/** As many as threads can wait at a time, by the usual highest process id (proc(5): pid_max). */
const MOST = 32_768;
const FREE = 0n;

export function createPending(): PendingRequests {
  return new BigInt64Array(new SharedArrayBuffer(MOST * BigInt64Array.BYTES_PER_ELEMENT));
}

/** The receiving thread's side: hands out places. */
export class PendingPlaces {
  readonly #pending: PendingRequests;
  #next = 0;

  constructor(pending: PendingRequests) {
    this.#pending = pending;
  }

  /** A place for a request; undefined where there is none. */
  take({ id }: Notification): number | undefined {
    const { length } = this.#pending;
    for (let tried = 0; tried < length; tried++) {
      const place = this.#next;
      this.#next = (place + 1) % length;
      if (Atomics.load(this.#pending, place) !== FREE) continue;
      Atomics.store(this.#pending, place, BigInt.asIntN(64, id));
      return place;
    }
    return undefined;
  }
}

/** The tracing thread's side: the request of a place was answered. */
export function isAnswered(pending: PendingRequests, place: number): void {
  Atomics.store(pending, place, FREE);
}

/** The main thread's side: those that wait. */
export function waitingRequests(pending: PendingRequests): readonly bigint[] {
  return [...pending].filter((id) => id !== FREE).map((id) => BigInt.asUintN(64, id));
}
