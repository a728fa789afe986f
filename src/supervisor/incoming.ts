/**
 * The calls that wait for an answer, each process in its turn.
 *
 * The kernel hands them out in the order in which they came. That is fair as long as each answer takes little; where one
 * has taken long, or there is no end of them, those that wait are taken in, and given out process by process.
 *
 * @module
 */
import { monotonic } from '../linux/clock.js';
import type { Listener, Notification } from '../linux/listener.js';
import { processOf } from '../linux/proc.js';
import { FairQueue } from './fair_queue.js';

/** An answer that has taken longer has others wait, in milliseconds. */
const LONG = 2;
/** After so many calls it is looked whether more wait; and so many are taken in at once. */
const LOOK = 32;
const AT_ONCE = 64;

/** See the module. */
export class Incoming {
  readonly #listener: Listener;
  readonly #taken = new FairQueue<Notification>();
  #sinceLook = 0;
  #answeredAt: number | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Whether some were taken in. */
  get areWaiting(): boolean {
    return this.#taken.size > 0;
  }

  /** The next call; waits for one. Undefined where that was ended, or nobody can call any more. */
  next(): Notification | undefined {
    const taken = this.#taken.take();
    const notification = taken ?? this.#listener.receive();
    this.#answeredAt = monotonic();
    return notification;
  }

  /** The call that was given out was answered, or is being looked after. */
  answered(): void {
    this.#sinceLook += 1;
    const hasTakenLong = this.#answeredAt !== undefined && monotonic() - this.#answeredAt > LONG;
    if (!this.areWaiting && !hasTakenLong && this.#sinceLook < LOOK) return;
    this.#sinceLook = 0;
    for (let count = 0; count < AT_ONCE && this.#listener.isReady(0); count++) {
      const notification = this.#listener.receive();
      if (notification === undefined) return;
      this.#taken.add(processOf(notification.threadId) ?? notification.threadId, notification);
    }
  }
}
