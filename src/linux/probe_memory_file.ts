/**
 * A probe that each start makes: whether memory files are what trampoline tables need, found out by making one
 * (memfd_create(2), fcntl(2), mmap(2), mprotect(2)).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL, MEMFD, MFD_NOEXEC_SEAL } from '../abi/fcntl.js';
import { MAP, PROT } from '../abi/mman.js';
import { close } from './descriptor.js';
import { native, negatedErrno } from './libc.js';
import { MappedFile } from './mapped_file.js';
import { addSeals } from './memfd.js';

const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMprotect = native('int mprotect(int64_t, size_t, int)');
const libcMunmap = native('int munmap(int64_t, size_t)');
const libcMemfdCreate = native('int memfd_create(const char *, unsigned int)');

const PAGE = 4096;

/** What sealed memory files were found to do. */
export interface MemoryFileFindings {
  /** The error number of memfd_create(2), or 0. */
  readonly errno: number;
  /** Whether F_SEAL_FUTURE_WRITE is known. */
  readonly sealsFutureWrites: boolean;
  /** Whether a shared, executable mapping made after sealing cannot become writable. */
  readonly staysReadOnly: boolean;
  /** Whether MFD_NOEXEC_SEAL is known. */
  readonly hasNoExecSeal: boolean;
}

/** Makes a memory file as a trampoline table has one, and tries to write to it. */
export function probeMemoryFile(): MemoryFileFindings {
  const flags = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING;
  let file = negatedErrno(libcMemfdCreate('trampfd-doctor', flags | MFD_NOEXEC_SEAL));
  const hasNoExecSeal = file !== -errnoNumbers.EINVAL;
  if (!hasNoExecSeal) file = negatedErrno(libcMemfdCreate('trampfd-doctor', flags));
  if (file < 0) return { errno: -file, sealsFutureWrites: false, staysReadOnly: false, hasNoExecSeal };
  try {
    const sealed = addSeals(file, FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_FUTURE_WRITE) === 0;
    if (!sealed) return { errno: 0, sealsFutureWrites: false, staysReadOnly: false, hasNoExecSeal };
    const address = libcMmap(null, PAGE, PROT.PROT_READ | PROT.PROT_EXEC, MAP.MAP_SHARED, file, 0);
    const mapped = BigInt(address) !== -1n;
    const changed = mapped ? negatedErrno(libcMprotect(address, PAGE, PROT.PROT_READ | PROT.PROT_WRITE)) : 0;
    if (mapped) libcMunmap(address, PAGE);
    using again = mappedAgain(file);
    return {
      errno: 0,
      sealsFutureWrites: true,
      staysReadOnly: changed === -errnoNumbers.EACCES && again === undefined,
      hasNoExecSeal,
    };
  } finally {
    close(file);
  }
}

/** A writable mapping of a file, where the kernel gives one. */
function mappedAgain(file: number): MappedFile | undefined {
  const mapping = MappedFile.map(file, PAGE);
  return typeof mapping === 'number' ? undefined : mapping;
}
