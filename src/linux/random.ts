/**
 * Random numbers of the kernel: getrandom(2). Node.js's own module for them takes as long to load as a tenth of a run.
 *
 * @module
 */
import { allocate, native } from './libc.js';

const libcGetrandom = native('long getrandom(uint64_t, size_t, unsigned int)');
/** The kernel gives so many bytes at once, whatever signals come. */
const MOST_BYTES = 256;
const buffer = allocate(MOST_BYTES);

/**
 * Words that nobody can know beforehand.
 *
 * @param count - at most 256 bytes in all
 * @throws RangeError where that is more, or the kernel gives none
 */
export function randomWords(count: number, wordSize: 4 | 8): readonly bigint[] {
  const size = count * wordSize;
  if (size > MOST_BYTES) throw new RangeError(`random: at most ${MOST_BYTES} bytes at once, not ${size}`);
  if (Number(libcGetrandom(buffer.address, size, 0)) !== size)
    throw new RangeError('random: the kernel gives no numbers');
  return Array.from({ length: count }, (_, index) =>
    wordSize === 8 ? buffer.view.getBigUint64(8 * index, true) : BigInt(buffer.view.getUint32(4 * index, true)),
  );
}
