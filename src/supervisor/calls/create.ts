/**
 * trampfd(2): a new table, as number 440 with the address of a struct trampfd_info; or a new trampoline of version 1,
 * with 0 (TRAMPFD_USER) and the address of a struct trampfd_user.
 *
 * The number is process_madvise(2) since Linux 5.10, whose first argument is a small descriptor; an address is never
 * that small. The few negative descriptors that stand for the caller itself (Linux 6.14) stay process_madvise's.
 * A 0 there could be a pidfd only where standard input was closed and a pidfd took its number; such a call is ours all
 * the same.
 *
 * @module
 */
import { writeMemory } from '../../linux/memory.js';
import { processOf } from '../../linux/proc.js';
import { createTable, encodeInfo, infoOf } from '../../object/table.js';
import { type Answer, type CallContext, isValid, loggedCall, refuse } from '../call.js';
import { newDescriptor } from '../new_descriptor.js';
import { UnsealedFile } from '../sealed_file.js';
import { refuseMemory } from '../unreachable.js';
import { answerUserCreate } from '../user/create.js';

export function answerCreate(context: CallContext): Answer {
  const { notification, entry, supervision } = context;
  const { tables, pageSize, log } = supervision;
  const { threadId } = notification;
  const [address] = notification.arguments;
  if (address === 0n) return answerUserCreate(context);
  const creator = processOf(threadId);
  if (creator === undefined) return refuse('EACCES', 'the calling process cannot be found in /proc');
  const object = createTable(entry, pageSize);
  return newDescriptor(context, {
    make: (gone) => UnsealedFile.create(entry, pageSize, gone),
    prepare: () =>
      isValid(context) && writeMemory(threadId, address, encodeInfo(infoOf(object)))
        ? undefined
        : refuseMemory(
            threadId,
            address,
            'the address of struct trampfd_info cannot be written; give the address of one',
          ),
    adopt(file, descriptor) {
      tables.adopt(file, object, creator);
      if (log.enabled) log.write({ event: 'table-created', descriptor, ...loggedCall(context) });
    },
  });
}
