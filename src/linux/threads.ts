/**
 * All threads of a process but one, held still by ptrace(2): none of them runs an instruction of the program, or a part of
 * a system call, until they are released.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { SIGINFO } from '../abi/process.js';
import { PF, PTRACE_STOP } from '../abi/ptrace.js';
import { ownThreadId } from './bell.js';
import { monotonic } from './clock.js';
import { allocate } from './libc.js';
import { hasEnded, threadsOf, tracerOf } from './proc.js';
import { ptrace, seize, yieldProcessor } from './ptrace_request.js';
import { isReplaced, stoppedNow } from './stops.js';
import { flagsOf } from './thread_flags.js';
import { takeEnd } from './wait.js';

/** How long threads may take to stop, in milliseconds, before they are let go again. */
const PATIENCE = 20;

const information = allocate(SIGINFO.size);

/**
 * Whether a thread is the kernel's own worker for a process's io_uring(7): it never runs the program's instructions,
 * changes no mapping, and nobody can trace it.
 */
function isKernelWorker(threadId: number): boolean {
  const flags = flagsOf(threadId);
  return flags !== undefined && (flags & PF.PF_IO_WORKER) !== 0;
}

/** Why threads could not be held. */
export type Unheld =
  /** One takes longer: it waits in the kernel where nothing interrupts it, as a thread in vfork(2) does, or executes a program. */
  | 'busy'
  /** One cannot be traced. */
  | 'forbidden';

/** Holds threads still. They are killed where the tracer ends; all calls are to come from one thread, which is the tracer. */
export class ThreadHolder {
  /** Threads that are traced, stopped or about to, and the process that each is of. */
  readonly #traced: Map<number, number> = new Map();
  #holds = false;
  readonly #isOthers: (processId: number) => boolean;

  /** @param isOthers - whether the calling thread traces a thread of a process for something else, while it executes */
  constructor(isOthers: (processId: number) => boolean) {
    this.#isOthers = isOthers;
  }

  /** Whether some thread has yet to be let go: it cannot be before it has stopped, or has ended. */
  get lingers(): boolean {
    return !this.#holds && this.#traced.size > 0;
  }

  /**
   * Holds all threads of a process. Where that fails, none is held.
   *
   * @param still - those that cannot move in any case, for they wait for the caller of this
   * @returns why it failed
   * @throws as {@link threadsOf}
   */
  hold(processId: number, still: ReadonlySet<number>): Unheld | undefined {
    this.#holds = true;
    let result: Unheld | undefined = 'forbidden';
    try {
      result = this.#hold(processId, still, monotonic() + PATIENCE);
    } finally {
      if (result !== undefined) this.release();
    }
    return result;
  }

  /** Lets them all go on. A signal that one was about to be given is given to it. */
  release(): void {
    this.#holds = false;
    this.look();
  }

  /** Lets those go that could not be before. */
  look(): void {
    if (this.#holds) return;
    for (const [threadId, processId] of this.#traced) {
      if (stoppedNow(threadId)) {
        const size = ptrace('PTRACE_GETSIGINFO', threadId, 0n, information.address);
        const isEvent = information.view.getInt32(SIGINFO.si_code, true) >> 8 === PTRACE_STOP.PTRACE_EVENT_STOP;
        const signal = size < 0 || isEvent ? 0 : information.view.getInt32(SIGINFO.si_signo, true);
        ptrace('PTRACE_DETACH', threadId, 0n, BigInt(signal));
      } else if (hasEnded(threadId)) {
        if (!takeEnd(threadId, processId)) continue;
        this.#followExecution(processId);
      } else if (!isReplaced(threadId)) {
        continue;
      }
      this.#traced.delete(threadId);
    }
  }

  /** One that has executed a program has the id of its process from then on. It is traced, and stops, as it was to. */
  #followExecution(processId: number): void {
    if (this.#traced.has(processId) || this.#isOthers(processId)) return;
    if (tracerOf(processId) === ownThreadId()) this.#traced.set(processId, processId);
  }

  #hold(processId: number, still: ReadonlySet<number>, until: number): Unheld | undefined {
    const stopped = new Set<number>();
    // Until they are all still, there may be new ones.
    for (;;) {
      const running = threadsOf(processId).filter(
        (threadId) =>
          !still.has(threadId) && !stopped.has(threadId) && !hasEnded(threadId) && !isKernelWorker(threadId),
      );
      if (running.length === 0) return undefined;
      for (const threadId of running) {
        if (this.#traced.has(threadId)) continue;
        const result = seize(threadId, PTRACE_STOP.PTRACE_O_EXITKILL);
        if (result === 0) {
          this.#traced.set(threadId, processId);
          ptrace('PTRACE_INTERRUPT', threadId);
        } else if (result === -errnoNumbers.EINTR) {
          return 'busy';
        } else if (result !== -errnoNumbers.ESRCH && !hasEnded(threadId)) {
          return 'forbidden';
        }
      }
      for (const threadId of running) {
        while (!stoppedNow(threadId) && !hasEnded(threadId)) {
          if (monotonic() > until) return 'busy';
          yieldProcessor();
        }
        stopped.add(threadId);
      }
    }
  }
}
