/**
 * Code of this process's own: a few instructions where JavaScript is too slow, or may not be run. It stands in a memory
 * file that is sealed, as what is made for programs does: so this process has no page that was ever writable where it is
 * executable, and can be confined as they are (prctl(2): PR_SET_MDWE).
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { MAP, PROT } from '../abi/mman.js';
import { TrampfdError } from '../error.js';
import { close } from './descriptor.js';
import { memoryAt, native, negatedErrno } from './libc.js';
import { MappedFile, mapExecutable } from './mapped_file.js';
import { addSeals, createMemoryFile } from './memfd.js';

/** More than any code here has. */
const SIZE = 4096;

const SEALS = FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_WRITE | FCNTL.F_SEAL_SEAL;

function failed(syscall: string, negated: number | bigint): TrampfdError {
  const name = errnoName(-Number(negated));
  const what = `code of our own cannot be made: ${syscall} failed with ${name}`;
  const remedy =
    "a sandbox around this process may forbid it, and has to allow it: 'trampfd doctor' says what there is";
  return new TrampfdError(name, `${what}; ${remedy}`, { syscall });
}

const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMprotect = native('int mprotect(uint64_t, size_t, int)');

/**
 * Code in memory of no file, where no file may be as large as a page (RLIMIT_FSIZE). It is never writable and executable at
 * a time either.
 */
function mapPrivateCode(code: Uint8Array): bigint {
  const address = BigInt(
    libcMmap(null, SIZE, PROT.PROT_READ | PROT.PROT_WRITE, MAP.MAP_PRIVATE | MAP.MAP_ANONYMOUS, -1, 0),
  );
  if (address === -1n) throw failed('mmap', negatedErrno(-1));
  memoryAt(address, SIZE).set(code);
  const result = negatedErrno(libcMprotect(address, SIZE, PROT.PROT_READ | PROT.PROT_EXEC));
  if (result < 0) throw failed('mprotect', result);
  return address;
}

/**
 * Maps code into this process, readable and executable, until the process ends.
 *
 * @param code at most a page
 * @returns where it stands
 * @throws TrampfdError as memfd_create(2) and mmap(2) fail: EACCES where a policy permits no such mapping
 */
export function mapCode(code: Uint8Array): bigint {
  const file = createMemoryFile('trampfd', SIZE);
  if (file === -errnoNumbers.EFBIG) return mapPrivateCode(code);
  if (file < 0) throw failed('memfd_create', file);
  try {
    const mapping = MappedFile.map(file, SIZE);
    if (typeof mapping === 'number') throw failed('mmap', mapping);
    mapping.write(code);
    mapping[Symbol.dispose]();
    const sealed = addSeals(file, SEALS);
    if (sealed < 0) throw failed('fcntl', sealed);
    const address = mapExecutable(file, SIZE);
    if (address < 0n) throw failed('mmap', address);
    return address;
  } finally {
    close(file);
  }
}
