/**
 * Error numbers (errno(3); asm-generic/errno-base.h and asm-generic/errno.h), held against the headers by a test.
 *
 * @module
 */

/** The error numbers that trampfd answers with or tells apart. */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EPIPE: 32,
  EMLINK: 31,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ELOOP: 40,
  EUSERS: 87,
  ELIBBAD: 80,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EINPROGRESS: 115,
} as const;

/** Name of an error number, as errno(3) has it. */
export type ErrnoName = keyof typeof errnoNumbers;

/** The name of an error number, or `errno N` for one that trampfd does not name. */
export function errnoName(number: number): string {
  for (const [name, value] of Object.entries(errnoNumbers)) {
    if (value === number) return name;
  }
  return `errno ${number}`;
}
