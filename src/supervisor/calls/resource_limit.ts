/**
 * prlimit(2) of another process, where it sets a limit: whoever has the same user may set the supervisor's, so that it could
 * open nothing any more, and all that programs ask for would fail. A limit of the supervisor, or of a process that it has
 * started for itself, is refused; every other is the kernel's to set.
 *
 * Which process is meant stands in a register. A program that has a PID namespace of its own cannot name the supervisor: what
 * has the supervisor's number there is another process (pid_namespaces(7)).
 *
 * @module
 */
import { parentOf, processOf, seccompFilters } from '../../linux/proc.js';
import { isThreadOf } from '../../linux/signal.js';
import { statusField } from '../../linux/status.js';
import { type Answer, type CallContext, int32, letContinue, refuse } from '../call.js';

/** Whether a process is none of the run's: this one, or a child of it without the run's filter. */
function isOurs(id: number): boolean {
  if (isThreadOf(process.pid, id)) return true;
  const processId = processOf(id);
  if (processId === undefined || parentOf(processId) !== process.pid) return false;
  const filters = seccompFilters(processId);
  return filters !== undefined && filters <= (seccompFilters('self') ?? 0);
}

/** Whether numbers of processes mean the same to a thread as to this process; also where that is not told. */
function hasOurNumbers(threadId: number): boolean {
  // Of each namespace from the one of /proc inwards, the number that it has there.
  const depthOf = (id: number | 'self'): number | undefined => statusField(id, 'NSpid')?.trim().split(/\s+/).length;
  const [theirs, ours] = [depthOf(threadId), depthOf('self')];
  return theirs === undefined || ours === undefined || theirs <= ours;
}

export function answerResourceLimit({ notification }: CallContext): Answer {
  const id = int32(notification.arguments[0]);
  return isOurs(id) && hasOurNumbers(notification.threadId)
    ? refuse(
        'EPERM',
        `prlimit would change a limit of the supervisor (process ${id}), which answers all of the run's programs`,
      )
    : letContinue;
}
