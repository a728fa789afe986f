/**
 * Capabilities: capabilities(7).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Numbers of capabilities (linux/capability.h). */
export const CAPABILITY = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_BROADCAST: 11,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_IPC_OWNER: 15,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PACCT: 20,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_TIME: 25,
  CAP_SYS_TTY_CONFIG: 26,
  CAP_LEASE: 28,
  CAP_AUDIT_WRITE: 29,
  CAP_SETFCAP: 31,
  CAP_WAKE_ALARM: 35,
  CAP_BLOCK_SUSPEND: 36,
} as const;

/** Capabilities that a run does not keep, and its supervisor needs or asks for (linux/capability.h). */
export const GIVEN_UP = { CAP_SYS_PTRACE: 19, CAP_MKNOD: 27 } as const;

/** Version of the structures of capset(2) that has sets of 64 bits (linux/capability.h). */
export const CAPSET = { _LINUX_CAPABILITY_VERSION_3: 0x20080522 } as const;

/** Bytes of its struct __user_cap_header_struct, and of the two struct __user_cap_data_struct behind it here. */
export const CAPSET_LAYOUT = { data: 8, half: 12, size: 32 } as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/capability.h', CAPABILITY),
  ...listed('linux/capability.h', GIVEN_UP),
  ...listed('linux/capability.h', CAPSET),
];

/** CAP_SYS_ADMIN as a bit of a capability set. */
export const CAP_SYS_ADMIN_BIT: bigint = 1n << BigInt(CAPABILITY.CAP_SYS_ADMIN);
/** CAP_SYS_PTRACE as a bit of a capability set. */
export const CAP_SYS_PTRACE_BIT: bigint = 1n << BigInt(GIVEN_UP.CAP_SYS_PTRACE);
/** CAP_MKNOD as a bit of a capability set. */
export const CAP_MKNOD_BIT: bigint = 1n << BigInt(GIVEN_UP.CAP_MKNOD);

/** CAP_SYS_CHROOT as a bit of a capability set. */
export const CAP_SYS_CHROOT_BIT: bigint = 1n << BigInt(CAPABILITY.CAP_SYS_CHROOT);
