/**
 * Stops of traced threads (ptrace(2)): waiting for one, never without a bound, and telling what it is.
 *
 * Stops are not waited for with waitpid(2): another thread of this process waits for children, and it would be chance
 * which of the two is told. A request fails with ESRCH until the thread has stopped, so it is asked again.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { SIGINFO } from '../abi/process.js';
import { PTRACE_STOP, SYSCALL_INFO } from '../abi/ptrace.js';
import { ownThreadId } from './bell.js';
import { monotonic } from './clock.js';
import { allocate } from './libc.js';
import { hasEnded, tracerOf } from './proc.js';
import { pause, ptrace, yieldProcessor } from './ptrace_request.js';
import { runTime } from './run_time.js';
import { hasExecuteStop } from './wait.js';

/** The kinds of a stop. */
export type Stop = 'other' | 'entry' | 'exit';

const stopInfo = allocate(SYSCALL_INFO.size);
const information = allocate(SIGINFO.size);

/** Asks for the stop that a thread stands in; undefined where it stands in none. */
function askStop(threadId: number): Stop | undefined {
  const size = ptrace('PTRACE_GET_SYSCALL_INFO', threadId, BigInt(SYSCALL_INFO.size), stopInfo.address);
  if (size < 0) return undefined;
  switch (stopInfo.bytes[SYSCALL_INFO.op]) {
    case PTRACE_STOP.PTRACE_SYSCALL_INFO_ENTRY:
      return 'entry';
    case PTRACE_STOP.PTRACE_SYSCALL_INFO_EXIT:
      return 'exit';
    default:
      return 'other';
  }
}

/** What is known of the stop at a system call's entry or exit that was waited for last: struct ptrace_syscall_info. */
export function lastStop(): DataView {
  return stopInfo.view;
}

/** Whether a traced thread stands in a stop now; it may take as long as that thread's way into one. */
export function stoppedNow(threadId: number): boolean {
  return askStop(threadId) !== undefined;
}

/**
 * Whether an id that the calling thread has traced by is another thread's now: execve(2) gives a thread the id of its
 * process, whose first thread is gone then without a word. Where the other one is traced too, the kernel obeys no request
 * before its stop was told (ptrace.c: looks_like_a_spurious_pid).
 */
export function isReplaced(threadId: number): boolean {
  const tracer = tracerOf(threadId);
  return (tracer !== undefined && tracer !== ownThreadId()) || (hasExecuteStop(threadId) && !stoppedNow(threadId));
}

/** How long a thread may take to its next stop, in milliseconds. */
export interface Bound {
  /** Where it runs, or sleeps in the kernel. */
  readonly busy: number;
  /** Where it waits for a processor. */
  readonly starved: number;
}

/**
 * An honest thread takes microseconds. Each time that one has not come in time, and its process was ended for it, the next
 * ones get half of the time: whoever starts such processes one after the other does not keep others waiting with each. A
 * thread that has not got a processor is to blame least, and gets more time.
 */
const FIRST: Bound = { busy: 200, starved: 400 };
const LAST: Bound = { busy: 20, starved: 100 };
/** After so long without one, all is as at first; milliseconds. */
const FORGET = 10_000;
let bound: Bound = FIRST;
let lastLate = 0;

/** The bound as it is now. */
export function boundNow(now: number = monotonic()): Bound {
  if (bound !== FIRST && now - lastLate > FORGET) bound = FIRST;
  return bound;
}

/** A thread was not in time. */
export function wasLate(now: number = monotonic()): void {
  const { busy, starved } = boundNow(now);
  bound = { busy: Math.max(LAST.busy, busy / 2), starved: Math.max(LAST.starved, starved / 2) };
  lastLate = now;
}

/** So often it is asked at once, with the processor given to others in between; then with pauses, in microseconds. */
const ASKED_AT_ONCE = 1024;
const LOOK_EVERY = 256;
const PAUSES = { first: 50, last: 1000 } as const;
/** One pause uses up no more of a bound, in milliseconds: a machine that stands still ends nobody's process. */
const MOST_AT_ONCE = 5;

/**
 * Waits until a traced thread stops.
 *
 * @returns the stop; `gone` where the thread has ended, or its id is another one's; `late` where it has not stopped in time
 */
export function awaitStop(threadId: number, within: Bound = boundNow()): Stop | 'gone' | 'late' {
  for (let asked = 1; asked <= ASKED_AT_ONCE; asked++) {
    const stop = askStop(threadId);
    if (stop !== undefined) return stop;
    // A thread that was killed never stops.
    if (asked % LOOK_EVERY === 0 && (hasEnded(threadId) || isReplaced(threadId))) return 'gone';
    // An answer wakes the thread on this processor (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP), where it needs room to run.
    yieldProcessor();
  }
  return awaitLong(threadId, within);
}

function awaitLong(threadId: number, { busy, starved }: Bound): Stop | 'gone' | 'late' {
  let [waited, hungry, last] = [0, 0, monotonic()];
  let before = runTime(threadId);
  for (let microseconds: number = PAUSES.first; ; microseconds = Math.min(2 * microseconds, PAUSES.last)) {
    pause(microseconds);
    const stop = askStop(threadId);
    if (stop !== undefined) return stop;
    if (hasEnded(threadId) || isReplaced(threadId)) return 'gone';
    const now = monotonic();
    const passed = Math.min(now - last, MOST_AT_ONCE);
    last = now;
    const ran = runTime(threadId);
    // It wants to run, and has not: then only the wait for a processor counts.
    if (ran.isRunnable && ran.nanoseconds === before.nanoseconds) hungry += passed;
    else waited += passed;
    before = ran;
    if (waited >= busy || hungry >= starved) return 'late';
  }
}

/** Why a thread stands in a stop that is none of a system call: siginfo_t. */
export interface SignalStop {
  readonly signal: number;
  /** si_code; of an event of ptrace(2), 0. */
  readonly code: number;
  /** PTRACE_EVENT_*, or 0. */
  readonly event: number;
  /** All of it. */
  readonly bytes: Uint8Array;
}

/** Reads it; undefined where the thread is gone. */
export function signalStop(threadId: number): SignalStop | undefined {
  const result = ptrace('PTRACE_GETSIGINFO', threadId, 0n, information.address);
  if (result === -errnoNumbers.ESRCH || result < 0) return undefined;
  const signal = information.view.getInt32(SIGINFO.si_signo, true);
  const code = information.view.getInt32(SIGINFO.si_code, true);
  const event = code >> 8;
  const isEvent = event > 0 && (code & 0xff) === signal;
  return { signal, code: isEvent ? 0 : code, event: isEvent ? event : 0, bytes: information.bytes.slice() };
}
