/**
 * write(2) and pwrite(2) on a trampoline of version 1: a context. What it says counts from the moment of the answer on, in
 * every mapping and for every thread, but for calls that have read the last one already.
 *
 * @module
 */
import { TrampfdError } from '../../error.js';
import { readMemory } from '../../linux/memory.js';
import { contextOf } from '../../object/user.js';
import { judgeUserWrite } from '../../object/user_arguments.js';
import { setContext } from '../../object/user_write.js';
import { type Answer, type CallContext, int32, isValid, loggedCall, refuse } from '../call.js';
import type { UserEntry } from '../tables.js';
import { refuseMemory } from '../unreachable.js';

/** Answers one. `offset` is the argument of pwrite, or the file position. */
export function answerUserWrite(context: CallContext, entry: UserEntry, offset: bigint): Answer {
  const { notification, supervision, entry: callEntry } = context;
  const [descriptor, bufferAddress, count] = notification.arguments;
  const kind = judgeUserWrite({ bufferAddress, count, offset });
  if (typeof kind !== 'string') return refuse(kind.errno, kind.reason);
  // Read once: all that follows is about this copy.
  const bytes = readMemory(notification.threadId, bufferAddress, Number(count));
  if (bytes === undefined) {
    const reason = `the ${kind} context at 0x${bufferAddress.toString(16)} cannot be read`;
    return refuseMemory(notification.threadId, bufferAddress, reason);
  }
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  const result = setContext(entry.object, kind, bytes, callEntry);
  if ('errno' in result) return refuse(result.errno, result.reason);

  const now = contextOf(result.user);
  // Allowed PCs judge register contexts to come; they change no call.
  if (kind !== 'pcs') {
    try {
      entry.file.change(now);
    } catch (error) {
      if (!(error instanceof TrampfdError)) throw error;
      return refuse('EIO', `the context could not be written: ${error.message}`);
    }
  }
  entry.object = result.user;
  const { log } = supervision;
  if (log.enabled) {
    log.write({
      event: 'context-set',
      descriptor: int32(descriptor),
      context: kind,
      registers: now?.registers.map(({ register }) => register) ?? null,
      target: now === undefined ? null : `0x${now.target.toString(16)}`,
      stackBytes: now?.stack?.data.length ?? 0,
      ...loggedCall(context),
    });
  }
  return { kind: 'value', value: count };
}
