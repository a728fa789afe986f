/**
 * A thread that the tracing thread traces, as the receiving thread needs it: to have it make another call behind its own.
 * What is to be done with it is said there and done here, for a thread has one tracer.
 *
 * @module
 */
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import type { ThreadBehindCall } from '../../linux/ptrace.js';

/** What is to be done with a thread. */
export type ThreadOrder =
  | { readonly kind: 'stop'; readonly threadId: number }
  | { readonly kind: 'stopped'; readonly threadId: number }
  | {
      readonly kind: 'call';
      readonly threadId: number;
      readonly entry: Entry;
      readonly name: SyscallName;
      readonly values: readonly bigint[];
    }
  | { readonly kind: 'release'; readonly threadId: number; readonly result: bigint | undefined };

/** Has an order carried out; undefined where that failed, or the thread is gone. */
export type GiveOrder = (order: ThreadOrder) => bigint | undefined;

/**
 * A thread that the tracing thread has stop behind its call.
 *
 * @returns undefined where that thread does not trace it
 */
export function stopTraced(threadId: number, give: GiveOrder): ThreadBehindCall | undefined {
  if (give({ kind: 'stop', threadId }) === undefined) return undefined;
  return {
    stopped: () => give({ kind: 'stopped', threadId }),
    call: (entry, name, values) => give({ kind: 'call', threadId, entry, name, values }),
    release: (result) => {
      give({ kind: 'release', threadId, result });
    },
  };
}
