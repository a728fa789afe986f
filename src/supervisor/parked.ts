/**
 * Calls that cannot be answered yet: another process, or a disk, has yet to deliver memory or a file that the answer depends
 * on (linux/apart_pool.ts). Each is decided anew from its beginning when that is there; calls of others are answered
 * meanwhile. A caller that is killed is forgotten.
 *
 * @module
 */
import { monotonic } from '../linux/clock.js';
import { Attempt, Late } from '../linux/late_call.js';
import type { Notification } from '../linux/listener.js';

/** A call that waits, and what is known of its memory so far. */
interface Waiting {
  readonly notification: Notification;
  readonly attempt: Attempt;
}

/** Between two looks pass so many microseconds, at the least and at most; a fourth of the time since the last change otherwise. */
const SHORTEST_PAUSE = 40;
const LONGEST_PAUSE = 20_000;

/** See the module. */
export class Parked {
  #waiting: Waiting[] = [];
  readonly #answer: (notification: Notification) => void;
  readonly #isValid: (id: bigint) => boolean;
  #changed = 0;

  /**
   * @param answer - decides a call and answers it; throws {@link Late} where it cannot yet
   * @param isValid - whether a caller waits still
   */
  constructor(answer: (notification: Notification) => void, isValid: (id: bigint) => boolean) {
    this.#answer = answer;
    this.#isValid = isValid;
  }

  /** Whether there is something to look after. */
  get areUnderWay(): boolean {
    return this.#waiting.length > 0;
  }

  /** Microseconds until they are to be looked at again. */
  get pause(): number {
    const since = (monotonic() - this.#changed) * 1000;
    return Math.round(Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, since / 4)));
  }

  /** Answers a call, now or when it can be. */
  answer(notification: Notification): void {
    this.#try({ notification, attempt: new Attempt() });
  }

  /** Goes on with those that can be gone on with. */
  look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (!this.#isValid(one.notification.id)) one.attempt.forget();
      else if (one.attempt.isReady) this.#try(one);
      else this.#waiting.push(one);
    }
  }

  #try(one: Waiting): void {
    try {
      one.attempt.run(() => this.#answer(one.notification));
    } catch (error) {
      if (!(error instanceof Late)) throw error;
      this.#waiting.push(one);
      this.#changed = monotonic();
    }
  }
}
