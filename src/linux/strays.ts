/**
 * Threads that the calling one traces, and that are to be let go: at once where they stand, else when they have ended.
 *
 * One that was killed may sleep in the kernel for long before it ends, and a process's first thread that has ended stays
 * until all others have. Nobody waits for either. Its parent is told of an end only when the tracer has taken it, so it is
 * looked for again.
 *
 * @module
 */
import { hasEnded, processOf } from './proc.js';
import { pause, ptrace, yieldProcessor } from './ptrace_request.js';
import { isReplaced } from './stops.js';
import { takeEnd } from './wait.js';

/** Threads that could not be let go yet, and the process that each is of. */
const strays = new Map<number, number>();

/** How often a thread is asked at once, and then with how long a pause, in microseconds. */
const ASKED_AT_ONCE = 64;
const ASKED = 128;
const PAUSE = 100;

/** Lets a thread go; whether nothing of it is left to be done. */
function tryToLetGo(threadId: number, processId: number): boolean {
  if (ptrace('PTRACE_DETACH', threadId) >= 0) return true;
  return hasEnded(threadId) ? takeEnd(threadId, processId) : isReplaced(threadId);
}

/** Lets go of a thread: now, or as soon as that can be (see {@link lookForStrays}). */
export function letGo(threadId: number): void {
  const processId = processOf(threadId) ?? threadId;
  for (let asked = 1; asked <= ASKED; asked++) {
    if (tryToLetGo(threadId, processId)) return;
    if (asked <= ASKED_AT_ONCE) yieldProcessor();
    else pause(PAUSE);
  }
  strays.set(threadId, processId);
}

/** Whether some thread has yet to be let go. */
export function areStrays(): boolean {
  return strays.size > 0;
}

/** Lets those go that could not be before. */
export function lookForStrays(): void {
  for (const [threadId, processId] of strays) if (tryToLetGo(threadId, processId)) strays.delete(threadId);
}
