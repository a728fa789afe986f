/**
 * Tracing: ptrace(2), as far as it takes to have a thread that waits in a system call make another one behind it.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { PTRACE_STOP } from '../abi/ptrace.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';
import { InjectedCalls } from './injected_calls.js';
import { endLost } from './lost_process.js';
import { Passage } from './passage.js';
import { ptrace, seize } from './ptrace_request.js';
import { wasLate } from './stops.js';
import { letGo } from './strays.js';

/**
 * Traces a thread that waits in execve(2), so that it stops before it goes on: in the call, when it has executed a program
 * (PTRACE_EVENT_EXEC; a stop behind the call that was asked for before is lost where a process had several threads), or
 * behind it, when that has failed. It is killed where the tracer ends before that.
 *
 * @returns 0 or a negated error number, as {@link seize} gives it
 */
export function seizeForStop(threadId: number): number {
  const { PTRACE_O_TRACESYSGOOD, PTRACE_O_TRACEEXEC, PTRACE_O_EXITKILL } = PTRACE_STOP;
  const result = seize(threadId, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  if (result === 0) ptrace('PTRACE_INTERRUPT', threadId);
  return result;
}

/** A thread that will stop when its system call is done, and can be made to make others there: {@link StoppingThread}. */
export interface ThreadBehindCall {
  readonly stopped: () => bigint | undefined;
  readonly call: (entry: Entry, name: SyscallName, values: readonly bigint[]) => bigint | undefined;
  readonly release: (result?: bigint) => void;
}

/** How often it is tried to trace one whose process executes a program. Mostly that ends it, or fails, in the first try. */
const MOST_TRIES = 10;

/** A thread that is traced and will stop when its system call is done. */
export class StoppingThread implements ThreadBehindCall {
  readonly #threadId: number;
  #calls: InjectedCalls | undefined;

  private constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /**
   * Traces a thread that waits for the answer to its system call. It stops behind the call, before the program goes on.
   * The wait itself must be one that only a kill ends (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV).
   *
   * @param isKilledWithTracer whether the thread is killed where the tracer ends before it is released
   * @returns undefined where it cannot be traced: another tracer has it, the system forbids it, or another thread of its
   *   process executes a program, and takes long
   */
  static seize(threadId: number, isKilledWithTracer = false): StoppingThread | undefined {
    const { PTRACE_O_TRACESYSGOOD, PTRACE_O_EXITKILL } = PTRACE_STOP;
    const options = PTRACE_O_TRACESYSGOOD | (isKilledWithTracer ? PTRACE_O_EXITKILL : 0);
    for (let tries = 1; ; tries++) {
      const result = seize(threadId, options);
      if (result === 0) break;
      if (result !== -errnoNumbers.EINTR || tries === MOST_TRIES) return undefined;
    }
    ptrace('PTRACE_INTERRUPT', threadId);
    return new StoppingThread(threadId);
  }

  /** The same of a thread that the calling one traces already; it is to be {@link StoppingThread.resume}d. */
  static interrupt(threadId: number): StoppingThread | undefined {
    return ptrace('PTRACE_INTERRUPT', threadId) < 0 ? undefined : new StoppingThread(threadId);
  }

  /**
   * Waits until the system call is done. A thread that is not in time is ended, with its process.
   *
   * @returns its result, or undefined where the thread is gone
   */
  stopped(): bigint | undefined {
    const passage = new Passage(this.#threadId);
    const arrival = passage.arrive();
    if (arrival === 'late') {
      wasLate();
      endLost(this.#threadId, 'its thread did not come back in time from a call that the supervisor has answered');
    }
    if (arrival === 'stopped') {
      this.#calls = InjectedCalls.begin(this.#threadId, { passage, isBehindCall: true });
    }
    return this.#calls?.ownResult;
  }

  /**
   * Has the thread make a system call, once it has stopped. No filter may have that call notified: whoever would have to
   * answer is waiting here.
   *
   * @param entry how the thread's own call entered the kernel; this one enters in the same way
   * @returns its result, error numbers negated; undefined where it was not made, or the thread is gone
   */
  call(entry: Entry, name: SyscallName, values: readonly bigint[]): bigint | undefined {
    return this.#calls?.call(entry, name, values);
  }

  /**
   * Lets the thread go on, untraced, with the registers as its own call has left them.
   *
   * @param result what its call gives instead of its own result
   */
  release(result?: bigint): void {
    this.#calls?.finish(result);
    letGo(this.#threadId);
  }

  /**
   * Lets the thread go on as {@link StoppingThread.release} does, but traced.
   *
   * @param result what its call gives instead of its own result
   */
  resume(result?: bigint): void {
    this.#calls?.finish(result);
    ptrace('PTRACE_CONT', this.#threadId);
  }

  /** The same with other registers than it had: all of struct user_regs_struct. */
  resumeWith(registers: Uint8Array): void {
    this.#calls?.finishWith(registers);
    ptrace('PTRACE_CONT', this.#threadId);
  }
}
