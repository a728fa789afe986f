/**
 * Instructions of 32 bits, as the architectures with a single width of instruction have them, in memory the lowest byte
 * first.
 *
 * @module
 */
import type { Instruction } from './architecture.js';

/** Size in bytes of an instruction. */
export const WORD = 4;

/** An instruction from its word, without what it is for. */
export function instruction(word: number, mnemonic: string, operands: string, meaning: string): Instruction {
  return { bytes: [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff), mnemonic, operands, meaning };
}

/** The instruction word at offset `at`, unsigned. */
export function wordAt(code: DataView, at: number): number {
  return code.getUint32(at, true);
}

/** Bits `shift` up to `shift + 15` of an address. */
export function bits16(address: bigint, shift: number): number {
  return Number((address >> BigInt(shift)) & 0xffffn);
}
