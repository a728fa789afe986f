/**
 * userfaultfd(2), and mount(2) and fsconfig(2), by which file systems are made: from then on pages and files of programs may
 * be such that another process delivers (linux/served.ts). The threads of the supervisor are told, and then the kernel
 * carries the call out, whatever it is.
 *
 * @module
 */
import { prepareApart } from '../../linux/apart_pool.js';
import { type Answer, type CallContext, letContinue } from '../call.js';
import { setServed } from '../emulation/shared.js';

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
