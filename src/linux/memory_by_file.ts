/**
 * Memory of other processes by their file in /proc (proc(5), /proc/PID/mem), where process_vm_readv(2) is refused: a filter
 * around this process knows the call, and not the file.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { isServed } from './served.js';

const PAGE = 4096;

/**
 * Reads a C string of another process.
 *
 * @param longest - bytes that it may have, without the zero
 * @returns it without the zero, or undefined where it cannot be read
 */
export function readStringByFile(
  threadId: number,
  address: bigint,
  longest: number,
): Uint8Array | 'too long' | undefined {
  // Nobody waits here for memory that another process delivers.
  if (isServed()) return undefined;
  let file: number | undefined;
  try {
    file = openSync(`/proc/${threadId}/mem`, 'r');
    const read: Uint8Array[] = [];
    for (let length = 0; length <= longest; ) {
      // What lies behind the end of the string may not be readable: no more than the rest of a page at once.
      const at = address + BigInt(length);
      const bytes = new Uint8Array(Math.min(PAGE - Number(at % BigInt(PAGE)), longest + 1 - length));
      const count = readSync(file, bytes, 0, bytes.length, at);
      if (count === 0) return undefined;
      const end = bytes.subarray(0, count).indexOf(0);
      read.push(bytes.subarray(0, end < 0 ? count : end));
      if (end >= 0) return Buffer.concat(read);
      length += count;
    }
    return 'too long';
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
