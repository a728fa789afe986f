/**
 * Failures of the supervisor itself, that nobody foresaw: what they say, and to whom.
 *
 * @module
 */
import { type Log, printable } from './log.js';
import { say } from './standard_error.js';

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is said on standard error of failures of the supervisor, at most: a program may bring them about again and again. */
const MOST_SAID = 16;
let said = 0;

/** Says to the person who has started the run what has failed, where standard error can be written. */
export function sayFailure(text: string): void {
  said += 1;
  if (said > MOST_SAID) return;
  say(printable(text));
}

/** Has sentences said as failures, and written to a log. */
export function tellTo(log: Log): (sentence: string) => void {
  return (reason) => {
    if (log.enabled) log.write({ event: 'failed', reason });
    sayFailure(reason);
  };
}
