/**
 * Writing without waiting for a reader: write(2), send(2), pwritev2(2), poll(2).
 *
 * Standard error and a log are often pipes that others have as well, so they cannot be made non-blocking: that flag belongs
 * to the open file (fcntl(2)). A pipe or a terminal is therefore opened once more through /proc, for an open file of our own;
 * a socket is asked for each time; what can neither be opened again nor asked is looked at first, and then written in
 * parts that a pipe with room takes at once (pipe(7): PIPE_BUF). Files are written as ever.
 *
 * @module
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { errnoNumbers } from '../abi/errno.js';
import { POLL } from '../abi/process.js';
import { isTerminal } from './descriptor.js';
import { allocate, native, negatedErrno } from './libc.js';

const libcWrite = native('long write(int, const void *, size_t)');
const libcSend = native('long send(int, const void *, size_t, int)');
const libcPwritev2 = native('long pwritev2(int, uint64_t, int, long, int)');
const libcPoll = native('int poll(uint64_t, unsigned long, int)');

/** Flags of send(2) (linux/socket.h) and of pwritev2(2) (linux/fs.h). */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const RWF_NOWAIT = 0x8;

/** What a pipe takes whole, where it takes anything (linux/limits.h). */
const PIPE_BUF = 4096;

/** Ways to write, by number, as threads tell each other. */
export const WRITE_WAY = { none: 0, plain: 1, socket: 2, asking: 3 } as const;

/** How something is written to without waiting. */
export interface WriteWay {
  readonly way: (typeof WRITE_WAY)[keyof typeof WRITE_WAY];
  readonly descriptor: number;
}

/** Finds a way for a descriptor. A new descriptor may be opened, which is closed on execve. */
export function findWriteWay(descriptor: number): WriteWay {
  try {
    const status = fstatSync(descriptor);
    if (status.isSocket()) return { way: WRITE_WAY.socket, descriptor };
    if (!status.isFIFO() && !isTerminal(descriptor)) return { way: WRITE_WAY.plain, descriptor };
    const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
    const own = openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
    return { way: WRITE_WAY.plain, descriptor: own };
  } catch {
    // It is another user's, its reader has ended, or there is no descriptor left.
    return { way: WRITE_WAY.asking, descriptor };
  }
}

const scratch = allocate(PIPE_BUF);
/** A struct iovec, and a struct pollfd. */
const vector = allocate(16);
const record = allocate(8);

/** Writes a part to what others may fill meanwhile. */
function writeAsking(descriptor: number, bytes: Uint8Array): number {
  const length = Math.min(bytes.length, PIPE_BUF);
  scratch.bytes.set(bytes.subarray(0, length));
  vector.view.setBigUint64(0, scratch.address, true);
  vector.view.setBigUint64(8, BigInt(length), true);
  const result = negatedErrno(libcPwritev2(descriptor, vector.address, 1, -1, RWF_NOWAIT));
  if (result !== -errnoNumbers.EOPNOTSUPP && result !== -errnoNumbers.ENOSYS) return result;
  record.view.setInt32(0, descriptor, true);
  record.view.setUint32(4, POLL.POLLOUT, true);
  if (Number(libcPoll(record.address, 1, 0)) < 1) return -errnoNumbers.EAGAIN;
  return negatedErrno(libcWrite(descriptor, bytes, length));
}

/**
 * Writes what can be written now.
 *
 * @returns how many bytes were, or a negated error number: EAGAIN where none can be now
 */
export function writeNow({ way, descriptor }: WriteWay, bytes: Uint8Array): number {
  for (;;) {
    let result: number;
    if (way === WRITE_WAY.socket) {
      result = negatedErrno(libcSend(descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL));
    } else if (way === WRITE_WAY.asking) result = writeAsking(descriptor, bytes);
    else result = negatedErrno(libcWrite(descriptor, bytes, bytes.length));
    if (result !== -errnoNumbers.EINTR) return result;
  }
}
