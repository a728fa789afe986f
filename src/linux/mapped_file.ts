/**
 * Mappings of files in this process: mmap(2), mremap(2).
 *
 * @module
 */
import { MAP, MREMAP, PROT } from '../abi/mman.js';
import { native, negatedErrno } from './libc.js';

const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMunmap = native('int munmap(uint64_t, size_t)');
const libcMremap = native('int64_t mremap(uint64_t, size_t, size_t, int)');
const libcMemcpy = native('void *memcpy(uint64_t, const void *, size_t)');

/**
 * Maps a file of this process readable and executable, shared, until the process ends.
 *
 * @returns where it stands, or a negated error number
 */
export function mapExecutable(descriptor: number, length: number): bigint {
  const { PROT_READ, PROT_EXEC } = PROT;
  const address = BigInt(libcMmap(null, length, PROT_READ | PROT_EXEC, MAP.MAP_SHARED, descriptor, 0));
  return address === -1n ? BigInt(negatedErrno(-1)) : address;
}

/**
 * A writable shared mapping of a file in this process. It is written through {@link MappedFile.write} only: its bytes
 * are never given out as an array that could outlive it.
 */
export class MappedFile implements Disposable {
  #length: number;
  #address: bigint | undefined;

  private constructor(address: bigint, length: number) {
    this.#address = address;
    this.#length = length;
  }

  /** Bytes of it. */
  get length(): number {
    return this.#length;
  }

  /** Maps `length` bytes of a file from `offset` on, a multiple of a page; a negated error number where that fails. */
  static map(descriptor: number, length: number, offset = 0): MappedFile | number {
    const result: number | bigint = libcMmap(
      null,
      length,
      PROT.PROT_READ | PROT.PROT_WRITE,
      MAP.MAP_SHARED,
      descriptor,
      offset,
    );
    return BigInt(result) === -1n ? negatedErrno(-1) : new MappedFile(BigInt(result), length);
  }

  /**
   * Makes it longer (mremap(2)): what no new mapping may be, writable, an existing one stays. It may be longer than the
   * file, which must have grown before it is written there.
   *
   * @returns 0 or a negated error number; then it is as long as it was
   */
  grow(length: number): number {
    if (this.#address === undefined) throw new RangeError('memory: a mapping that is gone');
    const result = libcMremap(this.#address, this.#length, length, MREMAP.MREMAP_MAYMOVE);
    if (BigInt(result) === -1n) return negatedErrno(-1);
    this.#address = BigInt(result);
    this.#length = length;
    return 0;
  }

  /** Writes to the mapping, `offset` bytes from its start. */
  write(bytes: Uint8Array, offset = 0): void {
    if (this.#address === undefined || offset < 0 || offset + bytes.length > this.#length) {
      throw new RangeError('memory: a write to a mapping that is gone or too small');
    }
    libcMemcpy(this.#address + BigInt(offset), bytes, bytes.length);
  }

  /** Unmaps it; a second time does nothing. */
  [Symbol.dispose](): void {
    if (this.#address === undefined) return;
    libcMunmap(this.#address, this.#length);
    this.#address = undefined;
  }
}
