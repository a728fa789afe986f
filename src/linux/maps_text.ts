/**
 * /proc/PID/maps as text, for who only has to search it: read by three system calls into one buffer.
 *
 * @module
 */
import { FCNTL } from '../abi/fcntl.js';
import { close, open, readInto } from './descriptor.js';
import { allocate } from './libc.js';

/** More than a program has before its first instruction. */
const buffer = allocate(65_536);

/** The text, or undefined where it cannot be read, or is longer than 64 KiB. */
export function readMapsText(processId: number): Buffer | undefined {
  const file = open(`/proc/${processId}/maps`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
  if (file < 0) return undefined;
  let length = 0;
  for (;;) {
    const room = buffer.bytes.length - length;
    const count = room === 0 ? -1 : readInto(file, buffer.address + BigInt(length), room);
    if (count <= 0) {
      close(file);
      return count < 0 || length === 0 ? undefined : Buffer.from(buffer.bytes.buffer, buffer.bytes.byteOffset, length);
    }
    length += count;
  }
}
