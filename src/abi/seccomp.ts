/**
 * Constants and structure layouts of seccomp(2) and seccomp_unotify(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Operations and flags of seccomp(2) (linux/seccomp.h). */
export const SECCOMP = {
  SECCOMP_SET_MODE_FILTER: 1,
  SECCOMP_GET_ACTION_AVAIL: 2,
  SECCOMP_GET_NOTIF_SIZES: 3,
  SECCOMP_FILTER_FLAG_LOG: 0x2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 0x4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 0x8,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
  SECCOMP_RET_ERRNO: 0x00050000,
  SECCOMP_RET_USER_NOTIF: 0x7fc00000,
  SECCOMP_RET_ALLOW: 0x7fff0000,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE: 0x1,
  SECCOMP_ADDFD_FLAG_SETFD: 0x1,
  SECCOMP_ADDFD_FLAG_SEND: 0x2,
} as const;

/** Flag of SECCOMP_IOCTL_NOTIF_SET_FLAGS, from Linux 6.6 (linux/seccomp.h there; older headers do not have it). */
export const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 0x1;

/** ioctl(2) requests of a listener (linux/seccomp.h). */
export const SECCOMP_IOCTL = {
  SECCOMP_IOCTL_NOTIF_RECV: 0xc0502100,
  SECCOMP_IOCTL_NOTIF_SEND: 0xc0182101,
  SECCOMP_IOCTL_NOTIF_ID_VALID: 0x40082102,
  SECCOMP_IOCTL_NOTIF_ADDFD: 0x40182103,
} as const;

/** ioctl(2) request that sets a listener's flags, from Linux 6.6 (linux/seccomp.h there). */
export const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;

/** ID_VALID as kernels before 5.9 numbered it: the direction bits were wrong there, and both are accepted since. */
export const SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR = 0x80082102;

/** Values of seccomp_data.arch (linux/audit.h). */
export const AUDIT_ARCH = {
  AUDIT_ARCH_X86_64: 0xc000003e,
  AUDIT_ARCH_I386: 0x40000003,
} as const;

/** Bit of seccomp_data.arch that says that registers have 64 bits (linux/audit.h: __AUDIT_ARCH_64BIT). */
export const AUDIT_ARCH_64BIT = 0x80000000;

/** Bit that marks a number as one of the x32 interface (asm/unistd.h: __X32_SYSCALL_BIT). */
export const X32_SYSCALL_BIT = 0x40000000;

/** Byte offsets in struct seccomp_data, which a filter loads from (linux/seccomp.h). */
export const SECCOMP_DATA = { nr: 0, arch: 4, instruction_pointer: 8, args: 16 } as const;

/** Byte offsets in struct seccomp_notif; `data` holds a struct seccomp_data. */
export const SECCOMP_NOTIF = { id: 0, pid: 8, flags: 12, data: 16, size: 80 } as const;

/** Byte offsets in struct seccomp_notif_resp. */
export const SECCOMP_NOTIF_RESP = { id: 0, val: 8, error: 16, flags: 20, size: 24 } as const;

/** Byte offsets in struct seccomp_notif_addfd. */
export const SECCOMP_NOTIF_ADDFD = { id: 0, flags: 8, srcfd: 12, newfd: 16, newfd_flags: 20, size: 24 } as const;

/** Byte offsets in struct seccomp_notif_sizes (three 16-bit fields). */
export const SECCOMP_NOTIF_SIZES = { seccomp_notif: 0, seccomp_notif_resp: 2, seccomp_data: 4, size: 6 } as const;

/** Every constant above that the headers of Debian 12 have, for the test against them. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/seccomp.h', SECCOMP),
  ...listed('linux/seccomp.h', SECCOMP_IOCTL),
  ...listed('linux/audit.h', AUDIT_ARCH),
];
