/**
 * The end of a run whose supervisor has had a processor for as long as it may (getrlimit(2): RLIMIT_CPU). The kernel would kill it a
 * second later, and nobody would be told why the program's calls fail from then on.
 *
 * @module
 */
import { childrenOf } from '../linux/proc.js';
import { exitNow } from '../linux/process.js';
import { kill, signalNumbers } from '../linux/signal.js';
import { ownTime, softTime } from '../supervisor/own_limits.js';
import { say } from '../supervisor/standard_error.js';
import { STATUS_FAILED } from './status.js';

/**
 * Ends the run where that signal comes for the supervisor; else it is left to others.
 *
 * @param endOutputs - writes what is left
 */
export function endWithTime(endOutputs: () => void): void {
  const before = softTime();
  process.on('SIGXCPU', () => {
    if (softTime() === before) return;
    for (const child of childrenOf(process.pid)) kill(child, signalNumbers['SIGKILL'] ?? 9);
    const limit = ownTime();
    say(
      `the supervisor has used up the ${limit} s of a processor that it may have (ulimit -Ht), so the run was ended: set the limit ` +
        `within the run, trampfd run -- sh -c 'ulimit -t ${limit}; exec PROGRAM'`,
    );
    endOutputs();
    exitNow(STATUS_FAILED);
  });
}
