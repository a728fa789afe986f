/**
 * read(2) and pread(2) on a trampoline of version 1: how it is to be mapped, and its contexts as they were written. So a
 * program can look, before it calls, whether what it will call is what it has set.
 *
 * @module
 */
import { writeMemory } from '../../linux/memory.js';
import { judgeUserRead } from '../../object/user_arguments.js';
import { readContext } from '../../object/user_read.js';
import { type Answer, type CallContext, isValid, refuse } from '../call.js';
import type { UserEntry } from '../tables.js';
import { refuseMemory } from '../unreachable.js';

/** Answers one. `offset` is the argument of pread, or the file position. */
export function answerUserRead(context: CallContext, entry: UserEntry, offset: bigint): Answer {
  const { threadId, arguments: values } = context.notification;
  const [, bufferAddress, count] = values;
  const kind = judgeUserRead({ bufferAddress, count, offset });
  if (typeof kind !== 'string') return refuse(kind.errno, kind.reason);
  const bytes = readContext(entry.object, kind, Number(count));
  if (!isValid(context) || !writeMemory(threadId, bufferAddress, bytes)) {
    return refuseMemory(threadId, bufferAddress, `the buffer at 0x${bufferAddress.toString(16)} cannot be written`);
  }
  return { kind: 'value', value: BigInt(bytes.length) };
}
