/**
 * What the tracing thread is asked, and what it answers with.
 *
 * @module
 */
import { MAP } from '../../abi/mman.js';
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import type { Listener, Notification } from '../../linux/listener.js';
import { commandName, hasEnded, processOf } from '../../linux/proc.js';
import { StoppingThread } from '../../linux/ptrace.js';
import { kill, signalNumbers } from '../../linux/signal.js';
import { isReplaced } from '../../linux/stops.js';
import { sayFailure } from '../failure.js';
import type { Log } from '../log.js';
import type { RefusedRuntimes } from '../refused_runtimes.js';
import type { OwnMemory } from './own_memory.js';
import type { PendingRequests } from './pending.js';
import type { EmulationShared } from './shared.js';
import type { TracedProcess } from './tracees.js';

/** A request, as it was received. Plain data: it goes from thread to thread. */
export interface EmulationRequest {
  readonly kind: /** Executable memory, or an executable view of a file. */
    | 'memory'
    /** execve(2), whose program is to be looked at. */
    | 'execution'
    /** A program of the run that stands before its first instruction, and waits in a call that is not its own. */
    | 'parked'
    /** rt_sigaction(2) of SIGSEGV, which is noted and carried out. */
    | 'disposition'
    /** A look at the processors that a thread may run on, or their change, which is carried out. */
    | 'affinity'
    /** seccomp(2), or prctl(2) with PR_SET_SECCOMP, before which pages are put back; it is carried out. */
    | 'filter'
    /** What may have pages delivered by others from then on, which is carried out. */
    | 'serving';
  readonly notification: Notification;
  readonly entry: Entry;
  readonly name: SyscallName;
  /** Its place among those that wait, where it has one. */
  readonly place?: number | undefined;
}

/** What requests are answered with. */
export interface RequestContext {
  readonly shared: EmulationShared;
  readonly pending: PendingRequests;
  readonly listener: Listener;
  readonly log: Log;
  readonly refusedRuntimes: RefusedRuntimes;
  readonly pageSize: number;
  readonly ownMemory: OwnMemory;
  readonly tracedOf: (threadId: number) => TracedProcess | undefined;
  readonly attach: (processId: number) => TracedProcess | 'later' | undefined;
  readonly endBurst: () => void;
  readonly isExecuting: (processId: number, threadId: number) => boolean;
  readonly attachExecuting: (processId: number, threadId: number) => boolean | 'later';
  /** Why every request is refused, where nothing can be traced. */
  readonly failure: Refusal | undefined;
}

/** Why a request is refused: a sentence for the log. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The caller's thread, stopped behind its call, which has failed. */
export function stopBehind(listener: Listener, { threadId, id }: Notification): StoppingThread | Refusal {
  const thread = StoppingThread.interrupt(threadId);
  if (thread === undefined) return new Refusal('the caller cannot be stopped behind its call');
  // Where nothing more happens, it is refused. If it does not wait any more, another thread may have its id by execve(2).
  if (!listener.answerError(id, 'EACCES')) return new Refusal('the caller is gone');
  if (thread.stopped() !== undefined) return thread;
  endStranded(threadId, 'it cannot be stopped behind its call');
  return new Refusal('the caller is gone');
}

/**
 * Ends the process of a thread that stands where it could not go on from by itself, and says so. One that has ended, or
 * whose id is another thread's by execve(2), is left alone.
 */
export function endStranded(threadId: number, why: string): void {
  if (hasEnded(threadId) || isReplaced(threadId)) return;
  const who = `${commandName(threadId)}[${processOf(threadId) ?? threadId}]`;
  kill(threadId, signalNumbers['SIGKILL'] ?? 9);
  sayFailure(`${who} was ended, as the supervisor has lost hold of it: ${why}`);
}

/** A length in whole pages. */
export function rounded(length: bigint): bigint {
  return ((length + 4095n) / 4096n) * 4096n;
}

/** The flags of mmap(2) without the wish that all pages are there at once: who has the call made waits for it. */
export function unfilled(flags: bigint): bigint {
  return flags & ~BigInt(MAP.MAP_POPULATE);
}
