/**
 * read(2) and pread(2): contexts of version 1 can be read; of a table there is nothing.
 *
 * @module
 */
import { judgeRead } from '../../object/write.js';
import { int32, letContinue, type NotifiedCall, refuse, unseen } from '../call.js';
import { answerUserRead } from '../user/read.js';
import { type CallNames, descriptorRules, filePositionOf, positionalRules } from './on_descriptor.js';

const names: CallNames = { 'x86-64': ['read', 'pread64'], i386: ['read', 'pread64'] };

export const read: NotifiedCall = {
  names,
  rules: (window) => [...descriptorRules(names, 0)(window), ...positionalRules('pread64')],
  answer(context) {
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
  },
};
