/**
 * What the tracer is told of those that it traces, each process in its turn (turns.ts), and how it waits for that without
 * being asked for something in vain.
 *
 * @module
 */
import { nextTold, resumeUntilTold, type Told, tellAgain } from '../../linux/told.js';
import { type EmulationShared, isAsked, setWaiting } from './shared.js';
import type { Tracees } from './tracees.js';
import { Turns } from './turns.js';

/** See the module. */
export class ToldInTurn {
  readonly #shared: EmulationShared;
  readonly #tracees: Tracees;
  readonly #isOrdered: (threadId: number) => boolean;
  readonly #turns = new Turns();

  /** @param isOrdered whether a thread's stops are told to nobody, as it makes calls for the receiving thread */
  constructor(shared: EmulationShared, tracees: Tracees, isOrdered: (threadId: number) => boolean) {
    this.#shared = shared;
    this.#tracees = tracees;
    this.#isOrdered = isOrdered;
  }

  /**
   * What is told next, when a thread that has trapped was let go on.
   *
   * @param trapped the thread; undefined where there is none
   * @param isPressed whether nothing is to be waited for
   */
  toldAfter(trapped: number | undefined, isPressed: boolean): Told {
    this.#turns.end();
    let resumed = trapped;
    for (;;) {
      const told = this.#take(resumed, !isPressed && !this.#turns.areHeld);
      resumed = undefined;
      if (typeof told !== 'string' && told.kind === 'stop') {
        const traced = this.#tracees.of(told.threadId);
        if (!this.#tracees.areSeveral || traced === undefined || this.#isOrdered(told.threadId)) return told;
        if (!this.#turns.mustWait(traced.processId)) {
          this.#turns.begin(traced.processId);
          return told;
        }
        this.#turns.hold(traced.processId, told);
        continue;
      }
      const held = told === 'nothing' ? this.#turns.next() : undefined;
      if (held === undefined) return told;
      this.#turns.begin(this.#tracees.of(held.threadId)?.processId ?? held.threadId);
      tellAgain(held.threadId);
      return { kind: 'stop', ...held };
    }
  }

  #take(resumed: number | undefined, waits: boolean): Told {
    if (!waits) return resumed === undefined ? nextTold(false) : resumeUntilTold(resumed, false);
    setWaiting(this.#shared, true);
    try {
      // Whoever asks from here on rings; who has asked before did not have to.
      const isAskedAlready = isAsked(this.#shared);
      if (resumed !== undefined) return resumeUntilTold(resumed, !isAskedAlready);
      return isAskedAlready ? 'nothing' : nextTold();
    } finally {
      setWaiting(this.#shared, false);
    }
  }

  /** A thread stands no more: it has ended, or another one has its id. */
  forget(threadId: number): void {
    this.#turns.forget(threadId);
  }

  /** Nobody stands any more. */
  forgetAll(): void {
    this.#turns.forgetAll();
  }
}
