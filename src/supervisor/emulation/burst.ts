/**
 * Traps that follow each other closely: a thread that sorts with a callback, say. While they last, the thread and its
 * tracer run on one processor.
 *
 * A trap is a change from the one to the other and back, and nothing runs at the same time. On one processor each change
 * takes a microsecond or two. Else the kernel looks for an idle processor each time, and waking one takes ten times as
 * long. It has no way to be told so but by the set of processors that a thread may run on. So that is the thread's own
 * but in a burst, and at most a few milliseconds longer.
 *
 * @module
 */
import { affinityOf, areSame, has, only, type Processors, setAffinity } from '../../linux/affinity.js';
import { BellTimer } from '../../linux/bell.js';
import { monotonic } from '../../linux/clock.js';
import { processorOf } from '../../linux/proc.js';

/** So many traps of one thread, with less than so many milliseconds from each to the next, begin a burst. */
const FIRST_TRAPS = 4;
const SHORTLY = 0.15;
/** A burst without a trap for so long is over, in milliseconds; the timer rings as often. */
const PAUSE = 5;
/** After so long the kernel may choose a better processor, in milliseconds. */
const LONGEST = 100;
/** What a thread has made gets the thread's own set of processors for so long behind a burst: it may be told of late. */
const LATE = 100;
/** Traps after which it is tried again where a thread's processors cannot be set. */
const REST = 10_000;

/** A thread that is kept on one processor. */
interface Kept {
  readonly threadId: number;
  readonly processor: Processors;
  /** The processors that it may run on by itself, and those of the tracer. */
  readonly own: Processors;
  readonly tracers: Processors;
  readonly since: number;
}

/** See the module. The tracing thread has one. */
export class Burst {
  #timer: BellTimer | undefined;
  #threadId = 0;
  #traps = 0;
  #lastTrap = 0;
  #kept: Kept | undefined;
  #hasTrapped = false;
  #before: { readonly kept: Kept; readonly ended: number } | undefined;

  /** Whether a thread is kept on one processor. */
  isOf(threadId: number): boolean {
    return this.#kept?.threadId === threadId;
  }

  /** A thread has trapped, and is about to go on. */
  trapped(threadId: number): void {
    if (this.#kept?.threadId === threadId) {
      this.#hasTrapped = true;
      return;
    }
    // Two threads that take turns are served faster where each has a processor.
    this.end();
    const now = monotonic();
    if (threadId !== this.#threadId || now - this.#lastTrap > SHORTLY) this.#traps = Math.min(this.#traps, 0);
    this.#threadId = threadId;
    this.#lastTrap = now;
    this.#traps += 1;
    if (this.#traps >= FIRST_TRAPS && !this.#begin(threadId, now)) this.#traps = -REST;
  }

  #begin(threadId: number, now: number): boolean {
    const processor = processorOf(threadId);
    const own = affinityOf(threadId);
    const tracers = affinityOf(0);
    if (processor === undefined || own === undefined || tracers === undefined) return false;
    if (!has(own, processor) || !has(tracers, processor)) return false;
    this.#timer ??= BellTimer.create();
    const one = only(processor);
    if (this.#timer === undefined || !setAffinity(threadId, one)) return false;
    setAffinity(0, one);
    this.#kept = { threadId, processor: one, own, tracers, since: now };
    this.#hasTrapped = true;
    this.#timer.start(PAUSE);
    return true;
  }

  /** The bell has rung. */
  rang(): void {
    if (this.#kept === undefined) return;
    const wasPaused = !this.#hasTrapped;
    this.#hasTrapped = false;
    if (wasPaused || monotonic() - this.#kept.since > LONGEST) this.end();
  }

  /**
   * Gives the thread its own processors back, where it has not chosen others meanwhile.
   *
   * @param threadId the id that it has now: execve(2) may have changed it
   */
  end(threadId: number | undefined = this.#kept?.threadId): void {
    const kept = this.#kept;
    if (kept === undefined || threadId === undefined) return;
    this.#kept = undefined;
    this.#traps = 0;
    this.#before = { kept, ended: monotonic() };
    this.#timer?.stop();
    giveBack(threadId, kept);
    setAffinity(0, kept.tracers);
  }

  /** A thread has made another one, or a process, which has the processors that it had itself. */
  made(threadId: number, maker: number): void {
    const kept = this.#kept ?? this.#before?.kept;
    if (kept?.threadId !== maker) return;
    if (this.#kept === undefined && monotonic() - (this.#before?.ended ?? 0) > LATE) return;
    giveBack(threadId, kept);
  }
}

function giveBack(threadId: number, { processor, own }: Kept): void {
  const now = affinityOf(threadId);
  if (now !== undefined && areSame(now, processor)) setAffinity(threadId, own);
}
