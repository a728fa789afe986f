/**
 * Ends, stops and continuations of children: waitpid(2).
 *
 * @module
 */
import { CLD_STOPPED, CLD_TRAPPED, SIGINFO, WAIT } from '../abi/process.js';
import { PTRACE_STOP } from '../abi/ptrace.js';
import { allocate, native } from './libc.js';
import { parentOf } from './proc.js';

const libcWaitpid = native('int waitpid(int, uint64_t, int)');
const libcWaitid = native('int waitid(int, int, uint64_t, int)');
const status = allocate(4);
const information = allocate(SIGINFO.size);

/** What happened to a child. */
export type ChildChange =
  | { readonly kind: 'exited'; readonly processId: number; readonly status: number }
  | { readonly kind: 'killed'; readonly processId: number; readonly signal: number }
  | { readonly kind: 'stopped'; readonly processId: number; readonly signal: number }
  | { readonly kind: 'continued'; readonly processId: number }
  /** A stop that is between a tracer and the child, where this process is the tracer (ptrace(2)). */
  | { readonly kind: 'traced'; readonly processId: number };

/** Decodes a status of wait(2) (the macros WIFEXITED and on, sys/wait.h). */
export function decodeStatus(processId: number, value: number): ChildChange {
  if (value === 0xffff) return { kind: 'continued', processId };
  // Events stand above the signal, and PTRACE_O_TRACESYSGOOD marks the stops of system calls.
  if ((value & 0xff) === 0x7f && value >> 15 !== 0) return { kind: 'traced', processId };
  if ((value & 0xff) === 0x7f) return { kind: 'stopped', processId, signal: (value >> 8) & 0xff };
  if ((value & 0x7f) === 0) return { kind: 'exited', processId, status: (value >> 8) & 0xff };
  return { kind: 'killed', processId, signal: value & 0x7f };
}

/**
 * The next change that was not told yet, or undefined where there is none now.
 *
 * @param child - the child that is asked for; without it, any. Of a child's stops between it and a tracer in this process
 * only that tracer is told, where the child is named: whoever asks for any takes them as well, and must say so to no one.
 */
export function nextChildChange(child = -1): ChildChange | undefined {
  if (child > 0 && isTrapped(child)) return undefined;
  const processId = Number(libcWaitpid(child, status.address, WAIT.WNOHANG | WAIT.WUNTRACED | WAIT.WCONTINUED));
  return processId > 0 ? decodeStatus(processId, status.view.getInt32(0, true)) : undefined;
}

/** Whether a child stands in a stop between it and its tracer, which is left for that to be told. */
function isTrapped(child: number): boolean {
  return codeOfChange(child, WAIT.WSTOPPED | WAIT.WNOWAIT) === CLD_TRAPPED;
}

/** What a tracer is told of a thread. */
export type TraceeChange =
  /** Nothing new. */
  | 'none'
  /** It has come to a stop. */
  | 'stopped'
  /** It has ended, and is gone. Another thread of its process, which wants to execute a program, may wait for that. */
  | 'ended'
  /** No thread that the calling one traces has this id: execve(2) gives a thread the id of its process. */
  | 'unknown';

/**
 * What is new of a thread that the calling one traces. Unlike a request of ptrace(2), which sleeps in the kernel while the
 * thread is about to stop, this never waits. And where a thread has taken the id of another by execve(2), the kernel obeys
 * no request before its stop was told (ptrace.c: looks_like_a_spurious_pid).
 *
 * @param isFirst - whether it is its process's first one, whose end is left for who waits for the process
 */
export function traceeChange(threadId: number, isFirst: boolean): TraceeChange {
  const code = codeOfChange(threadId, isFirst ? WAIT.WSTOPPED : WAIT.WSTOPPED | WAIT.WEXITED);
  if (code === undefined) return 'unknown';
  if (code === 0) return 'none';
  return code === CLD_TRAPPED || code === CLD_STOPPED ? 'stopped' : 'ended';
}

/**
 * Takes the end of a process that was killed, as its tracer, so that its parent is told. A child of this process is left
 * for whoever waits for it here.
 *
 * @returns false where it has a thread whose end was not told yet
 */
export function reapTracee(processId: number): boolean {
  return parentOf(processId) === process.pid || Number(libcWaitpid(processId, 0n, WAIT.WNOHANG | WAIT.__WALL)) !== 0;
}

/**
 * Takes the end of a thread that the calling one traces, where it has ended: else it stays, and with it its process, whose
 * parent is not told. A child of this process is left for whoever waits for it here.
 *
 * @param processId - the process that it is of
 * @returns whether nothing of it is left to be taken
 */
export function takeEnd(threadId: number, processId: number): boolean {
  if (threadId === processId && parentOf(processId) === process.pid) return true;
  return Number(libcWaitpid(threadId, 0n, WAIT.__WALL | WAIT.WNOHANG)) !== 0;
}

/** Whether a thread that is traced by the calling one stands in a stop of PTRACE_EVENT_EXEC that was not told yet. */
export function hasExecuteStop(threadId: number): boolean {
  if (codeOfChange(threadId, WAIT.WSTOPPED | WAIT.WNOWAIT) !== CLD_TRAPPED) return false;
  return information.view.getInt32(SIGINFO.si_status, true) >> 8 === PTRACE_STOP.PTRACE_EVENT_EXEC;
}

/** The code of a thread's change, 0 for none, undefined for one that is not known; with WNOWAIT it is told again. */
function codeOfChange(threadId: number, flags: number): number | undefined {
  information.view.setInt32(SIGINFO.si_code, 0, true);
  const options = WAIT.WNOHANG | WAIT.__WALL | flags;
  const result = libcWaitid(WAIT.P_PID, threadId, information.address, options);
  return result === 0 ? information.view.getInt32(SIGINFO.si_code, true) : undefined;
}
