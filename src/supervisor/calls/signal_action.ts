/**
 * rt_sigaction(2) of SIGSEGV, where trampolines are emulated: what is set is noted of a process that is traced, and the
 * kernel carries it out. It may have to be set again when a call was emulated (emulation/signals.ts).
 *
 * @module
 */
import { type Answer, type CallContext, letContinue } from '../call.js';
import { isTracing } from '../emulation/shared.js';

export function answerSignalAction({ supervision, notification, entry, name }: CallContext): Answer {
  const { emulation } = supervision;
  if (emulation === undefined || !isTracing(emulation.shared)) return letContinue;
  emulation.hand({ kind: 'disposition', notification, entry, name });
  return { kind: 'later' };
}
