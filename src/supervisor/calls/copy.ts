/**
 * dup(2), dup2(2), dup3(2) and fcntl(2) F_DUPFD on a table, or a trampoline of version 1: a copy gets a number in the
 * window as well, so that what is done with it is seen. A number outside that a program demands is EBADF, as a number
 * above the limit is.
 *
 * The copy is of the same open file, as the kernel's own would be: both share the file position.
 *
 * @module
 */
import { FCNTL } from '../../abi/fcntl.js';
import { close, type FileIdentity } from '../../linux/descriptor.js';
import { type Answer, type CallContext, int32, isValid, letContinue, refuse, unseen } from '../call.js';
import type { TableEntry, UserEntry } from '../tables.js';
import { takeDescriptor } from '../take_descriptor.js';
import { isInside } from '../window.js';

/** What a copy is asked to be. */
interface CopyRequest {
  /** The number demanded, or the lowest that will do. */
  readonly number: { readonly exactly: number } | { readonly atLeast: number };
  readonly closeOnExec: boolean;
}

/** What the call asks for; undefined where it is not a copy to be made, but an error or nothing at all: the kernel's. */
function requestOf({ notification, name }: CallContext): CopyRequest | undefined {
  const [from, second, third] = notification.arguments.map(int32) as [number, number, number];
  switch (name) {
    case 'dup':
      return { number: { atLeast: 0 }, closeOnExec: false };
    case 'dup2':
      return second === from ? undefined : { number: { exactly: second }, closeOnExec: false };
    case 'dup3':
      if (second === from || (third & ~FCNTL.O_CLOEXEC) !== 0) return undefined;
      return { number: { exactly: second }, closeOnExec: third !== 0 };
    default:
      return { number: { atLeast: third }, closeOnExec: second === FCNTL.F_DUPFD_CLOEXEC };
  }
}

/** Whether a descriptor is of a table's file. */
function isOf({ inode, device }: FileIdentity, entry: TableEntry | UserEntry): boolean {
  return inode === entry.inode && device === entry.device;
}

export function answerCopy(context: CallContext): Answer {
  const { notification, supervision } = context;
  const { tables, window, numbers } = supervision;
  const { threadId } = notification;
  const descriptor = int32(notification.arguments[0]);
  const entry = tables.find(threadId, descriptor);
  if (entry === 'unseen') return unseen;
  const request = requestOf(context);
  if (entry === undefined || request === undefined) return letContinue;

  let number: number | 'EMFILE' | 'EACCES';
  if ('exactly' in request.number) {
    number = request.number.exactly;
    if (!isInside(window, number)) {
      return refuse(
        'EBADF',
        `a copy of a table's descriptor cannot have number ${number}; give one from ${window.from} to ${window.below - 1}, or use dup`,
      );
    }
  } else if (request.number.atLeast >= window.below) {
    return refuse(
      'EINVAL',
      `a copy cannot have a number of at least ${request.number.atLeast}; the highest is ${window.below - 1}`,
    );
  } else {
    number = numbers.choose(threadId, request.number.atLeast);
  }
  if (typeof number === 'string') return refuse(number, 'no number is free for a copy of a table');
  const source = takeDescriptor(threadId, descriptor, (taken) => isOf(taken, entry));
  if (source === undefined || !isValid(context)) {
    if (source !== undefined) close(source);
    return refuse('EBADF', 'the descriptor was closed while it was being copied');
  }
  return {
    kind: 'descriptor',
    source,
    number,
    closeOnExec: request.closeOnExec,
    aboveLimit: 'exactly' in request.number ? 'EBADF' : 'EMFILE',
    settle: () => void close(source),
  };
}
