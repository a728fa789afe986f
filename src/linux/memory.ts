/**
 * Memory of other processes: process_vm_readv(2), process_vm_writev(2).
 *
 * Where a page of theirs may be one that another process delivers when it likes, or never (served.ts), no thread of this
 * process reads or writes it itself: that is done apart (apart_pool.ts).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import type { ApartCall, ApartProcess } from './apart.js';
import { makeApart } from './apart_pool.js';
import { readHanded, writeHanded } from './handed_memory.js';
import { allocate, native, negatedErrno } from './libc.js';
import { isServed } from './served.js';

const processVmReadv = native('long process_vm_readv(int, uint64_t, ulong, uint64_t, ulong, ulong)');
const processVmWritev = native('long process_vm_writev(int, uint64_t, ulong, uint64_t, ulong, ulong)');

/** Bytes that are read or written at once, at most. */
const TRANSFER_SIZE = 4096;
/** Two struct iovec, ours and theirs; then the bytes. */
const VECTORS = 32;
const own = allocate(VECTORS + TRANSFER_SIZE);
const ownBytes = own.bytes.subarray(VECTORS);

/** Puts the two struct iovec of a transfer before the bytes. */
function putVectors(view: DataView, at: bigint, address: bigint, length: number): void {
  view.setBigUint64(0, at + BigInt(VECTORS), true);
  view.setBigUint64(8, BigInt(length), true);
  view.setBigUint64(16, address, true);
  view.setBigUint64(24, BigInt(length), true);
}

/** Puts what is transferred between a process's memory and the memory that a call made apart uses. */
function transfer(
  call: 'process_vm_readv' | 'process_vm_writev',
  apart: ApartProcess,
  threadId: number,
  address: bigint,
  length: number,
): readonly ApartCall[] {
  const { dataView, dataAddress } = apart;
  putVectors(dataView, dataAddress, address, length);
  return [{ call, arguments: [threadId, dataAddress, 1, dataAddress + 16n, 1, 0] }];
}

function demandLength(length: number): void {
  if (length > TRANSFER_SIZE) throw new RangeError(`memory: at most ${TRANSFER_SIZE} bytes at once, not ${length}`);
}

/** Reads as far as it can be read: the bytes, in a buffer that the next read may use anew, or a negated error number. */
function read(threadId: number, address: bigint, length: number): Uint8Array | number {
  demandLength(length);
  if (!isServed()) {
    putVectors(own.view, own.address, address, length);
    const count = negatedErrno(processVmReadv(threadId, own.address, 1, own.address + 16n, 1, 0));
    return count < 0 ? count : ownBytes.subarray(0, count);
  }
  const bytes = makeApart<Uint8Array | number>({
    key: () => `reading ${length} bytes of thread ${threadId} at 0x${address.toString(16)}`,
    threadId,
    calls: (apart) => transfer('process_vm_readv', apart, threadId, address, length),
    collect(apart) {
      const count = apart.result(0);
      return count < 0 ? count : apart.data.slice(VECTORS, VECTORS + count);
    },
  });
  return bytes === -errnoNumbers.EPERM ? readHanded(threadId, address, length) : bytes;
}

/**
 * Reads another process's memory, in one go.
 *
 * @param threadId - a thread of the process
 * @param address - where, in that process
 * @param length - bytes, at most 4096
 * @returns all of them, or undefined where any of them cannot be read
 * @throws as {@link makeApart}
 */
export function readMemory(threadId: number, address: bigint, length: number): Uint8Array | undefined {
  const bytes = read(threadId, address, length);
  return typeof bytes !== 'number' && bytes.length === length ? bytes.slice() : undefined;
}

/**
 * Reads another process's memory as far as it can be read.
 *
 * @returns at most `length` bytes, at most 4096; they may stand in a buffer that the next read uses anew
 * @throws as {@link makeApart}
 */
export function readAtMost(threadId: number, address: bigint, length: number): Uint8Array {
  const bytes = read(threadId, address, length);
  // Nothing at all is read where the first page cannot be; what crosses into one that cannot is cut short above.
  return typeof bytes === 'number' ? new Uint8Array() : bytes;
}

/**
 * Reads a C string of another process.
 *
 * @param longest - bytes that it may have, without the zero; less than a page
 * @returns it without the zero, or undefined where it cannot be read
 * @throws as {@link makeApart}
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
 * @param bytes - at most 4096
 * @returns whether all of it was written
 * @throws as {@link makeApart}; it may come to be written all the same
 */
export function writeMemory(threadId: number, address: bigint, bytes: Uint8Array): boolean {
  demandLength(bytes.length);
  if (!isServed()) {
    putVectors(own.view, own.address, address, bytes.length);
    ownBytes.set(bytes);
    return Number(processVmWritev(threadId, own.address, 1, own.address + 16n, 1, 0)) === bytes.length;
  }
  const count = makeApart({
    key: () => `writing ${Buffer.from(bytes).toString('hex')} to thread ${threadId} at 0x${address.toString(16)}`,
    threadId,
    calls(apart) {
      apart.data.set(bytes, VECTORS);
      return transfer('process_vm_writev', apart, threadId, address, bytes.length);
    },
    collect: (apart) => apart.result(0),
  });
  const written = count === -errnoNumbers.EPERM ? writeHanded(threadId, address, bytes) : count;
  return written === bytes.length;
}

/** Whether the memory of a process may be read at an address: 0 or a negated error number. @throws as {@link makeApart} */
export function probeReading(threadId: number, address: bigint): number {
  const bytes = read(threadId, address, 1);
  return typeof bytes === 'number' ? bytes : 0;
}

/** Whether the memory of a process may be written at an address, with the byte that is there: 0 or a negated error number. */
export function probeWriting(threadId: number, address: bigint): number {
  const reads = probeReading(threadId, address);
  if (reads < 0) return reads;
  putVectors(own.view, own.address, address, 1);
  return Math.min(0, negatedErrno(processVmWritev(threadId, own.address, 1, own.address + 16n, 1, 0)));
}
