/**
 * Sums of harmless bytes in the code of tables: where an address of the program's choice would stand in an instruction,
 * two fields do whose sum it is (x86_harmless.ts). There is one pair of bytes for each byte of a sum, so that an address
 * has one form, and what is read can be assembled again. Numbers are of 32 bits: BigInt is too slow for whole pages.
 *
 * @module
 */
import { once } from './once.js';
import { firstSummand, firstSummands } from './x86_harmless.js';

/** How many values 4 bytes have. */
const HALF = 2 ** 32;

/**
 * By carry (bit 8) and byte of a sum: the first byte of the pair for it, and the carry that the pair makes (bit 8).
 *
 * @param firsts by carry: the first byte of the pair for a byte without its carry
 */
function steps(firsts: readonly [Uint8Array, Uint8Array]): Uint16Array {
  return Uint16Array.from({ length: 512 }, (_, index) => {
    const carry = index >> 8;
    const byte = (index - carry) & 0xff;
    const first = firsts[carry === 0 ? 0 : 1][byte] ?? 0;
    const sum = first + ((byte - first) & 0xff) + carry;
    return first | (sum > 0xff ? 0x100 : 0);
  });
}

const plain = once(() => steps([firstSummand(), firstSummand()]));

/** Pairs whose second byte has its sign bit set where, and only where, the sum has a carry. */
const balanced = once(() =>
  steps([
    firstSummands((one, other) => one + other > 0xff === other > 0x7f),
    firstSummands((one, other) => one + other + 1 > 0xff === other > 0x7f),
  ]),
);

/** The first bytes of the pairs for a sum of 4 bytes, and the carry (bit 32). */
function firstsOf(sum: number, carry: number, isBalanced: boolean): number {
  const table = plain();
  const low = table[(carry << 8) | (sum & 0xff)] ?? 0;
  const second = table[(low & 0x100) | ((sum >>> 8) & 0xff)] ?? 0;
  const third = table[(second & 0x100) | ((sum >>> 16) & 0xff)] ?? 0;
  const high = (isBalanced ? balanced() : table)[(third & 0x100) | (sum >>> 24)] ?? 0;
  return ((low & 0xff) | ((second & 0xff) << 8) | ((third & 0xff) << 16)) + high * 2 ** 24;
}

/**
 * Writes two fields of 4 bytes whose sum is a value, the lowest byte first.
 *
 * @param carry into the lowest byte
 * @param isBalanced whether the second field is negative, as an integer of 32 bits, where the sum has a carry, and only there
 * @returns the carry
 */
export function putSum(
  code: DataView,
  one: number,
  other: number,
  value: number,
  carry: number,
  isBalanced = false,
): number {
  const firsts = firstsOf(value >>> 0, carry, isBalanced);
  code.setUint32(one, firsts, true);
  code.setUint32(other, value - carry - firsts, true);
  return firsts < HALF ? 0 : 1;
}

/**
 * Reads two such fields.
 *
 * @returns their sum, with the carry as its bit 32; -1 where their bytes are not the ones for it
 */
export function readSum(code: DataView, one: number, other: number, carry: number, isBalanced = false): number {
  const firsts = code.getUint32(one, true);
  const sum = firsts + code.getUint32(other, true) + carry;
  return firstsOf(sum >>> 0, carry, isBalanced) % HALF === firsts ? sum : -1;
}
