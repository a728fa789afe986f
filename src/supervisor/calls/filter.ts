/**
 * seccomp(2) and prctl(2) with PR_SET_SECCOMP, where trampolines are emulated: a program that gives up calls by a filter
 * of its own. Pages of trampolines run at native speed in the supervisor's pages, and are put back when the program writes
 * to them, by calls that its thread is made to make: the new filter may forbid those, or kill for them. So they are put
 * back before, and the process stays with emulation (emulation/late_filter.ts). The kernel carries the call out. (Strict
 * mode, which takes all calls away, cannot be entered where there is a filter already.)
 *
 * @module
 */
import { type Answer, type CallContext, letContinue } from '../call.js';
import { isTracing } from '../emulation/shared.js';

/** Whether a call asks for a filter at no address: programs ask so what the kernel knows, and it fails. */
function isQuestion({ notification }: CallContext): boolean {
  return notification.arguments[2] === 0n;
}

export function answerFilter(context: CallContext): Answer {
  const { supervision, notification, entry, name } = context;
  const { emulation } = supervision;
  if (emulation === undefined || !isTracing(emulation.shared) || isQuestion(context)) return letContinue;
  emulation.hand({ kind: 'filter', notification, entry, name });
  return { kind: 'later' };
}
