/**
 * Constants of open(2), fcntl(2), flock(2), memfd_create(2), statx(2) and the flags of a descriptor.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Commands of fcntl(2) and flags of open(2) (linux/fcntl.h). */
export const FCNTL = {
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_DUPFD_CLOEXEC: 1030,
  F_ADD_SEALS: 1033,
  F_GET_SEALS: 1034,
  F_SEAL_SEAL: 0x0001,
  F_SEAL_SHRINK: 0x0002,
  F_SEAL_GROW: 0x0004,
  F_SEAL_WRITE: 0x0008,
  F_SEAL_FUTURE_WRITE: 0x0010,
  FD_CLOEXEC: 1,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_ACCMODE: 3,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DSYNC: 0o10000,
  O_DIRECT: 0o40000,
  O_LARGEFILE: 0o100000,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_SYNC: 0o4010000,
  O_PATH: 0o10000000,
  O_TMPFILE: 0o20200000,
} as const;

/** Flags of memfd_create(2) (linux/memfd.h). */
export const MEMFD = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_HUGETLB: 4 } as const;

/** MFD_NOEXEC_SEAL of memfd_create(2), from Linux 6.3 (linux/memfd.h there; older headers do not have it). */
export const MFD_NOEXEC_SEAL = 8;

/** MFD_EXEC of memfd_create(2), from Linux 6.3 (linux/memfd.h there). */
export const MFD_EXEC = 0x10;

/** Operations of flock(2) (sys/file.h). */
export const LOCK = { LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8 } as const;

/** Byte offsets of the fields of struct statx that are read here (linux/stat.h). */
export const STATX = {
  stx_mode: 28,
  stx_ino: 32,
  stx_size: 40,
  stx_ctime: 96,
  stx_mtime: 112,
  stx_rdev_major: 128,
  stx_dev_major: 136,
  stx_dev_minor: 140,
  size: 256,
} as const;

/** The kind of a file in its mode (linux/stat.h, inode(7)); objects of the kernel that are no files have none. */
export const FILE_KIND = {
  S_IFMT: 0o170000,
  S_IFSOCK: 0o140000,
  S_IFLNK: 0o120000,
  S_IFREG: 0o100000,
  S_IFBLK: 0o060000,
  S_IFDIR: 0o040000,
  S_IFCHR: 0o020000,
  S_IFIFO: 0o010000,
} as const;

/** Flags of statx(2) (linux/stat.h). */
export const STATX_FLAGS = { STATX_TYPE: 1, STATX_MTIME: 0x40, STATX_INO: 0x100, STATX_SIZE: 0x200 } as const;

/** Flags of the *at calls that statx(2) takes (linux/fcntl.h). */
export const AT = {
  AT_REMOVEDIR: 0x200,
  AT_EMPTY_PATH: 0x1000,
  AT_STATX_DONT_SYNC: 0x4000,
  AT_RECURSIVE: 0x8000,
} as const;

/** The folder of the *at calls that means the working directory, and the address bits of it (linux/fcntl.h). */
export const AT_FDCWD = -100;

/** Every constant above that the headers of Debian 12 have, for the test against them. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/fcntl.h', FCNTL),
  ...listed('linux/memfd.h', MEMFD),
  ...listed('sys/file.h', LOCK),
  ...listed('linux/stat.h', STATX_FLAGS),
  ...listed('linux/stat.h', FILE_KIND),
  ...listed('linux/fcntl.h', AT),
];
