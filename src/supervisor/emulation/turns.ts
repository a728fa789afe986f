/**
 * Whose turn it is, where several processes have the tracer do something for them at once.
 *
 * waitpid(2) tells of the thread first that comes first in a list of the kernel's: two threads of one process that trap
 * without rest would always be told of, and those of other processes never. So each process has so much of the tracer's time
 * in a round. Threads of one that has had it stand still, until nobody else has anything to be done; then the next round
 * begins.
 *
 * @module
 */
import { monotonic } from '../../linux/clock.js';

/** The time of a process in a round, in milliseconds. */
const SLICE = 1;

/** A thread that stands still, and what was told of it. */
export interface HeldStop {
  readonly threadId: number;
  readonly event: number;
  readonly signal: number;
}

/** See the module. */
export class Turns {
  /** What each process has had in this round. */
  readonly #spent = new Map<number, number>();
  /** Stops that were told in a round in which their process has had its time, in the order of their processes' holding. */
  readonly #held = new Map<number, HeldStop[]>();
  #since: number | undefined;
  #whose = 0;

  /** Whether somebody stands still. */
  get areHeld(): boolean {
    return this.#held.size > 0;
  }

  /** The tracer begins to do something for a process. */
  begin(processId: number, now: number = monotonic()): void {
    this.end(now);
    this.#since = now;
    this.#whose = processId;
  }

  /** It is done. */
  end(now?: number): void {
    if (this.#since === undefined) return;
    const spent = (now ?? monotonic()) - this.#since;
    this.#spent.set(this.#whose, (this.#spent.get(this.#whose) ?? 0) + spent);
    this.#since = undefined;
  }

  /** Whether a process has had its time, or a thread of it stands still already: they keep their order. */
  mustWait(processId: number): boolean {
    return this.#held.has(processId) || (this.#spent.get(processId) ?? 0) >= SLICE;
  }

  /** Has a thread stand still. */
  hold(processId: number, stop: HeldStop): void {
    const stops = this.#held.get(processId);
    if (stops === undefined) this.#held.set(processId, [stop]);
    else stops.push(stop);
  }

  /** The stop that is next, where nothing else is told: of a process that has time left, or else of the next round. */
  next(): HeldStop | undefined {
    let found = [...this.#held.keys()].find((processId) => (this.#spent.get(processId) ?? 0) < SLICE);
    if (found === undefined) {
      this.#spent.clear();
      [found] = this.#held.keys();
    }
    return found === undefined ? undefined : this.#take(found);
  }

  #take(processId: number): HeldStop | undefined {
    const stops = this.#held.get(processId);
    const stop = stops?.shift();
    // The others of it come behind those of other processes.
    this.#held.delete(processId);
    if (stops !== undefined && stops.length > 0) this.#held.set(processId, stops);
    return stop;
  }

  /** A thread stands no more: it has ended, or another one has its id. */
  forget(threadId: number): void {
    for (const [processId, stops] of this.#held) {
      const left = stops.filter((stop) => stop.threadId !== threadId);
      if (left.length === stops.length) continue;
      if (left.length > 0) this.#held.set(processId, left);
      else this.#held.delete(processId);
    }
  }

  /** Nobody stands any more. */
  forgetAll(): void {
    this.#held.clear();
    this.#spent.clear();
  }
}
