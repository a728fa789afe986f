/**
 * Ends, stops and continuations of children: waitpid(2).
 *
 * @module
 */
import { WAIT } from '../abi/process.js';
import { allocate, native } from './libc.js';

const libcWaitpid = native('int waitpid(int, uint64_t, int)');
const status = allocate(4);

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

/** The next change of any child that was not told yet, or undefined where there is none now. */
export function nextChildChange(): ChildChange | undefined {
  const processId = Number(libcWaitpid(-1, status.address, WAIT.WNOHANG | WAIT.WUNTRACED | WAIT.WCONTINUED));
  return processId > 0 ? decodeStatus(processId, status.view.getInt32(0, true)) : undefined;
}
