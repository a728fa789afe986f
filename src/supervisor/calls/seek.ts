/**
 * lseek(2) and i386's _llseek(2): to one of the offsets that an object has, from the start.
 *
 * The position itself stays the kernel's, so that copies of a descriptor share it as copies do. The call is let go on
 * after registers alone were judged; whatever file it then meets, it is an lseek that anyone may make.
 *
 * @module
 */
import { judgeUserSeek } from '../../object/user_arguments.js';
import { judgeSeek } from '../../object/write.js';
import { type Answer, type CallContext, int32, letContinue, refuse, unseen } from '../call.js';

/** Offset and whence: _llseek has the offset in two halves, the upper first, and whence behind the result's address. */
function parameters({ notification, entry, name }: CallContext): { offset: bigint; whence: bigint } {
  const [, first, second, , fourth] = notification.arguments;
  if (name === '_llseek') {
    return {
      offset: BigInt.asIntN(64, (BigInt.asUintN(32, first) << 32n) | BigInt.asUintN(32, second)),
      whence: fourth,
    };
  }
  return { offset: BigInt.asIntN(entry === 'i386' ? 32 : 64, first), whence: second };
}

export function answerSeek(context: CallContext): Answer {
  const { notification, supervision } = context;
  const entry = supervision.tables.find(notification.threadId, int32(notification.arguments[0]));
  if (entry === 'unseen') return unseen;
  if (entry === undefined) return letContinue;
  const { offset, whence } = parameters(context);
  if (entry.kind === 'user') {
    const refusal = judgeUserSeek(whence, offset);
    return refusal === undefined ? letContinue : refuse(refusal.errno, refusal.reason);
  }
  const errno = judgeSeek(whence, offset);
  if (errno === undefined) return letContinue;
  return refuse(
    errno,
    `a seek to ${offset} with whence ${whence}; a table has the offsets 0, 1 and 65536 from SEEK_SET`,
  );
}
