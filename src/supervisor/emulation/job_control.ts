/**
 * Stops and continuations of traced processes by job control, which their tracer alone is told of.
 *
 * @module
 */
import type { ChildChange } from '../../linux/wait.js';
import { type EmulationShared, setStopped } from './shared.js';

/** See the module. The tracing thread has one. */
export class JobControl {
  readonly #stopped = new Set<number>();
  readonly #shared: EmulationShared;
  readonly #tellMain: (change: ChildChange) => void;

  /** @param tellMain tells the main thread of a change of a child */
  constructor(shared: EmulationShared, tellMain: (change: ChildChange) => void) {
    this.#shared = shared;
    this.#tellMain = tellMain;
  }

  /** A process has been stopped by a signal. */
  stopped(processId: number, signal: number): void {
    this.#stopped.add(processId);
    setStopped(this.#shared, true);
    this.#tellMain({ kind: 'stopped', processId, signal });
  }

  /** A thread has left its stop, and with it its process; or it was in none. */
  continued(processId: number): void {
    if (!this.#stopped.delete(processId)) return;
    setStopped(this.#shared, false);
    this.#tellMain({ kind: 'continued', processId });
  }

  /** A process has ended, or is known no more. */
  forget(processId: number): void {
    this.#stopped.delete(processId);
  }
}
