/**
 * Commands of devices with a structure in memory: ioctl(2), and which character devices are terminals: proc(5), /proc/tty.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { allocate, native, negatedErrno } from './libc.js';

const libcIoctl = native('int ioctl(int, ulong, uint64_t)');

/** The longest structure of a command here. */
const LONGEST = 256;
const structure = allocate(LONGEST);

/**
 * Makes a command with a copy of a structure.
 *
 * @returns what the call returned or a negated error number, and what the structure is then
 */
export function deviceCommand(
  descriptor: number,
  command: number,
  bytes: Uint8Array,
): { readonly result: number; readonly bytes: Uint8Array } {
  if (bytes.length > LONGEST) throw new RangeError(`ioctl: at most ${LONGEST} bytes, not ${bytes.length}`);
  structure.bytes.set(bytes);
  const result = negatedErrno(libcIoctl(descriptor, command, structure.address));
  return { result, bytes: structure.bytes.slice(0, bytes.length) };
}

/** Whether a driver of terminals has a major number: `serial /dev/ttyS 4 64-95 serial` is a line of the list. */
export function isTerminalMajor(major: number): boolean {
  return readFileSync('/proc/tty/drivers', 'latin1')
    .split('\n')
    .some((line) => Number(line.trim().split(/\s+/)[2]) === major);
}
