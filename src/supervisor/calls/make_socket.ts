/**
 * socketcall(2) of i386 where it makes sockets (SYS_SOCKET, SYS_SOCKETPAIR), while their families are judged. Its arguments
 * stand in memory, where another thread could change them after any check. So they are read once, and the caller's thread
 * makes socket(2) or socketpair(2) with them in its registers, where the filter judges them like those of any other program.
 *
 * For that the thread is traced for a moment, as for the old mmap (old_mmap.ts). C libraries of i386 make every socket so.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { SOCKETCALL } from '../../abi/socket.js';
import { readMemory } from '../../linux/memory.js';
import { type Answer, type CallContext, int32, isValid, refuse, stopBehindCall } from '../call.js';

/** The calls that are made in its place, and how many words of arguments each has (net/socket.c of the kernel: nargs). */
const MADE: Readonly<Record<number, { readonly name: 'socket' | 'socketpair'; readonly words: number }>> = {
  [SOCKETCALL.SYS_SOCKET]: { name: 'socket', words: 3 },
  [SOCKETCALL.SYS_SOCKETPAIR]: { name: 'socketpair', words: 4 },
};

export function answerMakeSocket(context: CallContext): Answer {
  const { supervision, notification } = context;
  const [which, address] = notification.arguments;
  const made = MADE[int32(which)];
  if (made === undefined) return refuse('EINVAL', `socketcall(${int32(which)}) makes no socket`);
  const place = BigInt.asUintN(32, address);
  const bytes = readMemory(notification.threadId, place, 4 * made.words);
  if (bytes === undefined)
    return refuse('EFAULT', `the arguments of socketcall at 0x${place.toString(16)} cannot be read`);
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = Array.from({ length: made.words }, (_, index) => BigInt(view.getUint32(4 * index, true)));
  const thread = stopBehindCall(supervision, notification.threadId);
  if (thread === undefined) {
    return refuse(
      'EACCES',
      'the arguments of socketcall stand in memory, and the caller cannot be traced; use socket(2)',
    );
  }
  return {
    kind: 'value',
    // What the program gets where the rest never comes, as when the supervisor is killed right here.
    value: BigInt(-errnoNumbers.EACCES),
    after(isTold) {
      if (!isTold || thread.stopped() === undefined) return thread.release();
      thread.release(thread.call('i386', made.name, values));
    },
  };
}
