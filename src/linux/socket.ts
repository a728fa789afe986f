/**
 * Sockets of ours, and descriptors that wait in the queue of a Unix socket: socket(7), unix(7), recvmsg(2).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { errnoNumbers } from '../abi/errno.js';
import { MAP, PROT } from '../abi/mman.js';
import { CMSGHDR, MSGHDR, SOCKET } from '../abi/socket.js';
import { close } from './descriptor.js';
import { allocate, native, negatedErrno } from './libc.js';

const libcSocket = native('int socket(int, int, int)');
const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMunmap = native('int munmap(int64_t, size_t)');
const libcRecvmsg = native('long recvmsg(int, uint64_t, int)');
const libcGetsockopt = native('int getsockopt(int, int, int, uint64_t, uint64_t)');
const libcSetsockopt = native('int setsockopt(int, int, int, uint64_t, unsigned int)');

const DATA_SIZE = 1 << 20;
/** Room for as many descriptors as one message may carry (253, net/scm.h), with its header. */
const CONTROL_SIZE = 4096;
/** A queue has fewer messages: the limit of the data in it is 8 MiB at most on common systems. */
const MOST_MESSAGES = 65_536;
/** And far fewer without data. */
const MOST_EMPTY = 1024;

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

/** What a socket is (socket(7)). */
export interface SocketKind {
  readonly family: number;
  readonly protocol: number;
  /** Whether it waits for connections. */
  readonly isListening: boolean;
}

/** What a socket is; undefined for what is no open one. */
export function socketKind(socket: number): SocketKind | undefined {
  const family = getOption(socket, SOCKET.SO_DOMAIN);
  if (family === undefined) return undefined;
  const protocol = getOption(socket, SOCKET.SO_PROTOCOL) ?? 0;
  return { family, protocol, isListening: getOption(socket, SOCKET.SO_ACCEPTCONN) === 1 };
}

/** How many descriptors wait in the queue of a Unix socket (/proc/self/fdinfo, Linux 5.6), or undefined where it is not said. */
function countQueued(socket: number): number | undefined {
  try {
    const count = /^scm_fds:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${socket}`, 'latin1'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}

/** What waits in a queue. */
export interface Queued {
  /** Copies of the descriptors, which whoever asks closes. The same one may be there several times. */
  readonly descriptors: readonly number[];
  /** Whether these are all. */
  readonly isAll: boolean;
}

/**
 * The descriptors that wait in a Unix socket's queue, which stays as it is.
 *
 * @param socket - a descriptor; one of anything else has none
 */
export function queuedDescriptors(socket: number): Queued {
  if (getOption(socket, SOCKET.SO_DOMAIN) !== SOCKET.AF_UNIX) return { descriptors: [], isAll: true };
  const expected = countQueued(socket);
  if (expected === 0) return { descriptors: [], isAll: true };
  const before = getOption(socket, SOCKET.SO_PEEK_OFF);
  if (before === undefined) return { descriptors: [], isAll: false };
  // From here on each look goes on where the one before ended.
  setOption(socket, SOCKET.SO_PEEK_OFF, 0);
  const { descriptors, certain } = lookThrough(socket, expected ?? Number.POSITIVE_INFINITY);
  setOption(socket, SOCKET.SO_PEEK_OFF, before);
  return { descriptors, isAll: expected !== undefined && certain >= expected };
}

/**
 * Looks at one message after the other.
 *
 * @param expected - how many descriptors wait
 * @returns copies, and how many of them are different ones for certain
 */
function lookThrough(
  socket: number,
  expected: number,
): { readonly descriptors: readonly number[]; readonly certain: number } {
  const data = allocate(DATA_SIZE);
  const control = allocate(CONTROL_SIZE);
  const vector = allocate(16);
  vector.view.setBigUint64(0, data.address, true);
  vector.view.setBigUint64(8, BigInt(DATA_SIZE), true);
  const message = allocate(MSGHDR.size);
  const descriptors: number[] = [];
  let certain = 0;
  // A message that is longer than a look is seen in several, and what it carries each time.
  let goesOn = false;
  let empty = 0;
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
    descriptors.push(...carried);
    if (!goesOn) certain += carried.length;
    goesOn = count === DATA_SIZE;
    // The next look passes over a message without data; but the end of a stream is seen again and again.
    if (count === 0 && (certain >= expected || ++empty === MOST_EMPTY)) break;
  }
  return { descriptors, certain };
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

const PAGE = 4096;

/**
 * Whether memory of sockets may be mapped executable, such as a packet socket's ring. It is asked of a socket that has none,
 * in some microseconds: a kernel that forbids it says so (EPERM) before it looks for memory (ENODEV). A ring takes
 * milliseconds to make.
 */
export function socketsMayExecute(): boolean {
  const socket = negatedErrno(libcSocket(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM, 0));
  if (socket < 0) return true;
  const protection = PROT.PROT_READ | PROT.PROT_EXEC;
  const address = BigInt(libcMmap(null, PAGE, protection, MAP.MAP_SHARED, socket, 0));
  const refused = address === -1n ? negatedErrno(-1) : 0;
  if (address !== -1n) libcMunmap(address, PAGE);
  close(socket);
  return refused !== -errnoNumbers.EPERM;
}
