/**
 * mmap(2) of a table: the kernel maps the sealed file itself, in the target, after the arguments were judged. (Of a
 * trampoline of version 1: user/map.ts.)
 *
 * The call is let go on, so the descriptor may be another file by then, if a thread of the target changes it. Nothing
 * depends on that: a mapping of a file that is readable and executable is not refused by any rule, with or without us,
 * and a table's file can hold nothing but traps or the page that was recognised. What such a thread can spoil is its own
 * process's EEXIST.
 *
 * A table's descriptor may have any number: it is received over a socket, or opened again through /proc. So executable
 * mappings of files are looked at whatever the number is, but for those with MAP_DENYWRITE. The dynamic loader of the GNU C
 * library sets that flag, which the kernel ignores, on all that it maps, so that the start of a program costs nothing
 * more; and no legal mapping of a table has it. One that has it, through a number outside of the window, is the kernel's
 * to carry out: the sealed page, without EINVAL.
 *
 * @module
 */
import { mappedInodes } from '../../linux/maps.js';
import { isThreadOf } from '../../linux/signal.js';
import { judgeMap } from '../../object/mapping.js';
import { type Answer, type CallContext, int32, letContinue, loggedCall, refuse, unseen } from '../call.js';
import { answerUserMap } from '../user/map.js';
import { answerView } from './view.js';

/** mmap2(2) counts its offset in these units, whatever the size of a page is. */
const MMAP2_UNIT = 4096n;

export function answerMap(context: CallContext): Answer {
  const { notification, name, supervision } = context;
  const { tables, log } = supervision;
  const [, length, protection, flags, descriptor, offset] = notification.arguments;
  const entry = tables.find(notification.threadId, int32(descriptor));
  if (entry === 'unseen') return unseen;
  if (entry === undefined) return answerView(context) ?? letContinue;
  const bytes = name === 'mmap2' ? offset * MMAP2_UNIT : offset;
  if (entry.kind === 'user') return answerUserMap(context, entry, bytes);

  const sameProcess = isThreadOf(entry.creator, notification.threadId);
  const isMapped = (): boolean => {
    // Before the first mapping that was let through there is none; /proc is asked only afterwards.
    if (!entry.wasMapped || !sameProcess) return false;
    return mappedInodes(notification.threadId, entry.device)?.has(entry.inode) ?? true;
  };
  const errno = judgeMap(
    {
      length,
      protection,
      flags,
      offset: bytes,
      sameProcess,
      alreadyMapped: isMapped(),
    },
    entry.object,
  );
  if (errno === undefined) {
    entry.wasMapped = true;
    if (log.enabled) {
      log.write({ event: 'table-mapped', descriptor: int32(descriptor), ...loggedCall(context) });
    }
    return letContinue;
  }
  return refuse(
    errno,
    errno === 'EEXIST'
      ? 'the table is mapped already; unmap it first, or create another'
      : 'a table is mapped by its creator, both descriptors set, all of its pages from code_offset, with PROT_READ | PROT_EXEC ' +
          `and MAP_PRIVATE (or MAP_SHARED) alone, not length ${length}, protection ${protection}, flags ${flags}, offset ${offset}`,
  );
}
