/**
 * Processes that the supervisor has to end, as it has lost hold of a thread of theirs, and what is said of them.
 *
 * @module
 */
import { commandName, processOf } from './proc.js';
import { kill, signalNumbers } from './signal.js';

let tell: (sentence: string) => void = () => undefined;

/** Has each sentence told to somebody: one for each thread of the supervisor. */
export function tellOfLost(to: (sentence: string) => void): void {
  tell = to;
}

/** `NAME[PROCESS]`, of a thread's process. */
export function nameOf(threadId: number): string {
  return `${commandName(threadId)}[${processOf(threadId) ?? threadId}]`;
}

/**
 * Ends the process of a thread (SIGKILL), and says why. Nobody waits for its end here: one that sleeps in the kernel may
 * take long.
 */
export function endLost(threadId: number, why: string): void {
  const processId = processOf(threadId) ?? threadId;
  const who = nameOf(threadId);
  if (processId !== process.pid) kill(processId, signalNumbers['SIGKILL'] ?? 9);
  tell(`${who} was ended: ${why}`);
}

/** Processes of which something was said that could not be done: it is said once, for it comes again and again. */
const undone = new Set<number>();
const MOST_UNDONE = 1024;

/** Says what could not be done with a thread, which goes on as it was. */
export function sayUndone(threadId: number, what: string): void {
  const processId = processOf(threadId) ?? threadId;
  if (undone.has(processId)) return;
  if (undone.size >= MOST_UNDONE) undone.clear();
  undone.add(processId);
  tell(`${nameOf(threadId)}: ${what}`);
}
