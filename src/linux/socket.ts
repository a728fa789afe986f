/**
 * Descriptors that wait in the queue of a Unix socket: unix(7), recvmsg(2).
 *
 * @module
 */
import { CMSGHDR, MSGHDR, SOCKET } from '../abi/socket.js';
import { allocate, native } from './libc.js';

const libcRecvmsg = native('long recvmsg(int, uint64_t, int)');
const libcGetsockopt = native('int getsockopt(int, int, int, uint64_t, uint64_t)');
const libcSetsockopt = native('int setsockopt(int, int, int, uint64_t, unsigned int)');

const DATA_SIZE = 65_536;
/** Room for as many descriptors as one message may carry (253, net/scm.h), with its header. */
const CONTROL_SIZE = 4096;
/** A queue has fewer messages: the limit of the data in it is 8 MiB at most on common systems. */
const MOST_MESSAGES = 65_536;

/** A socket's option, or undefined where the descriptor is no socket or has none. */
function getOption(socket: number, option: number): number | undefined {
  const memory = allocate(8);
  memory.view.setUint32(4, 4, true);
  const result = libcGetsockopt(socket, SOCKET.SOL_SOCKET, option, memory.address, memory.address + 4n);
  return result === 0 ? memory.view.getInt32(0, true) : undefined;
}

function setOption(socket: number, option: number, value: number): void {
  const memory = allocate(4);
  memory.view.setInt32(0, value, true);
  libcSetsockopt(socket, SOCKET.SOL_SOCKET, option, memory.address, 4);
}

/**
 * Copies of the descriptors that wait in a Unix socket's queue, which stays as it is. Whoever asks closes them.
 *
 * @param socket - a descriptor; one of anything else has none
 */
export function queuedDescriptors(socket: number): readonly number[] {
  if (getOption(socket, SOCKET.SO_DOMAIN) !== SOCKET.AF_UNIX) return [];
  const before = getOption(socket, SOCKET.SO_PEEK_OFF);
  if (before === undefined) return [];
  const data = allocate(DATA_SIZE);
  const control = allocate(CONTROL_SIZE);
  const vector = allocate(16);
  vector.view.setBigUint64(0, data.address, true);
  vector.view.setBigUint64(8, BigInt(DATA_SIZE), true);
  const message = allocate(MSGHDR.size);
  const found: number[] = [];
  // From here on each look goes on where the one before ended.
  setOption(socket, SOCKET.SO_PEEK_OFF, 0);
  for (let looks = 0; looks < MOST_MESSAGES; looks++) {
    message.bytes.fill(0);
    message.view.setBigUint64(MSGHDR.msg_iov, vector.address, true);
    message.view.setBigUint64(MSGHDR.msg_iovlen, 1n, true);
    message.view.setBigUint64(MSGHDR.msg_control, control.address, true);
    message.view.setBigUint64(MSGHDR.msg_controllen, BigInt(CONTROL_SIZE), true);
    const flags = SOCKET.MSG_PEEK | SOCKET.MSG_DONTWAIT | SOCKET.MSG_CMSG_CLOEXEC;
    const count = Number(libcRecvmsg(socket, message.address, flags));
    if (count < 0) break;
    const carried = descriptorsOf(control.view, Number(message.view.getBigUint64(MSGHDR.msg_controllen, true)));
    found.push(...carried);
    // The end of a stream, or a message without data, behind which no look goes on.
    if (count === 0) break;
  }
  setOption(socket, SOCKET.SO_PEEK_OFF, before);
  return found;
}

/** The descriptors in the control data of a message. */
function descriptorsOf(view: DataView, length: number): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + CMSGHDR.size <= length; ) {
    const size = Number(view.getBigUint64(at + CMSGHDR.cmsg_len, true));
    if (size < CMSGHDR.size) break;
    const isRights =
      view.getInt32(at + CMSGHDR.cmsg_level, true) === SOCKET.SOL_SOCKET &&
      view.getInt32(at + CMSGHDR.cmsg_type, true) === SOCKET.SCM_RIGHTS;
    for (let data = at + CMSGHDR.size; isRights && data + 4 <= at + size; data += 4)
      found.push(view.getInt32(data, true));
    at += (size + 7) & ~7;
  }
  return found;
}
