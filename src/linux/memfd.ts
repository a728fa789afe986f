/**
 * Sealed memory files: memfd_create(2), ftruncate(2), fallocate(2), and the seals of fcntl(2).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL, MEMFD, MFD_NOEXEC_SEAL } from '../abi/fcntl.js';
import { close, fcntl } from './descriptor.js';
import { native, negatedErrno } from './libc.js';

const libcMemfdCreate = native('int memfd_create(const char *, unsigned int)');
const libcFtruncate = native('int ftruncate(int, long)');
const libcFallocate = native('int fallocate(int, int, int64_t, int64_t)');

/**
 * Creates a memory file of a size, close-on-exec, that seals may be added to. It is not executable as a program where
 * the kernel can say so (Linux 6.3; `vm.memfd_noexec` may demand it).
 *
 * @param name - shown in /proc as `/memfd:NAME`
 * @param size - bytes
 * @returns a descriptor, or a negated error number
 */
export function createMemoryFile(name: string, size: number): number {
  const flags = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING;
  let descriptor = negatedErrno(libcMemfdCreate(name, flags | MFD_NOEXEC_SEAL));
  if (descriptor === -errnoNumbers.EINVAL) descriptor = negatedErrno(libcMemfdCreate(name, flags));
  if (descriptor < 0) return descriptor;
  const sized = negatedErrno(libcFtruncate(descriptor, size));
  if (sized < 0) {
    close(descriptor);
    return sized;
  }
  return descriptor;
}

/**
 * Makes a memory file at least as large as `size` bytes, zeros behind what it has, with all memory for it. So where there
 * is none this fails, and not a later write to a mapping, by a signal. It takes what it is asked for: the caller bounds
 * `size`.
 *
 * @returns 0 or a negated error number; then the file is as large as it was
 */
export function growMemoryFile(descriptor: number, size: number): number {
  let result: number;
  do result = negatedErrno(libcFallocate(descriptor, 0, 0, size));
  while (result === -errnoNumbers.EINTR);
  return result;
}

/** Adds seals: 0 or a negated error number. */
export function addSeals(descriptor: number, seals: number): number {
  return fcntl(descriptor, FCNTL.F_ADD_SEALS, seals);
}

/** The seals of a memory file, or a negated error number. */
export function getSeals(descriptor: number): number {
  return fcntl(descriptor, FCNTL.F_GET_SEALS, 0);
}
