/**
 * Sums of harmless bytes in the code of tables: where an address of the program's choice would stand in an instruction,
 * two fields do whose sum it is (x86_harmless.ts). There is one pair of bytes for each byte of a sum, so that an address
 * has one form, and what is read can be assembled again. Numbers are of 32 bits: BigInt is too slow for whole pages.
 *
 * @module
 */
import { HARMLESS, SUMMANDS } from './x86_harmless.js';

/** Pairs by carry and byte: the second one's sign bit is set where, and only where, the sum has a carry. */
const BALANCED: readonly (readonly (readonly [number, number])[])[] = [0, 1].map((carry) =>
  Array.from({ length: 256 }, (_, byte) => {
    for (const one of HARMLESS) {
      for (const other of HARMLESS) {
        const sum = one + other + carry;
        if ((sum & 0xff) === byte && sum > 0xff === other > 0x7f) return [one, other] as const;
      }
    }
    throw new Error(`no two harmless bytes of equal sign and carry have the sum ${byte}`);
  }),
);

/** The pair for a byte of a sum. */
function pairOf(byte: number, carry: number, isBalanced: boolean): readonly [number, number] {
  return (isBalanced ? BALANCED[carry]?.[byte] : SUMMANDS[(byte - carry) & 0xff]) ?? [0, 0];
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
  let carried = carry;
  for (let index = 0; index < 4; index++) {
    const [first, second] = pairOf((value >>> (8 * index)) & 0xff, carried, isBalanced && index === 3);
    code.setUint8(one + index, first);
    code.setUint8(other + index, second);
    carried = first + second + carried > 0xff ? 1 : 0;
  }
  return carried;
}

/** Whether two bytes are the pair for the byte that they have as their sum. */
function isPair(first: number, second: number, carry: number, isBalanced: boolean): boolean {
  const [one, other] = pairOf((first + second + carry) & 0xff, carry, isBalanced);
  return first === one && second === other;
}

/**
 * Reads two such fields.
 *
 * @returns their sum, with the carry as its bit 32; -1 where their bytes are not the ones for it
 */
export function readSum(code: DataView, one: number, other: number, carry: number, isBalanced = false): number {
  let carried = carry;
  for (let index = 0; index < 4; index++) {
    const first = code.getUint8(one + index);
    const second = code.getUint8(other + index);
    if (!isPair(first, second, carried, isBalanced && index === 3)) return -1;
    carried = first + second + carried > 0xff ? 1 : 0;
  }
  return code.getUint32(one, true) + code.getUint32(other, true) + carry;
}
