/**
 * Threads that the calling thread traces for as long as they live: ptrace(2) with PTRACE_SEIZE.
 *
 * @module
 */
import { PTRACE_STOP, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { allocate } from './libc.js';
import { Passage } from './passage.js';
import { ptrace, seize } from './ptrace_request.js';

const message = allocate(8);
const registers = allocate(USER_REGS.size);
const mask = allocate(SIGSET_SIZE);

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
 * @returns 0 or a negated error number, EINTR where a thread of its process executes a program
 */
export function follow(threadId: number): number {
  return seize(threadId, FOLLOW);
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
  return new Passage(threadId).go('PTRACE_SYSCALL').kind === 'exit';
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

/** The registers of a stopped tracee, in a buffer that the next read uses anew. Undefined where it is gone. */
export function readRegisters(threadId: number): DataView | undefined {
  return ptrace('PTRACE_GETREGS', threadId, 0n, registers.address) < 0 ? undefined : registers.view;
}

/** Has a stopped tracee block these signals. */
export function writeSignalMask(threadId: number, signals: bigint): void {
  mask.view.setBigUint64(0, signals, true);
  ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), mask.address);
}
