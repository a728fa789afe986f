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

/**
 * The operand bytes of an instruction on register `reg` and the memory that register `base` points to.
 *
 * Without a displacement (mod 00), rm 101 would mean no base at all (an absolute address, or one relative to rip), so
 * ebp, rbp and r13 take a displacement byte of 0; rm 100 announces a SIB byte, so r12 takes one.
 */
export function memoryOperand(reg: number, base: number): number[] {
  switch (base & 0b111) {
    case DISPLACEMENT_ONLY:
      return [modRM(0b01, reg, base), 0x00];
    case SIB_FOLLOWS:
      return [modRM(0b00, reg, base), SIB_BASE_ONLY];
    default:
      return [modRM(0b00, reg, base)];
  }
}

/** The same operand as objdump writes it, in AT&T syntax. */
export function memoryOperandText(base: { readonly name: string; readonly encoding: number }): string {
  return (base.encoding & 0b111) === DISPLACEMENT_ONLY ? `0x0(%${base.name})` : `(%${base.name})`;
}

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

/** NOP r/m32 (SDM volume 2, NOP): `0F 1F /0`, here with the memory operand that rax or eax points to. */
export function nopl(accumulator: 'rax' | 'eax'): Instruction {
  return {
    bytes: [0x0f, 0x1f, modRM(0b00, 0, 0)],
    mnemonic: 'nopl',
    operands: `(%${accumulator})`,
    meaning: 'padding behind the jump, not reached',
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

/** Whether the bytes at offset `at` are the NOP behind the jump. */
export function isNopl(code: DataView, at: number): boolean {
  return code.getUint16(at) === 0x0f1f && code.getUint8(at + 2) === 0x00;
}
