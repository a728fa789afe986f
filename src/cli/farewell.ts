/**
 * What is written for people while a run lasts and waits for room, and how it ends: what was lost is said, where it can be.
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { type LogTarget, logOutput } from '../supervisor/log.js';
import type { Output } from '../supervisor/output.js';
import { say, standardError } from '../supervisor/standard_error.js';

/** How often it is looked whether there is room, in milliseconds. */
const BETWEEN_LOOKS = 20;

async function follow(output: Output): Promise<never> {
  for (;;) {
    await output.untilKept();
    while (!output.flush()) await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS));
  }
}

/** Writes what waits, whenever there is room, as long as this thread's event loop runs. */
export function followOutputs(log: LogTarget | undefined): void {
  for (const output of [logOutput(log), standardError()]) if (output !== undefined) void follow(output);
}

/** Why events were lost, and what helps. */
function whyLost(errno: number): string {
  switch (errno) {
    case errnoNumbers.EAGAIN:
      return 'its reader does not read, or too slowly; name a file, or have it read';
    case errnoNumbers.EPIPE:
      return 'its reader has ended (EPIPE); name a file, or have it read to the end';
    case errnoNumbers.ENOSPC:
      return 'the disk is full (ENOSPC); make room, or name a file on another one';
    default:
      return `it cannot be written (${errnoName(errno)}); name another file`;
  }
}

/**
 * Writes what is left before this process ends, and says what was lost.
 *
 * @param beforeWaiting - called where a reader is waited for, which is a few seconds at most
 */
export function endOutputs(log: LogTarget | undefined, beforeWaiting: () => void): void {
  const output = logOutput(log);
  output?.drain(beforeWaiting);
  if (output !== undefined && output.lost > 0) {
    const [events, have] = output.lost === 1 ? ['event', 'has'] : ['events', 'have'];
    say(`${output.lost} ${events} of this run ${have} not come into the log: ${whyLost(output.errno)}`);
  }
  standardError().drain(beforeWaiting);
}
