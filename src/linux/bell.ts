/**
 * A signal that wakes a thread of this process from a system call, and does nothing else: sigaction(2), tgkill(2).
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGEVENT } from '../abi/process.js';
import { TrampfdError } from '../error.js';
import { allocate, native, negatedErrno, symbolAddress } from './libc.js';

const libcSigaction = native('int sigaction(int, uint64_t, uint64_t)');
const libcPthreadSigmask = native('int pthread_sigmask(int, uint64_t, uint64_t)');
const libcTgkill = native('int tgkill(int, int, int)');
const libcGettid = native('int gettid()');
const libcTimerCreate = native('int timer_create(int, uint64_t, uint64_t)');
const libcTimerSettime = native('int timer_settime(uint64_t, int, uint64_t, uint64_t)');

/** The last real-time signal (signal(7)), for timers, each of which has a place for it; Node.js uses none of them. */
const BELL = 64;
/**
 * What one thread wakes another by: a signal that nothing sends any more (signal(7): SIGSTKFLT). None of the real-time
 * signals, for these wait in a queue of the user's, which a program may have filled (RLIMIT_SIGPENDING): then they are not sent.
 */
const RING = 16;
/** struct sigaction of the C library on x86-64: the handler, sigset_t, the flags. */
const SIGACTION = { handler: 0, flags: 136, size: 152 } as const;
/** Values of the first argument of pthread_sigmask(3) (signal.h). */
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
/** Flags of sigaction(2) (bits/sigaction.h): no SIGCHLD for stops; a handler with three arguments; calls are begun anew. */
const SA_NOCLDSTOP = 1;
const SA_SIGINFO = 4;
const SA_RESTART = 0x10000000;
const SIGCHLD = 17;
const action = allocate(SIGACTION.size);
const oneSignal = allocate(128);
const signalsBefore = allocate(128);
/** struct itimerspec: the interval, then the first time; each in seconds and nanoseconds. */
const setting = allocate(32);
const NANOSECONDS = { interval: 8, first: 24 } as const;

/** The calling thread's id. */
export function ownThreadId(): number {
  return Number(libcGettid());
}

/**
 * Has the bell end the system calls of the calling thread: they fail with EINTR.
 *
 * @throws TrampfdError as sigaction(2) and pthread_sigmask(3) fail
 */
export function listenToBell(): void {
  action.bytes.fill(0);
  // Without SA_RESTART; the handler is abs(3), a function of one int that changes nothing.
  action.view.setBigUint64(SIGACTION.handler, symbolAddress('abs'), true);
  for (const signal of [BELL, RING]) {
    const result = negatedErrno(libcSigaction(signal, action.address, 0n));
    const errno = result === 0 ? unblock(signal, 0n) : -result;
    if (errno === 0) continue;
    const name = errnoName(errno);
    throw new TrampfdError(name, `a signal to wake a thread cannot be had (${name})`, { syscall: 'sigaction', errno });
  }
}

/**
 * Gives a signal of this process a handler.
 *
 * @param handler address of a function of the number, the siginfo_t and the ucontext_t
 */
export function handleBell(signal: number, handler: bigint): void {
  action.bytes.fill(0);
  action.view.setBigUint64(SIGACTION.handler, handler, true);
  action.view.setInt32(SIGACTION.flags, SA_SIGINFO | SA_RESTART, true);
  libcSigaction(signal, action.address, 0n);
}

/** 0 or an error number. */
function unblock(signal: number, before: bigint): number {
  oneSignal.view.setBigUint64(0, 1n << BigInt(signal - 1), true);
  return Number(libcPthreadSigmask(SIG_UNBLOCK, oneSignal.address, before));
}

/** Does something while a signal reaches the calling thread. */
export function hearing<T>(signal: number, action: () => T): T {
  unblock(signal, signalsBefore.address);
  try {
    return action();
  } finally {
    libcPthreadSigmask(SIG_SETMASK, signalsBefore.address, 0n);
  }
}

/** Rings it. */
export function ringBell(threadId: number): void {
  if (threadId > 0) libcTgkill(process.pid, threadId, RING);
}

/** A timer that rings the bell of the thread that has made it, again and again: timer_create(2). */
export class BellTimer {
  readonly #timer: bigint;

  private constructor(timer: bigint) {
    this.#timer = timer;
  }

  /** Makes one for the calling thread; undefined where the system has none left (RLIMIT_SIGPENDING). */
  static create(signal: number = BELL): BellTimer | undefined {
    const event = allocate(SIGEVENT.size);
    const timer = allocate(8);
    event.view.setInt32(SIGEVENT.sigev_signo, signal, true);
    event.view.setInt32(SIGEVENT.sigev_notify, SIGEV_THREAD_ID, true);
    event.view.setInt32(SIGEVENT.sigev_notify_thread_id, ownThreadId(), true);
    const result = negatedErrno(libcTimerCreate(CLOCK_MONOTONIC, event.address, timer.address));
    return result < 0 ? undefined : new BellTimer(timer.view.getBigUint64(0, true));
  }

  /** Rings from now on, each time after so many milliseconds, less than a thousand. */
  start(milliseconds: number): void {
    this.#set(BigInt(milliseconds) * 1_000_000n);
  }

  stop(): void {
    this.#set(0n);
  }

  #set(nanoseconds: bigint): void {
    setting.view.setBigUint64(NANOSECONDS.interval, nanoseconds, true);
    setting.view.setBigUint64(NANOSECONDS.first, nanoseconds, true);
    libcTimerSettime(this.#timer, 0, setting.address, 0n);
  }
}

/** Whether this process gets a SIGCHLD for stops of its children, and of what it traces, or for ends alone. */
export function signalStops(wanted: boolean): void {
  if (libcSigaction(SIGCHLD, 0n, action.address) !== 0) return;
  const flags = action.view.getInt32(SIGACTION.flags, true);
  action.view.setInt32(SIGACTION.flags, wanted ? flags & ~SA_NOCLDSTOP : flags | SA_NOCLDSTOP, true);
  libcSigaction(SIGCHLD, action.address, 0n);
}
