/**
 * read(2) and pread(2) on a table: there is nothing to be read.
 *
 * @module
 */
import { judgeRead } from '../../object/write.js';
import { int32, letContinue, type NotifiedCall, refuse, unseen } from '../call.js';
import { type CallNames, descriptorRules, positionalRules } from './on_descriptor.js';

const names: CallNames = { 'x86-64': ['read', 'pread64'], i386: ['read', 'pread64'] };

export const read: NotifiedCall = {
  names,
  rules: (window) => [...descriptorRules(names, 0)(window), ...positionalRules('pread64')],
  answer({ notification, supervision: { tables } }) {
    const entry = tables.find(notification.threadId, int32(notification.arguments[0]));
    if (entry === 'unseen') return unseen;
    if (entry === undefined) return letContinue;
    return refuse(judgeRead(), 'a trampoline table cannot be read');
  },
};
