/**
 * The instructions of A64 that the code of a context is written with, and those that a table's slot shares with it.
 *
 * Arm Architecture Reference Manual for A-profile, DDI 0487 ("ARM" below), chapter C6.2, where the instructions stand
 * in the order of their names. All work on 64 bits unless they say otherwise. Operands stand in the manual's order.
 *
 * @module
 */
import type { Instruction } from './architecture.js';
import type { Placeable } from './labels.js';
import { instruction, WORD } from './words.js';

/** A general register; number 31 is the stack pointer or zero, as the instruction has it. */
export interface Register {
  readonly name: string;
  /** Its number in instructions. */
  readonly encoding: number;
}

/** x0 to x30. */
export function x(encoding: number): Register {
  return { name: `x${encoding}`, encoding };
}

export const sp: Register = { name: 'sp', encoding: 31 };

/** The instructions with all operand fields 0. */
export const BTI_C = 0xd503245f;
export const BR = 0xd61f0000;
const BRK = 0xd4200000;
const DMB_ISHLD = 0xd50339bf;
const ADR = 0x10000000;
const MOVZ = 0xd2800000;
const ADD_IMMEDIATE = 0x91000000;
const SUB_IMMEDIATE = 0xd1000000;
const ADD_REGISTER = 0x8b000000;
const SUB_REGISTER = 0xcb000000;
const AND_REGISTER = 0x8a000000;
const LDR_UNSIGNED_OFFSET = 0xf9400000;
const STR_UNSIGNED_OFFSET = 0xf9000000;
const LDR_POST_INDEX = 0xf8400400;
const STR_POST_INDEX = 0xf8000400;
const STR_REGISTER = 0xf8206800; // the index as it is: option 011 (LSL), S 0
const STRB_UNSIGNED_OFFSET = 0x39000000;
const LDP_SIGNED_OFFSET = 0xa9400000;
const STP_SIGNED_OFFSET = 0xa9000000;
const LDP_POST_INDEX = 0xa8c00000;
const LDAR = 0xc8dffc00;
const B = 0x14000000;
const CBZ = 0xb4000000;
const CBNZ = 0xb5000000;
const TBZ = 0x36000000;
const TBNZ = 0x37000000;

/** The operand fields, where the encoding diagrams have them. */
const fieldRd = ({ encoding }: Register) => encoding; // bits 4 to 0, called Rt in loads and stores
const fieldRn = ({ encoding }: Register) => encoding << 5; // bits 9 to 5
const fieldRt2 = ({ encoding }: Register) => encoding << 10; // bits 14 to 10
const fieldRm = ({ encoding }: Register) => encoding << 16; // bits 20 to 16
const fieldImm16 = (value: number) => value << 5; // bits 20 to 5
const fieldImm12 = (value: number) => value << 10; // bits 21 to 10
const fieldImm9 = (value: number) => (value & 0x1ff) << 12; // bits 20 to 12
const fieldImm7 = (words: number) => (words & 0x7f) << 15; // bits 21 to 15
const fieldImm26 = (words: number) => words & 0x3ffffff; // bits 25 to 0
const fieldImm19 = (words: number) => (words & 0x7ffff) << 5; // bits 23 to 5
const fieldImm14 = (words: number) => (words & 0x3fff) << 5; // bits 18 to 5
const fieldB40 = (bit: number) => bit << 19; // bits 23 to 19: the number of a bit up to 31
const fieldImm21 = (bytes: number) => ((bytes & 0b11) << 29) | (((bytes >> 2) & 0x7ffff) << 5); // immlo, immhi

/** The registers' width in bytes, by which loads and stores scale their offsets. */
const SCALE = 8;

const hexadecimal = (value: number) => `#0x${value.toString(16)}`;

/** A register's memory, as loads and stores write it. */
function memoryText({ name }: Register, offset: number): string {
  return offset === 0 ? `[${name}]` : `[${name}, #${offset}]`;
}

/** An instruction that names a label: `field` takes the distance in bytes. */
function toLabel(
  word: number,
  field: (distance: number) => number,
  mnemonic: string,
  register: string,
  label: string,
  meaning: string,
): Placeable {
  return {
    length: WORD,
    place: (at, offsetOf) => {
      const target = offsetOf(label);
      const operands = `${register === '' ? '' : `${register}, `}0x${target.toString(16)}`;
      return instruction(word | field(target - at), mnemonic, operands, meaning);
    },
  };
}

/** BTI c: a hint, and no operation where the page or the processor knows of no branch targets. */
export function btiC(): Instruction {
  return instruction(BTI_C, 'bti', 'c', 'landing pad: an indirect call may arrive here');
}

/** BR Xn. */
export function br(target: Register, meaning: string): Instruction {
  return instruction(BR | fieldRn(target), 'br', target.name, meaning);
}

/**
 * BRK #0. A zero word (UDF #0) would trap as well, but nothing would tell a page that was filled from one
 * that nobody ever wrote.
 */
export const brk: Instruction = instruction(BRK | fieldImm16(0), 'brk', '#0x0', 'trap, not reached (SIGTRAP)');

/** DMB ISHLD: what is loaded before it is loaded before all that comes behind it. */
export function dmbIshld(meaning: string): Instruction {
  return instruction(DMB_ISHLD, 'dmb', 'ishld', meaning);
}

/** ADR Xd, label: up to 1 MiB away. */
export function adr(to: Register, label: string, meaning: string): Placeable {
  return toLabel(ADR | fieldRd(to), fieldImm21, 'adr', to.name, label, meaning);
}

/** MOVZ Xd, #imm16. objdump prints its preferred name, mov. */
export function movz(to: Register, value: number, meaning: string): Instruction {
  return instruction(MOVZ | fieldImm16(value) | fieldRd(to), 'mov', `${to.name}, ${hexadecimal(value)}`, meaning);
}

/** ADD Xd|SP, Xn|SP, #imm12. */
export function addImmediate(to: Register, from: Register, value: number, meaning: string): Instruction {
  const word = ADD_IMMEDIATE | fieldImm12(value) | fieldRn(from) | fieldRd(to);
  return instruction(word, 'add', `${to.name}, ${from.name}, ${hexadecimal(value)}`, meaning);
}

/** SUB Xd|SP, Xn|SP, #imm12. */
export function subImmediate(to: Register, from: Register, value: number, meaning: string): Instruction {
  const word = SUB_IMMEDIATE | fieldImm12(value) | fieldRn(from) | fieldRd(to);
  return instruction(word, 'sub', `${to.name}, ${from.name}, ${hexadecimal(value)}`, meaning);
}

/** MOV SP, Xn: an ADD of 0, and the preferred name of it. */
export function moveToStackPointer(from: Register, meaning: string): Instruction {
  return instruction(ADD_IMMEDIATE | fieldRn(from) | fieldRd(sp), 'mov', `sp, ${from.name}`, meaning);
}

const REGISTER_OPERATIONS: Readonly<Record<'add' | 'sub' | 'and', number>> = {
  add: ADD_REGISTER,
  sub: SUB_REGISTER,
  and: AND_REGISTER,
};

/** ADD, SUB, AND (shifted register, here by 0): Xd = Xn and Xm. They touch no flag. */
export function arithmetic(
  operation: 'add' | 'sub' | 'and',
  to: Register,
  left: Register,
  right: Register,
  meaning: string,
): Instruction {
  const word = REGISTER_OPERATIONS[operation] | fieldRm(right) | fieldRn(left) | fieldRd(to);
  return instruction(word, operation, `${to.name}, ${left.name}, ${right.name}`, meaning);
}

/** LDR Xt, [Xn, #offset]. */
export function ldr(to: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = LDR_UNSIGNED_OFFSET | fieldImm12(offset / SCALE) | fieldRn(base) | fieldRd(to);
  return instruction(word, 'ldr', `${to.name}, ${memoryText(base, offset)}`, meaning);
}

/** STR Xt, [Xn, #offset]. */
export function str(from: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = STR_UNSIGNED_OFFSET | fieldImm12(offset / SCALE) | fieldRn(base) | fieldRd(from);
  return instruction(word, 'str', `${from.name}, ${memoryText(base, offset)}`, meaning);
}

/** LDR Xt, [Xn], #step: the base moves on. */
export function ldrPost(to: Register, base: Register, step: number, meaning: string): Instruction {
  const word = LDR_POST_INDEX | fieldImm9(step) | fieldRn(base) | fieldRd(to);
  return instruction(word, 'ldr', `${to.name}, [${base.name}], #${step}`, meaning);
}

/** STR Xt, [Xn], #step: the base moves on. */
export function strPost(from: Register, base: Register, step: number, meaning: string): Instruction {
  const word = STR_POST_INDEX | fieldImm9(step) | fieldRn(base) | fieldRd(from);
  return instruction(word, 'str', `${from.name}, [${base.name}], #${step}`, meaning);
}

/** STR Xt, [Xn, Xm]. */
export function strIndexed(from: Register, base: Register, index: Register, meaning: string): Instruction {
  const word = STR_REGISTER | fieldRm(index) | fieldRn(base) | fieldRd(from);
  return instruction(word, 'str', `${from.name}, [${base.name}, ${index.name}]`, meaning);
}

/** STRB WZR, [Xn]: a byte of 0. */
export function strbZero(base: Register, meaning: string): Instruction {
  const zero = { name: 'wzr', encoding: 31 };
  return instruction(
    STRB_UNSIGNED_OFFSET | fieldRn(base) | fieldRd(zero),
    'strb',
    `${zero.name}, ${memoryText(base, 0)}`,
    meaning,
  );
}

/** LDP Xt1, Xt2, [Xn, #offset]. The base may be one of the two. */
export function ldp(first: Register, second: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = LDP_SIGNED_OFFSET | fieldImm7(offset / SCALE) | fieldRt2(second) | fieldRn(base) | fieldRd(first);
  return instruction(word, 'ldp', `${first.name}, ${second.name}, ${memoryText(base, offset)}`, meaning);
}

/** STP Xt1, Xt2, [Xn, #offset]. */
export function stp(first: Register, second: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = STP_SIGNED_OFFSET | fieldImm7(offset / SCALE) | fieldRt2(second) | fieldRn(base) | fieldRd(first);
  return instruction(word, 'stp', `${first.name}, ${second.name}, ${memoryText(base, offset)}`, meaning);
}

/** LDP Xt1, Xt2, [Xn], #step: the base moves on. */
export function ldpPost(first: Register, second: Register, base: Register, step: number, meaning: string): Instruction {
  const word = LDP_POST_INDEX | fieldImm7(step / SCALE) | fieldRt2(second) | fieldRn(base) | fieldRd(first);
  return instruction(word, 'ldp', `${first.name}, ${second.name}, [${base.name}], #${step}`, meaning);
}

/** LDAR Xt, [Xn]: what comes behind it is loaded behind it. */
export function ldar(to: Register, base: Register, meaning: string): Instruction {
  return instruction(LDAR | fieldRn(base) | fieldRd(to), 'ldar', `${to.name}, ${memoryText(base, 0)}`, meaning);
}

/** B label. */
export function b(label: string, meaning: string): Placeable {
  return toLabel(B, (distance) => fieldImm26(distance / WORD), 'b', '', label, meaning);
}

/** CBZ Xt, label: no flag is read. */
export function cbz(register: Register, label: string, meaning: string): Placeable {
  const word = CBZ | fieldRd(register);
  return toLabel(word, (distance) => fieldImm19(distance / WORD), 'cbz', register.name, label, meaning);
}

/** CBNZ Xt, label. */
export function cbnz(register: Register, label: string, meaning: string): Placeable {
  const word = CBNZ | fieldRd(register);
  return toLabel(word, (distance) => fieldImm19(distance / WORD), 'cbnz', register.name, label, meaning);
}

/** TBZ Rt, #bit, label: for one of the lower 32 bits, where Rt is written as a register of 32. */
export function tbz(register: Register, bit: number, label: string, meaning: string): Placeable {
  const word = TBZ | fieldB40(bit) | fieldRd(register);
  const text = `w${register.encoding}, #${bit}`;
  return toLabel(word, (distance) => fieldImm14(distance / WORD), 'tbz', text, label, meaning);
}

/** TBNZ Rt, #bit, label. */
export function tbnz(register: Register, bit: number, label: string, meaning: string): Placeable {
  const word = TBNZ | fieldB40(bit) | fieldRd(register);
  const text = `w${register.encoding}, #${bit}`;
  return toLabel(word, (distance) => fieldImm14(distance / WORD), 'tbnz', text, label, meaning);
}
