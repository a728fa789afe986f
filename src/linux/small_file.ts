/**
 * Files that stand where other programs may have put something else, read without waiting for anybody: a named pipe that nobody
 * writes to is not opened, nor is a device (open(2), fifo(7)).
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** More than any list of ours has. */
const LONGEST = 256 * 1024 * 1024;

/**
 * Reads a regular file, a character for each byte.
 *
 * @throws Error of node:fs where it cannot be opened; Error for what is no regular file, or too long
 */
export function readSmallFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const status = fstatSync(file);
    if (!status.isFile() || status.size > LONGEST) throw new Error(`${path} is no regular file, or too long`);
    return readFileSync(file, 'latin1');
  } finally {
    closeSync(file);
  }
}
