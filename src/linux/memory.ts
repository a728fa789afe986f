/**
 * Memory of other processes (process_vm_readv(2)), and mappings of our own (mmap(2), mremap(2)).
 *
 * @module
 */
import { MAP, MREMAP, PROT } from '../abi/mman.js';
import { allocate, native, negatedErrno } from './libc.js';

const processVmReadv = native('long process_vm_readv(int, uint64_t, ulong, uint64_t, ulong, ulong)');
const processVmWritev = native('long process_vm_writev(int, uint64_t, ulong, uint64_t, ulong, ulong)');
const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMunmap = native('int munmap(uint64_t, size_t)');
const libcMremap = native('int64_t mremap(uint64_t, size_t, size_t, int)');
const libcMemcpy = native('void *memcpy(uint64_t, const void *, size_t)');

const TRANSFER_SIZE = 4096;
const transfer = allocate(TRANSFER_SIZE);
/** Two struct iovec: ours, then theirs. */
const vectors = allocate(32);

function prepare(address: bigint, length: number): void {
  if (length > TRANSFER_SIZE) throw new RangeError(`memory: at most ${TRANSFER_SIZE} bytes at once, not ${length}`);
  vectors.view.setBigUint64(0, transfer.address, true);
  vectors.view.setBigUint64(8, BigInt(length), true);
  vectors.view.setBigUint64(16, address, true);
  vectors.view.setBigUint64(24, BigInt(length), true);
}

/**
 * Reads another process's memory, in one go.
 *
 * @param threadId - a thread of the process
 * @param address - where, in that process
 * @param length - bytes, at most 4096
 * @returns all of them, or undefined where any of them cannot be read
 */
export function readMemory(threadId: number, address: bigint, length: number): Uint8Array | undefined {
  prepare(address, length);
  const count = Number(processVmReadv(threadId, vectors.address, 1, vectors.address + 16n, 1, 0));
  return count === length ? transfer.bytes.slice(0, length) : undefined;
}

/**
 * Reads another process's memory as far as it can be read.
 *
 * @returns at most `length` bytes, at most 4096; they stand in a buffer that the next read uses anew
 */
export function readAtMost(threadId: number, address: bigint, length: number): Uint8Array {
  prepare(address, length);
  const count = Number(processVmReadv(threadId, vectors.address, 1, vectors.address + 16n, 1, 0));
  if (count >= 0) return transfer.bytes.subarray(0, count);
  // Nothing at all is read where the first page cannot be; what crosses into one that cannot is cut short above.
  return transfer.bytes.subarray(0, 0);
}

/**
 * Reads a C string of another process.
 *
 * @param longest - bytes that it may have, without the zero; less than a page
 * @returns it without the zero, or undefined where it cannot be read
 */
export function readString(threadId: number, address: bigint, longest: number): Uint8Array | 'too long' | undefined {
  // What lies behind the end of the string may not be readable: no more than the rest of a page at once.
  const untilPage = TRANSFER_SIZE - Number(address % BigInt(TRANSFER_SIZE));
  const first = readMemory(threadId, address, Math.min(untilPage, longest + 1));
  if (first === undefined) return undefined;
  const end = first.indexOf(0);
  if (end >= 0) return first.subarray(0, end);
  if (first.length > longest) return 'too long';
  const rest = readString(threadId, address + BigInt(first.length), longest - first.length);
  return rest === undefined || rest === 'too long' ? rest : Buffer.concat([first, rest]);
}

/**
 * Writes another process's memory.
 *
 * @returns whether all of it was written
 */
export function writeMemory(threadId: number, address: bigint, bytes: Uint8Array): boolean {
  prepare(address, bytes.length);
  transfer.bytes.set(bytes);
  return Number(processVmWritev(threadId, vectors.address, 1, vectors.address + 16n, 1, 0)) === bytes.length;
}

/** Whether the memory of a process may be read at an address: 0 or a negated error number. */
export function probeReading(threadId: number, address: bigint): number {
  prepare(address, 1);
  return Math.min(0, negatedErrno(processVmReadv(threadId, vectors.address, 1, vectors.address + 16n, 1, 0)));
}

/** Whether the memory of a process may be written at an address, with the byte that is there: 0 or a negated error number. */
export function probeWriting(threadId: number, address: bigint): number {
  const reads = probeReading(threadId, address);
  if (reads < 0) return reads;
  return Math.min(0, negatedErrno(processVmWritev(threadId, vectors.address, 1, vectors.address + 16n, 1, 0)));
}

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
