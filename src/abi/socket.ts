/**
 * Constants and layouts of recvmsg(2), cmsg(3) and unix(7).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Options, flags and types (sys/socket.h). */
export const SOCKET = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  AF_CAN: 29,
  AF_TIPC: 30,
  AF_BLUETOOTH: 31,
  AF_ALG: 38,
  AF_VSOCK: 40,
  AF_KCM: 41,
  AF_XDP: 44,
  SOCK_STREAM: 1,
  SOCK_RAW: 3,
  SOL_SOCKET: 1,
  SO_ACCEPTCONN: 30,
  SO_PROTOCOL: 38,
  SO_DOMAIN: 39,
  SO_PEEK_OFF: 42,
  SCM_RIGHTS: 1,
  MSG_PEEK: 2,
  MSG_DONTWAIT: 0x40,
  MSG_CMSG_CLOEXEC: 0x40000000,
} as const;

/** The protocol of AF_NETLINK by which the kernel and udev tell of devices (linux/netlink.h, netlink(7)). */
export const NETLINK = { NETLINK_KOBJECT_UEVENT: 15 } as const;

/** The calls of socketcall(2) whose arguments name a family of sockets (linux/net.h). */
export const SOCKETCALL = { SYS_SOCKET: 1, SYS_SOCKETPAIR: 8 } as const;

/** Byte offsets in struct msghdr of 64-bit programs (bits/socket.h). */
export const MSGHDR = { msg_iov: 16, msg_iovlen: 24, msg_control: 32, msg_controllen: 40, size: 56 } as const;

/** Byte offsets in struct cmsghdr of 64-bit programs; the data follows. */
export const CMSGHDR = { cmsg_len: 0, cmsg_level: 8, cmsg_type: 12, size: 16 } as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('sys/socket.h', SOCKET),
  ...listed('linux/netlink.h', NETLINK),
  ...listed('linux/net.h', SOCKETCALL),
];
