/**
 * Sealed memory files: memfd_create(2), ftruncate(2), and the seals of fcntl(2).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL, MEMFD, MFD_NOEXEC_SEAL } from '../abi/fcntl.js';
import { close, fcntl } from './descriptor.js';
import { native, negatedErrno } from './libc.js';

const libcMemfdCreate = native('int memfd_create(const char *, unsigned int)');
const libcFtruncate = native('int ftruncate(int, long)');

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

/** Adds seals: 0 or a negated error number. */
export function addSeals(descriptor: number, seals: number): number {
  return fcntl(descriptor, FCNTL.F_ADD_SEALS, seals);
}

/** The seals of a memory file, or a negated error number. */
export function getSeals(descriptor: number): number {
  return fcntl(descriptor, FCNTL.F_GET_SEALS, 0);
}
