/**
 * A traced thread's way from one stop to the next one that matters: the entry and the exit of a system call, or a fault.
 *
 * What comes to the thread on its way from outside is not lost. A stop of job control begins, and is made good behind the
 * way. A signal that the thread blocks stays pending; those that its own faults raise cannot be blocked meanwhile, for the
 * kernel then takes the program's handler away (kernel/signal.c: force_sig_info_to_task), so one that somebody has sent
 * is kept, and sent again behind the way.
 *
 * @module
 */
import { SI_TKILL, SIGINFO } from '../abi/process.js';
import { PEEKSIGINFO_ARGS, PTRACE_STOP } from '../abi/ptrace.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { allocate, native } from './libc.js';
import { processOf } from './proc.js';
import { ptrace } from './ptrace_request.js';
import { signalNumbers } from './signal.js';
import { awaitStop, type Bound, type SignalStop, signalStop } from './stops.js';

const libcTgkill = native('int tgkill(int, int, int)');
const libcSyscall = native('long syscall(long, long, long, long, uint64_t)');
const information = allocate(SIGINFO.size);

const { SIGTRAP = 5, SIGSTOP = 19, SIGKILL = 9 } = signalNumbers;

/** Signals that a thread's own faults raise. */
const OF_FAULTS: readonly number[] = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'].map(
  (name) => signalNumbers[name] ?? 0,
);

const EVERY_SIGNAL = 0xffff_ffff_ffff_ffffn;
/** So many signals that are pending for a thread are looked at. */
const MOST_PENDING = 32;
const asked = allocate(PEEKSIGINFO_ARGS.size);
asked.view.setInt32(PEEKSIGINFO_ARGS.nr, MOST_PENDING, true);
const pending = allocate(MOST_PENDING * SIGINFO.size);

/**
 * What a stopped thread is to block on its way: bit N - 1 for signal N. Of the signals of faults those that are pending
 * already, which are its own.
 */
export function blockedOnTheWay(threadId: number): bigint {
  const heard = new Set(OF_FAULTS);
  const count = ptrace('PTRACE_PEEKSIGINFO', threadId, asked.address, pending.address);
  for (let index = 0; index < count; index++) {
    heard.delete(pending.view.getInt32(index * SIGINFO.size + SIGINFO.si_signo, true));
  }
  let blocked = EVERY_SIGNAL;
  for (const signal of heard) blocked &= ~(1n << BigInt(signal - 1));
  return blocked;
}

/** Where a way has led. */
export type Arrival =
  | { readonly kind: 'entry' | 'exit' }
  /** The thread is about to be given a signal for what it has done. */
  | { readonly kind: 'fault'; readonly signal: number; readonly code: number }
  /** It has ended. */
  | { readonly kind: 'gone' }
  /** It has not come to a stop in time. */
  | { readonly kind: 'late' };

/** See the module. */
export class Passage {
  readonly #threadId: number;
  /** Whether a stop was passed that somebody may wait for. */
  #hasPassed = false;
  readonly #kept: SignalStop[] = [];

  /** @param threadId - of a thread that the calling one traces */
  constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /**
   * Waits for the stop that the thread was asked to make (PTRACE_INTERRUPT). Whatever it is, it stands there; the signal
   * that it was about to get is sent again behind the way.
   */
  arrive(within?: Bound): 'stopped' | 'gone' | 'late' {
    const stop = awaitStop(this.#threadId, within);
    if (stop === 'gone' || stop === 'late') return stop;
    const why = stop === 'other' ? signalStop(this.#threadId) : undefined;
    if (this.#isGroupStop(why)) this.#hasPassed = true;
    // It was about to get a signal, which nobody else has any more. What its own doing has raised, it raises again.
    if (why?.event === 0 && (why.code <= 0 || !OF_FAULTS.includes(why.signal))) this.#kept.push(why);
    return 'stopped';
  }

  /** Lets the thread go on from its stop to the next that matters. */
  go(request: 'PTRACE_SYSCALL' | 'PTRACE_CONT', within?: Bound): Arrival {
    for (let signal = 0; ; ) {
      if (ptrace(request, this.#threadId, 0n, BigInt(signal)) < 0) return { kind: 'gone' };
      signal = 0;
      const stop = awaitStop(this.#threadId, within);
      if (stop !== 'other') return { kind: stop };
      const why = signalStop(this.#threadId);
      if (why === undefined) return { kind: 'gone' };
      if (why.event !== 0) {
        this.#hasPassed ||= why.event === PTRACE_STOP.PTRACE_EVENT_STOP;
      } else if (!OF_FAULTS.includes(why.signal)) {
        // Nothing but these two is not blocked. A group stop begins by it, which is passed next.
        if (why.signal === SIGSTOP || why.signal === SIGKILL) signal = why.signal;
        else this.#kept.push(why);
      } else if (why.code > 0) {
        return { kind: 'fault', signal: why.signal, code: why.code };
      } else {
        this.#kept.push(why);
      }
    }
  }

  /** Makes good what was passed: the thread, which still stands, has its own registers and signals again. */
  settle(): void {
    const threadId = this.#threadId;
    // It stops at once, again, as whoever stops it, or lets go of it, expects.
    if (this.#hasPassed) ptrace('PTRACE_INTERRUPT', threadId);
    this.#hasPassed = false;
    for (const { signal, code, bytes } of this.#kept.splice(0)) {
      const processId = processOf(threadId) ?? threadId;
      information.bytes.set(bytes);
      // What kill(2) and tgkill(2) have sent nobody else may send as from them.
      const isSent =
        code < 0 &&
        code !== SI_TKILL &&
        Number(
          libcSyscall(syscallNumbers['x86-64'].rt_tgsigqueueinfo, processId, threadId, signal, information.address),
        ) === 0;
      if (!isSent) libcTgkill(processId, threadId, signal);
    }
  }

  #isGroupStop(why: SignalStop | undefined): boolean {
    return why?.event === PTRACE_STOP.PTRACE_EVENT_STOP && why.signal !== SIGTRAP;
  }
}
