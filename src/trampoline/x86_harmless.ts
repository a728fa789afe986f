/**
 * Bytes that may stand in executable memory although a program chooses them: no code can be made of them.
 *
 * A value of the program's choice that stands there as it is would be code for who jumps into it. So it is split into two
 * words whose sum it is, and both words have bytes of this table alone. A value has one splitting: nothing is random, so
 * that nobody can try until the words are what he wants.
 *
 * What the processor does where it arrives at such a byte, whatever comes before and behind (Intel SDM volume 2, AMD APM
 * volume 3):
 *
 *  - 64-bit code stops at once. A prefix belongs to the instruction behind it, which is one of the others.
 *  - 32-bit code (a program of 32 bits, or one of 64 that has loaded such a code segment) may carry out some of them: a
 *    register counted up or down, a segment register pushed or popped, all registers pushed or popped, a decimal
 *    adjustment, arithmetic with a constant of these bytes. None of them jumps, calls, returns or enters the kernel, and
 *    none of the others is one that does: so it goes straight on, into one that stops it or into the traps behind the data.
 *
 * @module
 */

import { once } from './once.js';

/** #GP in user mode (INS, OUTS, IN, OUT, HLT, CLI, STI), and traps (INT3, INT1). */
const STOPS = [
  ...[0x6c, 0x6d, 0x6e, 0x6f, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb],
  ...[0xcc, 0xf1],
];
/** Prefixes: of segments, of sizes, LOCK and REP. */
const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
/** REX prefixes; INC and DEC in 32-bit code. */
const REX_PREFIXES = Array.from({ length: 16 }, (_, index) => 0x40 + index);
/** #UD in 64-bit code. In 32-bit code PUSH and POP of segments, DAA, DAS, AAA, AAS, PUSHA, POPA, INTO, AAM, SALC, and arithmetic. */
const OLD = [
  ...[0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f],
  ...[0x60, 0x61, 0xce, 0xd4, 0xd6, 0x82],
];

/** All of them, those first that stop the processor in any mode. */
const ORDERED: readonly number[] = [...STOPS, ...PREFIXES, ...REX_PREFIXES, ...OLD];

/** All of them. */
export const HARMLESS: ReadonlySet<number> = new Set(ORDERED);

/**
 * For each sum of 8 bits the first of two bytes of the table that have it; the second is the rest. Among several pairs it is
 * the one that is found first, in the table's order.
 */
export const firstSummand: () => Uint8Array = once(() => firstSummands(() => true));

/** Such a table of the pairs that a condition holds for. */
export function firstSummands(isWanted: (one: number, other: number) => boolean): Uint8Array {
  const found = new Uint8Array(256);
  // From the last to the first, so that the first remains.
  for (let most = ORDERED.length - 1; most >= 0; most--) {
    for (let least = most; least >= 0; least--) {
      const [one = 0, other = 0] = [ORDERED[most], ORDERED[least]];
      if (isWanted(one, other)) found[(one + other) & 0xff] = one;
      if (isWanted(other, one)) found[(one + other) & 0xff] = other;
    }
  }
  return found;
}

/**
 * Two words of harmless bytes alone, whose sum is a value.
 *
 * @param value unsigned, of `size` bytes
 * @param size of a word, in bytes; a carry out of the highest is lost
 */
export function splitHarmlessly(value: bigint, size: number): readonly [bigint, bigint] {
  let first = 0n;
  let second = 0n;
  let carry = 0;
  const firsts = firstSummand();
  for (let index = 0; index < size; index++) {
    const shift = BigInt(8 * index);
    const byte = Number((value >> shift) & 0xffn);
    const one = firsts[(byte - carry) & 0xff] ?? 0;
    const other = (byte - carry - one) & 0xff;
    first |= BigInt(one) << shift;
    second |= BigInt(other) << shift;
    carry = one + other + carry > 0xff ? 1 : 0;
  }
  return [first, second];
}

/**
 * A counter as harmless bytes, one digit each, the lowest first. It begins anew when each of them was the table's last.
 *
 * @param digits how many
 */
export function countHarmlessly(counter: bigint, digits: number): bigint {
  const base = BigInt(ORDERED.length);
  let bytes = 0n;
  let rest = counter;
  for (let index = 0; index < digits; index++) {
    bytes |= BigInt(ORDERED[Number(rest % base)] ?? 0) << BigInt(8 * index);
    rest /= base;
  }
  return bytes;
}
