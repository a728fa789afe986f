/**
 * userfaultfd(2), and mount(2) and fsconfig(2), by which file systems are made: from then on pages and files of programs may
 * be such that another process delivers (linux/served.ts). The threads of the supervisor are told, and then the kernel
 * carries the call out, whatever it is.
 *
 * @module
 */

import type { Entry, SyscallName } from '../../abi/syscalls.js';
import { USERFAULTFD_IOC_NEW } from '../../abi/userfaultfd.js';
import { prepareApart } from '../../linux/apart_pool.js';
import { notify, type Rule } from '../../policy/rule.js';
import { type Answer, type CallContext, letContinue, type NotifiedCall } from '../call.js';
import { setServed } from '../emulation/shared.js';

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];
const CALLS: readonly SyscallName[] = ['userfaultfd', 'mount', 'fsconfig'];

/** Answers one of them, or the command of /dev/userfaultfd that does the same. */
export function answerServing({ supervision, notification, entry, name }: CallContext): Answer {
  const { emulation, shared } = supervision;
  setServed(shared);
  prepareApart();
  // The tracing thread may be about to read memory as if nobody served it: it lets the call go on when it is not.
  if (emulation?.isStarted !== true) return letContinue;
  emulation.hand({ kind: 'serving', notification, entry, name });
  return { kind: 'later' };
}

export const servePages: NotifiedCall = {
  names: { 'x86-64': CALLS, i386: CALLS },
  rules: () =>
    ENTRIES.flatMap((entry): readonly Rule[] => [
      ...CALLS.map((call): Rule => ({ entry, call, when: [], verdict: notify })),
      { entry, call: 'ioctl', when: [{ argument: 1, is: 'equal', value: USERFAULTFD_IOC_NEW }], verdict: notify },
    ]),
  answer: answerServing,
};
