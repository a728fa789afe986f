/**
 * Open files that are sent from one process to another: socketpair(2), sendmsg(2), unix(7).
 *
 * @module
 */
import { FCNTL } from '../abi/fcntl.js';
import { CMSGHDR, MSGHDR, SOCKET } from '../abi/socket.js';
import { allocate, native, negatedErrno } from './libc.js';

const libcSocketpair = native('int socketpair(int, int, int, uint64_t)');
const libcRecvmsg = native('long recvmsg(int, uint64_t, int)');
const libcSendmsg = native('long sendmsg(int, uint64_t, int)');

/** Where the parts of a message stand in {@link MESSAGE_SIZE} bytes: its header, its one byte of data, and the descriptor. */
const VECTOR = 64;
const DATA = 80;
const CONTROL = 88;
const CONTROL_SIZE = 24;
export const MESSAGE_SIZE = 112;

const ends = allocate(8);
const message = allocate(MESSAGE_SIZE);

/** Two connected sockets, or a negated error number. */
export function socketPair(): readonly [number, number] | number {
  // SOCK_CLOEXEC is O_CLOEXEC (linux/net.h).
  const result = negatedErrno(libcSocketpair(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM | FCNTL.O_CLOEXEC, 0, ends.address));
  return result < 0 ? result : [ends.view.getInt32(0, true), ends.view.getInt32(4, true)];
}

/** Puts a message of one byte with room for a descriptor into memory that stands at an address, for sendmsg(2) or recvmsg(2). */
export function putMessage(view: DataView, address: bigint): void {
  for (let at = 0; at < MESSAGE_SIZE; at += 8) view.setBigUint64(at, 0n, true);
  view.setBigUint64(MSGHDR.msg_iov, address + BigInt(VECTOR), true);
  view.setBigUint64(MSGHDR.msg_iovlen, 1n, true);
  view.setBigUint64(MSGHDR.msg_control, address + BigInt(CONTROL), true);
  view.setBigUint64(MSGHDR.msg_controllen, BigInt(CONTROL_SIZE), true);
  view.setBigUint64(VECTOR, address + BigInt(DATA), true);
  view.setBigUint64(VECTOR + 8, 1n, true);
}

/** The same with a descriptor in it, to be sent. */
export function putDescriptor(view: DataView, address: bigint, descriptor: number): void {
  putMessage(view, address);
  view.setBigUint64(CONTROL + CMSGHDR.cmsg_len, BigInt(CMSGHDR.size + 4), true);
  view.setInt32(CONTROL + CMSGHDR.cmsg_level, SOCKET.SOL_SOCKET, true);
  view.setInt32(CONTROL + CMSGHDR.cmsg_type, SOCKET.SCM_RIGHTS, true);
  view.setInt32(CONTROL + CMSGHDR.size, descriptor, true);
}

/** Takes a descriptor that was sent; undefined where none was. */
export function receiveDescriptor(socket: number): number | undefined {
  const { view } = message;
  putMessage(view, message.address);
  const flags = SOCKET.MSG_DONTWAIT | SOCKET.MSG_CMSG_CLOEXEC;
  if (Number(libcRecvmsg(socket, message.address, flags)) !== 1) return undefined;
  const isThere = view.getBigUint64(MSGHDR.msg_controllen, true) >= BigInt(CMSGHDR.size + 4);
  return isThere ? view.getInt32(CONTROL + CMSGHDR.size, true) : undefined;
}

/** Sends a descriptor; whether it was sent. */
export function sendDescriptor(socket: number, descriptor: number): boolean {
  putDescriptor(message.view, message.address, descriptor);
  return Number(libcSendmsg(socket, message.address, 0)) === 1;
}
