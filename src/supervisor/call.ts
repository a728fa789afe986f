/**
 * What a notified system call is here, and what it is answered with.
 *
 * @module
 */
import type { ErrnoName } from '../abi/errno.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import type { Listener, Notification } from '../linux/listener.js';
import { processOf } from '../linux/proc.js';
import { StoppingThread, type ThreadBehindCall } from '../linux/ptrace.js';
import type { Policy } from '../policy/kinds.js';
import type { Rule } from '../policy/rule.js';
import type { EmulationLink } from './emulation/link.js';
import type { EmulationShared } from './emulation/shared.js';
import type { Executions } from './executions.js';
import type { Judgements } from './judgements.js';
import type { Log, LoggedCall } from './log.js';
import type { RefusedRuntimes } from './refused_runtimes.js';
import type { Tables } from './tables.js';
import type { NumberChooser, Window } from './window.js';

/** What becomes of a notified call. */
export type Answer =
  /** The kernel carries it out: only where nothing depends on what the caller can still change. */
  | {
      readonly kind: 'continue';
      /** What is to be done just before and just after the kernel is told, and whether the caller waited still. */
      readonly around?: { readonly before: () => void; readonly after: (isTold: boolean) => void };
    }
  | {
      readonly kind: 'value';
      readonly value: bigint;
      /** What is to be done just after it was sent, and whether the caller waited still. */
      readonly after?: (isTold: boolean) => void;
    }
  | {
      readonly kind: 'error';
      readonly errno: ErrnoName;
      /** A sentence for the log: the input, the rule, the remedy. */
      readonly reason: string;
    }
  /** It is answered when it was judged (judgements.ts). */
  | { readonly kind: 'later' }
  /** The caller gets a descriptor of this file at this number, or the lowest free one, as the result of its call. */
  | {
      readonly kind: 'descriptor';
      readonly source: number;
      readonly number: number | undefined;
      readonly closeOnExec: boolean;
      /** What the call fails with where the number is not below the caller's own limit. */
      readonly aboveLimit: ErrnoName;
      /** Called with whether it was installed; closes `source` at least. */
      readonly settle: (installed: boolean) => void;
    };

export const letContinue: Answer = { kind: 'continue' };

/** The answer that a call fails. */
export function refuse(errno: ErrnoName, reason: string): Answer {
  return { kind: 'error', errno, reason };
}

/** The answer where /proc does not let us look at the caller's descriptor: an error path denies. */
export const unseen: Answer = refuse(
  'EACCES',
  "the caller's descriptor cannot be looked at (a process that is not dumpable, or of another user); run trampfd as root",
);

/** All that answers are made with: one of it for a supervisor's life. */
export interface Supervision {
  readonly listener: Listener;
  /** Whether a call that was received can only be killed; else a signal may end it even behind its answer. */
  readonly waitsKillable: boolean;
  readonly policy: Policy;
  /** The rules that have the service's calls notified. */
  readonly serviceRules: readonly Rule[];
  readonly window: Window;
  readonly numbers: NumberChooser;
  readonly tables: Tables;
  readonly pageSize: number;
  readonly log: Log;
  /** Where programs are looked at before they run: those that are about to. */
  readonly executions: Executions | undefined;
  /** Whether programs are judged by the names of their files alone, as none can be traced. */
  readonly looksByName: boolean;
  /** Our descriptor of the folder that memory files are made in, where they are ours to make. */
  readonly memoryFolder: number | undefined;
  readonly refusedRuntimes: RefusedRuntimes;
  readonly judgements: Judgements;
  /** What all threads of the supervisor know. */
  readonly shared: EmulationShared;
  /** Where trampolines are emulated: who answers requests for executable memory. */
  readonly emulation: EmulationLink | undefined;
  /** Whether a process is about to become the run's program, traced by who started it. */
  readonly isHeld: (processId: number) => boolean;
}

/**
 * Has a thread stop behind the call that it waits in, to make others there. If it does not wait any more when it is
 * answered, another thread may have its id by execve(2): then it is to be released as it is.
 *
 * @returns undefined where it cannot be traced
 */
export function stopBehindCall(
  { emulation, waitsKillable }: Supervision,
  threadId: number,
): ThreadBehindCall | undefined {
  if (!waitsKillable) return undefined;
  return StoppingThread.seize(threadId) ?? emulation?.stop(threadId);
}

/** One system call of a target, and what it is answered with. */
export interface CallContext {
  readonly supervision: Supervision;
  readonly notification: Notification;
  readonly entry: Entry;
  readonly name: SyscallName;
}

/** Whether the caller still waits: what was read in its name before was its own. */
export function isValid({ supervision, notification }: CallContext): boolean {
  return supervision.listener.isValid(notification.id);
}

/** An argument as the kernel reads an int or unsigned int. */
export function int32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

/** What a log says of the call. */
export function loggedCall({ notification, entry, name }: CallContext): LoggedCall {
  const { threadId } = notification;
  return { processId: processOf(threadId) ?? threadId, threadId, call: name, entry };
}
