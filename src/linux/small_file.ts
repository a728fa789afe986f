/**
 * Files that stand where other programs may have put something else, read without waiting for anybody: a named pipe that nobody
 * writes to is not opened, nor is a device, and what grows while it is read is not read for ever (open(2), fifo(7)).
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** How much is read at once. */
const PIECE = 2 ** 20;

/**
 * Reads an open file from where it stands to its end.
 *
 * @throws RangeError where it has more than `longest` bytes; Error of node:fs where it cannot be read
 */
export function readAtMost(descriptor: number, longest: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = longest + 1; left > 0; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, left));
    const count = readSync(descriptor, piece);
    if (count === 0) return Buffer.concat(parts);
    parts.push(piece.subarray(0, count));
    left -= count;
  }
  throw new RangeError(`the file has more than ${longest} bytes`);
}

/**
 * Reads a regular file of this user or root's that is no link, a character for each byte.
 *
 * @throws Error of node:fs where it cannot be opened; Error for what is no such file, or too long
 */
export function readSmallFile(path: string, longest: number): string {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
  const file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  try {
    const status = fstatSync(file);
    const isOwn = status.uid === 0 || status.uid === process.geteuid?.();
    if (!status.isFile() || !isOwn || status.size > longest)
      throw new Error(`${path} is not a file of ours, or too long`);
    return readAtMost(file, longest).toString('latin1');
  } finally {
    closeSync(file);
  }
}
