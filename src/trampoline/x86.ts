/**
 * The instructions and operands that i386 and x86-64 encode in the same way.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below), chapters 2 to 5.
 *
 * @module
 */
import type { Instruction } from './architecture.js';

/** The ModR/M byte (SDM 2.1.3): `mod` in bits 7 and 6, `reg` in 5 to 3, `rm` in 2 to 0. */
export function modRM(mod: number, reg: number, rm: number): number {
  return (mod << 6) | ((reg & 0b111) << 3) | (rm & 0b111);
}

/** The registers' lower three bits that ModR/M gives another meaning to (SDM tables 2-2 and 2-5). */
export const SIB_FOLLOWS = 0b100;
export const DISPLACEMENT_ONLY = 0b101;

/** A SIB byte (SDM table 2-3) of base 100 (rsp, r12) and no index. */
export const SIB_BASE_ONLY = 0b00_100_100;

/** The bytes of an unsigned integer, the lowest first. */
export function littleEndian(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/** ENDBR64 and ENDBR32 (SDM volume 2, ENDBR64): `F3 0F 1E FA` and `F3 0F 1E FB`. */
export function endbr(bits: 64 | 32): Instruction {
  return {
    bytes: [0xf3, 0x0f, 0x1e, bits === 64 ? 0xfa : 0xfb],
    mnemonic: `endbr${bits}`,
    operands: '',
    meaning: 'landing pad: an indirect call or jump may arrive here',
  };
}

/** CF, bit 0 of EFLAGS (SDM volume 1, 3.4.3.1), by the name that the kernel's user_regs_struct gives it in both widths. */
export const CARRY_FLAG: { readonly register: string; readonly mask: bigint } = { register: 'eflags', mask: 1n };

/**
 * INT3 (SDM volume 2, INT n/INTO/INT3): `CC`, the only trap of a single byte, so that it stops the processor at
 * whatever offset it arrives. The zero bytes of an empty page would run on as `add %al,(%rax)`.
 */
export const int3: Instruction = {
  bytes: [0xcc],
  mnemonic: 'int3',
  operands: '',
  meaning: 'trap, not reached (SIGTRAP)',
};

/** As many traps as are missing from `instructions` to `size` bytes. */
export function trapsUpTo(size: number, instructions: readonly Instruction[]): Instruction[] {
  const used = instructions.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return Array.from({ length: size - used }, () => int3);
}

/** Whether all bytes from offset `at` to `end` are traps. */
export function onlyTraps(code: DataView, at: number, end: number): boolean {
  for (let offset = at; offset < end; offset++) if (code.getUint8(offset) !== 0xcc) return false;
  return true;
}
