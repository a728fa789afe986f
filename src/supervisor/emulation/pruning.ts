/**
 * Which traced processes have no memory any more that they are traced for: they are let go of.
 *
 * @module
 */
import { monotonic } from '../../linux/clock.js';
import { allows, type Policy } from '../../policy/kinds.js';
import type { Log } from '../log.js';
import type { TracedProcess, Tracees } from './tracees.js';

/** Mappings are looked at for that after so many milliseconds, or requests: each look delays the call that follows. */
const LOOK = { milliseconds: 1000, requests: 64 } as const;

/** How long one look takes at most, in milliseconds: what is left then is looked at behind the next request. */
const LONGEST = 5;

/** See the module. */
export class Pruning {
  /** When mappings were looked at last for what can be let go of, and how many requests came since. */
  #looked = { at: 0, requests: 0 };
  /** Processes that have yet to be looked at. */
  #left: TracedProcess[] = [];

  /** Something begins to be traced. */
  begin(): void {
    this.#looked = { at: monotonic(), requests: 0 };
  }

  /** Lets go of those that can be. Whether they still have such memory is looked at now and then. */
  prune(tracees: Tracees, { policy, log }: { readonly policy: Policy; readonly log: Log }): void {
    // What such a process executes must be looked at, and the filter has asked about that already.
    if (!allows(policy, 'execfile')) return;
    const { at, requests } = this.#looked;
    const now = monotonic();
    const isDue = requests >= LOOK.requests || now - at >= LOOK.milliseconds;
    this.#looked = isDue ? { at: now, requests: 0 } : { at, requests: requests + 1 };
    if (isDue && this.#left.length === 0) this.#left = [...tracees.processes];
    while (this.#left.length > 0 && monotonic() - now < LONGEST) {
      const traced = this.#left.pop();
      const [threadId] = traced?.threads ?? [];
      if (threadId !== undefined) traced?.memory.prune(threadId);
    }
    for (const traced of tracees.processes) {
      if (traced.memory.isInteresting || traced.isLeaving) continue;
      if (log.enabled) {
        log.write({ event: 'detached', processId: traced.processId, reason: 'it has no such memory any more' });
      }
      tracees.leave(traced);
    }
  }
}
