/**
 * Threads that the calling thread traces for as long as they live: ptrace(2) with PTRACE_SEIZE, and what waitpid(2) tells.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { SIGINFO, WAIT } from '../abi/process.js';
import { PTRACE_STOP, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { allocate, native, negatedErrno } from './libc.js';
import { nextStop, ptrace } from './ptrace.js';
import { type ChildChange, decodeStatus } from './wait.js';

const libcWaitpid = native('int waitpid(int, uint64_t, int)');
const status = allocate(4);
const message = allocate(8);
const information = allocate(SIGINFO.size);
const registers = allocate(USER_REGS.size);
const mask = allocate(SIGSET_SIZE);

/** What waitpid(2) told of a child or of a thread that is traced. */
export type Told =
  /** A stop between the thread and its tracer: an event of ptrace(2), or a signal that it is about to be given. */
  | { readonly kind: 'stop'; readonly threadId: number; readonly event: number; readonly signal: number }
  | { readonly kind: 'change'; readonly threadId: number; readonly change: ChildChange }
  /** A signal came. */
  | 'interrupted'
  /** There is nobody to be told of. */
  | 'nobody';

/** Waits until something is told of any child of this process, and of any thread that is traced here. */
export function nextTold(): Told {
  // Not WCONTINUED: that state is told once, and a tracer would take it from the tracee's parent (kernel/exit.c).
  const { __WALL, WUNTRACED } = WAIT;
  const threadId = negatedErrno(libcWaitpid(-1, status.address, __WALL | WUNTRACED));
  if (threadId === -errnoNumbers.EINTR) return 'interrupted';
  if (threadId <= 0) return 'nobody';
  const value = status.view.getInt32(0, true);
  const isStop = (value & 0xff) === 0x7f;
  if (isStop) return { kind: 'stop', threadId, event: value >> 16, signal: (value >> 8) & 0xff };
  return { kind: 'change', threadId, change: decodeStatus(threadId, value) };
}

/** What a tracee is followed into: threads and processes that it makes, and programs that it executes. */
const FOLLOW =
  PTRACE_STOP.PTRACE_O_TRACESYSGOOD |
  PTRACE_STOP.PTRACE_O_TRACECLONE |
  PTRACE_STOP.PTRACE_O_TRACEFORK |
  PTRACE_STOP.PTRACE_O_TRACEVFORK |
  PTRACE_STOP.PTRACE_O_TRACEEXEC |
  PTRACE_STOP.PTRACE_O_EXITKILL;

/**
 * Traces a thread, and all that it makes from then on. It goes on running; it is killed where the tracer ends, for it may
 * be in the middle of a call that is not its own, and none of its own trampolines would work any more.
 *
 * @returns 0 or a negated error number
 */
export function seize(threadId: number): number {
  return ptrace('PTRACE_SEIZE', threadId, 0n, BigInt(FOLLOW));
}

/** Lets a stopped tracee go on, with a signal or none (0). */
export function proceed(threadId: number, signal = 0): void {
  ptrace('PTRACE_CONT', threadId, 0n, BigInt(signal));
}

/** Leaves a tracee in its stop of job control, so that SIGCONT ends it. */
export function listen(threadId: number): void {
  ptrace('PTRACE_LISTEN', threadId);
}

/** Has a tracee that stands in a system call go to its end, and stop there; false where it is gone. */
export function leaveSystemCall(threadId: number): boolean {
  for (;;) {
    ptrace('PTRACE_SYSCALL', threadId);
    const stop = nextStop(threadId);
    if (stop === undefined || stop === 'exit') return stop !== undefined;
  }
}

/** Asks a running tracee to stop. */
export function interrupt(threadId: number): void {
  ptrace('PTRACE_INTERRUPT', threadId);
}

/** Lets go of a stopped tracee, with a signal or none. */
export function detach(threadId: number, signal = 0): void {
  ptrace('PTRACE_DETACH', threadId, 0n, BigInt(signal));
}

/** What an event of ptrace(2) is about: the id of a new thread or process, or the one that a thread had before execve(2). */
export function eventMessage(threadId: number): number {
  return ptrace('PTRACE_GETEVENTMSG', threadId, 0n, message.address) < 0
    ? 0
    : Number(message.view.getBigUint64(0, true));
}

/** Why a tracee is about to be given a signal. */
export interface Fault {
  /** si_code: positive where the kernel sends the signal for what the thread has done. */
  readonly code: number;
  /** si_addr: the address that could not be accessed. */
  readonly address: bigint;
}

/** Why a stopped tracee is about to be given a signal; undefined where it is gone. */
export function faultOf(threadId: number): Fault | undefined {
  if (ptrace('PTRACE_GETSIGINFO', threadId, 0n, information.address) < 0) return undefined;
  const { view } = information;
  return {
    code: view.getInt32(SIGINFO.si_code, true),
    address: view.getBigUint64(SIGINFO.si_addr, true),
  };
}

/** The registers of a stopped tracee: one buffer, which holds those that were read last. Undefined where it is gone. */
export function readRegisters(threadId: number): DataView | undefined {
  return ptrace('PTRACE_GETREGS', threadId, 0n, registers.address) < 0 ? undefined : registers.view;
}

/** Gives a stopped tracee the registers in that buffer. */
export function writeRegisters(threadId: number): boolean {
  return ptrace('PTRACE_SETREGS', threadId, 0n, registers.address) === 0;
}

/** The signals that a stopped tracee blocks: bit N - 1 for signal N. Undefined where it is gone. */
export function readSignalMask(threadId: number): bigint | undefined {
  const result = ptrace('PTRACE_GETSIGMASK', threadId, BigInt(SIGSET_SIZE), mask.address);
  return result < 0 ? undefined : mask.view.getBigUint64(0, true);
}

/** Has a stopped tracee block these signals. */
export function writeSignalMask(threadId: number, signals: bigint): void {
  mask.view.setBigUint64(0, signals, true);
  ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), mask.address);
}
