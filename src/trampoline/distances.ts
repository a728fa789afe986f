/**
 * How far promoted code is from what it loads: distances whose bytes, in the displacement of an instruction, are harmless
 * as code. A program that chose the distance would choose bytes in executable memory.
 *
 * @module
 */

/** Bytes at which the processor stops, in any mode: those of INS, OUTS, IN, OUT, HLT, CLI and STI (see x86_harmless.ts). */
const STOPS = [0x6c, 0x6d, 0x6e, 0x6f, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb];

/**
 * The distances in bytes, the nearest first. Displacements to so far away, less the few bytes to the instruction's end,
 * have two of those bytes above; then comes 0xef; and the lowest is 0xee, 0xef, 0xfa, 0xfb or 0xfe (0xfe 0xef is no
 * instruction).
 */
export const DISTANCES: readonly number[] = STOPS.flatMap((high) =>
  STOPS.map((low) => (high << 24) | (low << 16) | 0xf000),
).sort((one, other) => Math.abs(one) - Math.abs(other));
