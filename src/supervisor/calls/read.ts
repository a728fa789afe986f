/**
 * read(2) and pread(2): contexts of version 1 can be read; of a table there is nothing.
 *
 * @module
 */
import { judgeRead } from '../../object/write.js';
import { type Answer, type CallContext, int32, letContinue, refuse, unseen } from '../call.js';
import { answerUserRead } from '../user/read.js';
import { filePositionOf } from './on_descriptor.js';

export function answerRead(context: CallContext): Answer {
  const { notification, supervision } = context;
  const entry = supervision.tables.find(notification.threadId, int32(notification.arguments[0]));
  if (entry === 'unseen') return unseen;
  if (entry === undefined) return letContinue;
  if (entry.kind === 'user') {
    const offset = filePositionOf(context);
    if (offset === 'unseen') return unseen;
    if (offset === 'closed') return refuse('EBADF', 'the descriptor was closed during the read');
    return answerUserRead(context, entry, offset);
  }
  return refuse(judgeRead(), 'a trampoline table cannot be read');
}
