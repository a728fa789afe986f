/**
 * sched_getaffinity(2) and sched_setaffinity(2), where trampolines are emulated: a burst of emulated calls keeps a thread
 * on one processor (emulation/burst.ts), and no program is to see or change that. So the burst ends first, and the kernel
 * carries the call out.
 *
 * @module
 */
import { type Answer, type CallContext, letContinue } from '../call.js';
import { isTracing } from '../emulation/shared.js';

export function answerAffinity({ supervision, notification, entry, name }: CallContext): Answer {
  const { emulation } = supervision;
  if (emulation === undefined || !isTracing(emulation.shared)) return letContinue;
  emulation.hand({ kind: 'affinity', notification, entry, name });
  return { kind: 'later' };
}
