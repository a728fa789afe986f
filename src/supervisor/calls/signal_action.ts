/**
 * rt_sigaction(2) of SIGSEGV, where trampolines are emulated: what is set is noted of a process that is traced, and the
 * kernel carries it out. It may have to be set again when a call was emulated (emulation/signals.ts).
 *
 * @module
 */
import type { Entry } from '../../abi/syscalls.js';
import { signalNumbers } from '../../linux/signal.js';
import { notify, type Rule } from '../../policy/rule.js';
import { type Answer, type CallContext, letContinue, type NotifiedCall } from '../call.js';
import { isTracing } from '../emulation/shared.js';

/** What the supervisor puts into an argument that the call does not have, so that its own are not notified. */
export const RESTORING = 0x74726170;

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

function answer({ supervision, notification, entry, name }: CallContext): Answer {
  const { emulation } = supervision;
  if (emulation === undefined || !isTracing(emulation.shared)) return letContinue;
  emulation.hand({ kind: 'disposition', notification, entry, name });
  return { kind: 'later' };
}

export const signalAction: NotifiedCall = {
  names: { 'x86-64': ['rt_sigaction'], i386: ['rt_sigaction'] },
  rules: () =>
    ENTRIES.map(
      (entry): Rule => ({
        entry,
        call: 'rt_sigaction',
        when: [
          { argument: 0, is: 'equal', value: signalNumbers['SIGSEGV'] ?? 11 },
          { argument: 1, is: 'any-bit', mask: 0xffffffff },
          { argument: 4, is: 'not-equal', value: RESTORING },
        ],
        verdict: notify,
      }),
    ),
  answer,
};
