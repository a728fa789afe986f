/**
 * The traced threads that stop for the receiving thread: what it orders (remote_thread.ts) is done with them here.
 *
 * @module
 */
import { StoppingThread } from '../../linux/ptrace.js';
import type { ThreadOrder } from './remote_thread.js';

/** See the module. From its order to stop until it is released, a thread's stops are nobody else's. */
export class OrderedThreads {
  readonly #threads = new Map<number, StoppingThread>();

  /** Whether a thread stops, or stands, for the receiving thread. */
  has(threadId: number): boolean {
    return this.#threads.has(threadId);
  }

  /** Forgets a thread that has ended. */
  delete(threadId: number): void {
    this.#threads.delete(threadId);
  }

  /**
   * Does something with a thread.
   *
   * @param isTraced Whether the calling thread traces it, without which it can be given no order.
   * @returns undefined where it cannot be done
   */
  carryOut(order: ThreadOrder, isTraced: boolean): bigint | undefined {
    const { threadId } = order;
    if (order.kind === 'stop') {
      const stopping = isTraced ? StoppingThread.interrupt(threadId) : undefined;
      if (stopping === undefined) return undefined;
      this.#threads.set(threadId, stopping);
      return 0n;
    }
    const thread = this.#threads.get(threadId);
    switch (order.kind) {
      case 'stopped':
        return thread?.stopped();
      case 'call':
        return thread?.call(order.entry, order.name, order.values);
      case 'release':
        this.#threads.delete(threadId);
        thread?.resume(order.result);
        return 0n;
    }
  }
}
