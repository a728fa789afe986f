/**
 * sched_getaffinity(2) and sched_setaffinity(2), where trampolines are emulated: a burst of emulated calls keeps a thread
 * on one processor (emulation/burst.ts), and no program is to see or change that. So the burst ends first, and the kernel
 * carries the call out.
 *
 * @module
 */
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import { notify, type Rule } from '../../policy/rule.js';
import { type Answer, type CallContext, letContinue, type NotifiedCall } from '../call.js';
import { isTracing } from '../emulation/shared.js';

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];
const CALLS: readonly SyscallName[] = ['sched_getaffinity', 'sched_setaffinity'];

function answer({ supervision, notification, entry, name }: CallContext): Answer {
  const { emulation } = supervision;
  if (emulation === undefined || !isTracing(emulation.shared)) return letContinue;
  emulation.hand({ kind: 'affinity', notification, entry, name });
  return { kind: 'later' };
}

export const affinity: NotifiedCall = {
  names: { 'x86-64': CALLS, i386: CALLS },
  rules: () => ENTRIES.flatMap((entry) => CALLS.map((call): Rule => ({ entry, call, when: [], verdict: notify }))),
  answer,
};
