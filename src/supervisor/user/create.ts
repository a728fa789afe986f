/**
 * trampfd(2) of version 1: a new trampoline, as number 440 with TRAMPFD_USER, the address of a struct trampfd_user, and
 * flags.
 *
 * @module
 */
import { TRAMPFD_USER_STRUCTURE } from '../../abi/trampfd_user.js';
import { readMemory } from '../../linux/memory.js';
import { createUser, judgeUserCreate } from '../../object/user.js';
import { type Answer, type CallContext, isValid, loggedCall, refuse } from '../call.js';
import { ContextFile } from '../context_file.js';
import { newDescriptor } from '../new_descriptor.js';
import { refuseMemory } from '../unreachable.js';

/** Answers one. */
export function answerUserCreate(context: CallContext): Answer {
  const { notification, entry, supervision } = context;
  const { tables, pageSize, log } = supervision;
  const [, address, flags] = notification.arguments;
  const refusal = judgeUserCreate(flags);
  if (refusal !== undefined) return refuse(refusal.errno, refusal.reason);
  const bytes = readMemory(notification.threadId, address, TRAMPFD_USER_STRUCTURE.sizeof);
  if (bytes === undefined) {
    return refuseMemory(
      notification.threadId,
      address,
      `the struct trampfd_user at 0x${address.toString(16)} cannot be read; give the address of one`,
    );
  }
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  const created = createUser(bytes, entry, pageSize);
  if ('errno' in created) return refuse(created.errno, created.reason);
  return newDescriptor(context, {
    make: (gone) => ContextFile.create(entry, pageSize, gone),
    prepare: () => undefined,
    adopt(file, descriptor) {
      tables.adoptUser(file, created.user);
      if (log.enabled) log.write({ event: 'trampoline-created', descriptor, ...loggedCall(context) });
    },
  });
}
