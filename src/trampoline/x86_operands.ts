/**
 * Operands of x86 instructions: registers, memory at a register, memory at a label, and the labels of jumps.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below), chapter 2.
 *
 * @module
 */
import type { Instruction } from './architecture.js';
import type { Placeable } from './labels.js';
import { DISPLACEMENT_ONLY, modRM, SIB_BASE_ONLY, SIB_FOLLOWS } from './x86.js';

/** A general register. */
export interface Register {
  readonly name: string;
  /** Its number in instructions. */
  readonly encoding: number;
}

/** Memory at a register with a displacement, and perhaps an index. */
export interface MemoryAtRegister {
  readonly base: Register;
  readonly displacement: number;
  readonly index?: Register;
}

/**
 * Memory: at a register; or at a label, relative to rip (64 bits), or to a
 * register that holds the address of another label.
 */
export type Memory =
  | MemoryAtRegister
  | { readonly label: string; readonly displacement: number; readonly from?: { register: Register; label: string } };

/** Memory at a register. */
export function at(base: Register, displacement = 0, index?: Register): Memory {
  return index === undefined ? { base, displacement } : { base, displacement, index };
}

/** What of an operand goes into an instruction. */
export interface Operand {
  /** Bits of REX beside W: R, X and B. */
  readonly rex: number;
  /** ModR/M, SIB and displacement; a displacement relative to rip is filled in when the instruction is placed. */
  readonly bytes: readonly number[];
  readonly text: string;
}

export const REX = 0b0100_0000;
export const REX_W = 0b1000;
const REX_R = 0b0100;
const REX_X = 0b0010;
const REX_B = 0b0001;

/** The bytes of a signed integer in two's complement, the lowest first. */
export function signed(value: number, size: 1 | 4): number[] {
  return Array.from({ length: size }, (_, index) => (value >> (8 * index)) & 0xff);
}

function hexadecimal(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

export function registerOperand(reg: number, register: Register): Operand {
  return {
    rex: (reg >= 8 ? REX_R : 0) | (register.encoding >= 8 ? REX_B : 0),
    bytes: [modRM(0b11, reg, register.encoding)],
    text: `%${register.name}`,
  };
}

/** ModR/M, SIB and displacement of memory at a register (SDM 2.1.3 to 2.1.5). */
function memoryAtRegister(reg: number, memory: MemoryAtRegister): Operand {
  const { base, displacement, index } = memory;
  const mod =
    displacement === 0 && (base.encoding & 0b111) !== DISPLACEMENT_ONLY
      ? 0b00
      : displacement >= -128 && displacement < 128
        ? 0b01
        : 0b10;
  const tail = mod === 0b00 ? [] : signed(displacement, mod === 0b01 ? 1 : 4);
  const shown = mod === 0b00 ? '' : hexadecimal(displacement);
  const rex = (reg >= 8 ? REX_R : 0) | (base.encoding >= 8 ? REX_B : 0);
  if (index !== undefined) {
    const sib = ((index.encoding & 0b111) << 3) | (base.encoding & 0b111);
    return {
      rex: rex | (index.encoding >= 8 ? REX_X : 0),
      bytes: [modRM(mod, reg, SIB_FOLLOWS), sib, ...tail],
      text: `${shown}(%${base.name},%${index.name},1)`,
    };
  }
  const sib = (base.encoding & 0b111) === SIB_FOLLOWS ? [SIB_BASE_ONLY] : [];
  return { rex, bytes: [modRM(mod, reg, base.encoding), ...sib, ...tail], text: `${shown}(%${base.name})` };
}

/** How an instruction is written: everything but its operand in memory or a register. */
export interface Form {
  /** 1 where operands are 64 bits wide and the instruction does not say so by itself. */
  readonly wide: boolean;
  readonly opcode: readonly number[];
  /** The register in ModR/M's reg, or the opcode's extension there. */
  readonly reg: number;
  readonly immediate?: readonly number[];
  readonly mnemonic: string;
  /** The operands' text, where `operand` is the text of the one in memory or a register. */
  readonly operands: (operand: string) => string;
  readonly meaning: string;
}

function prefixed(form: Form, operand: Operand): number[] {
  const rex = (form.wide ? REX_W : 0) | operand.rex;
  return [...(rex === 0 ? [] : [REX | rex]), ...form.opcode, ...operand.bytes, ...(form.immediate ?? [])];
}

export function instructionOf(form: Form, operand: Operand): Instruction {
  const { mnemonic, operands, meaning } = form;
  return { bytes: prefixed(form, operand), mnemonic, operands: operands(operand.text), meaning };
}

/** An instruction with an operand in memory. */
export function withMemory(form: Form, memory: Memory): Instruction | Placeable {
  if ('base' in memory) return instructionOf(form, memoryAtRegister(form.reg, memory));
  const { from } = memory;
  if (from !== undefined) {
    // mod 10: 32 bits of displacement, however small it is.
    const operand = (displacement: number): Operand => ({
      rex: 0,
      bytes: [modRM(0b10, form.reg, from.register.encoding), ...signed(displacement, 4)],
      text: `${hexadecimal(displacement)}(%${from.register.name})`,
    });
    const { length } = prefixed(form, operand(0));
    const place: Placeable['place'] = (_, offsetOf) =>
      instructionOf(form, operand(offsetOf(memory.label) + memory.displacement - offsetOf(from.label)));
    return { length, place };
  }
  // mod 00, rm 101: 32 bits of displacement from the end of the instruction (SDM 2.2.1.6).
  const relative = (displacement: number): Operand => ({
    rex: form.reg >= 8 ? REX_R : 0,
    bytes: [modRM(0b00, form.reg, DISPLACEMENT_ONLY), ...signed(displacement, 4)],
    text: `${hexadecimal(displacement)}(%rip)`,
  });
  const { length } = prefixed(form, relative(0));
  return {
    length,
    place: (offset, offsetOf) =>
      instructionOf(form, relative(offsetOf(memory.label) + memory.displacement - offset - length)),
  };
}

/** A jump or call to a label: opcode and a displacement from the instruction's end. */
export function toLabel(
  opcode: readonly number[],
  size: 1 | 4,
  mnemonic: string,
  label: string,
  meaning: string,
): Placeable {
  const length = opcode.length + size;
  return {
    length,
    place: (offset, offsetOf) => {
      const displacement = offsetOf(label) - offset - length;
      if (size === 1 && (displacement < -128 || displacement > 127)) throw new RangeError(`${label} is too far away`);
      return {
        bytes: [...opcode, ...signed(displacement, size)],
        mnemonic,
        operands: `0x${offsetOf(label).toString(16)}`,
        meaning,
      };
    },
  };
}
