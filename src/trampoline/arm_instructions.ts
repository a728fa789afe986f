/**
 * The instructions of A32 that the code of a context is written with, and the trap that fills its page and a table's.
 *
 * Arm Architecture Reference Manual, ARMv7-A and ARMv7-R edition, DDI 0406 ("ARM" below), chapter A8.8, where the
 * instructions stand in the order of their names. Operands stand in the manual's order. All have the condition "always"
 * unless they say otherwise, and none touches the flags that has no S at its end, TST and CMP apart.
 *
 * @module
 */
import type { Instruction } from './architecture.js';
import type { Placeable } from './labels.js';
import { instruction, WORD } from './words.js';

/** A core register. */
export interface Register {
  readonly name: string;
  /** Its number in instructions. */
  readonly encoding: number;
}

/** r0 to r12. */
export function r(encoding: number): Register {
  return { name: `r${encoding}`, encoding };
}

export const sp: Register = { name: 'sp', encoding: 13 };
export const pc: Register = { name: 'pc', encoding: 15 };

/** What the program counter reads as, from the instruction that reads it (ARM A2.3). */
const PC_AHEAD = 8;

/** The conditions (ARM A8.3): always, Z clear, N set. */
const CONDITIONS = { '': 0b1110, ne: 0b0001, mi: 0b0100 } as const;
type Condition = keyof typeof CONDITIONS;

/** The instructions with all fields 0, that of the condition too where there is one. */
const ADD_IMMEDIATE = 0x02800000;
const SUB_IMMEDIATE = 0x02400000;
const SUBS_IMMEDIATE = 0x02500000;
const TST_IMMEDIATE = 0x03100000;
const CMP_REGISTER = 0x01500000;
const ADD_REGISTER = 0x00800000;
const SUB_REGISTER = 0x00400000;
const AND_REGISTER = 0x00000000;
const MOVW = 0x03000000;
const LDR_OFFSET = 0x05900000;
const STR_OFFSET = 0x05800000;
const LDR_POST_INDEX = 0x04900000;
const STR_POST_INDEX = 0x04800000;
const STR_REGISTER = 0x07800000;
const STRB_NEGATIVE_OFFSET = 0x05400000;
const LDM = 0x08900000;
const STMIB = 0x09800000;
const MRS = 0x010f0000;
const MSR_F = 0x0128f000;
const B = 0x0a000000;
const UDF = 0xe7f000f0;
const DMB_ISH = 0xf57ff05b;

/** The operand fields, where the encoding diagrams have them. */
const fieldCond = (condition: Condition) => CONDITIONS[condition] << 28; // bits 31 to 28
const fieldRn = ({ encoding }: Register) => encoding << 16; // bits 19 to 16
const fieldRd = ({ encoding }: Register) => encoding << 12; // bits 15 to 12, called Rt in loads and stores
const fieldRm = ({ encoding }: Register) => encoding; // bits 3 to 0
const fieldMovImm16 = (value: number) => ((value >>> 12) << 16) | (value & 0xfff); // imm4 in 19 to 16, imm12 in 11 to 0
const fieldUdfImm16 = (value: number) => ((value >>> 4) << 8) | (value & 0xf); // imm12 in 19 to 8, imm4 in 3 to 0
const fieldImm24 = (words: number) => words & 0xffffff; // bits 23 to 0
const fieldList = (registers: readonly Register[]) =>
  registers.reduce((bits, { encoding }) => bits | (1 << encoding), 0);

const ALWAYS = fieldCond('');

/**
 * A modified immediate (ARM A5.2.4): 8 bits, rotated right by twice a number of 4 bits.
 *
 * @throws RangeError where the value has none: an error of ours
 */
function fieldModifiedImmediate(value: number): number {
  for (let rotation = 0; rotation < 16; rotation++) {
    const rotatedLeft = ((value << (2 * rotation)) | (rotation === 0 ? 0 : value >>> (32 - 2 * rotation))) >>> 0;
    if (rotatedLeft < 0x100) return (rotation << 8) | rotatedLeft;
  }
  throw new RangeError(`${value} is no modified immediate`);
}

/** A register's memory, as loads and stores write it. */
function memoryText({ name }: Register, offset: number): string {
  return offset === 0 ? `[${name}]` : `[${name}, #${offset}]`;
}

const listText = (registers: readonly Register[]) => `{${registers.map(({ name }) => name).join(', ')}}`;

/**
 * UDF #0xfdee (encoding A1). Of the 65,536 undefined instructions this one also stops a processor that arrives in Thumb
 * state: its first halfword, 0xdefe, is Thumb's own UDF. That of UDF #0 would be a shift.
 */
export const udf: Instruction = instruction(UDF | fieldUdfImm16(0xfdee), 'udf', '#65006', 'trap, not reached (SIGILL)');

/** DMB ISH (encoding A1): no processor sees what is behind it before what is before it. */
export function dmbIsh(meaning: string): Instruction {
  return instruction(DMB_ISH, 'dmb', 'ish', meaning);
}

/** ADD Rd, Rn, #const (encoding A1). */
export function addImmediate(
  to: Register,
  from: Register,
  value: number,
  meaning: string,
  condition: Condition = '',
): Instruction {
  const word = fieldCond(condition) | ADD_IMMEDIATE | fieldRn(from) | fieldRd(to) | fieldModifiedImmediate(value);
  return instruction(word, `add${condition}`, `${to.name}, ${from.name}, #${value}`, meaning);
}

/** SUB Rd, Rn, #const (encoding A1). */
export function subImmediate(to: Register, from: Register, value: number, meaning: string): Instruction {
  const word = ALWAYS | SUB_IMMEDIATE | fieldRn(from) | fieldRd(to) | fieldModifiedImmediate(value);
  return instruction(word, 'sub', `${to.name}, ${from.name}, #${value}`, meaning);
}

/** SUBS Rd, Rd, #1: Z is set where nothing is left, N where nothing was. */
export function countDown(counter: Register, meaning: string): Instruction {
  const word = ALWAYS | SUBS_IMMEDIATE | fieldRn(counter) | fieldRd(counter) | fieldModifiedImmediate(1);
  return instruction(word, 'subs', `${counter.name}, ${counter.name}, #1`, meaning);
}

/** TST Rn, #const (encoding A1). */
export function tst(register: Register, bits: number, meaning: string): Instruction {
  const word = ALWAYS | TST_IMMEDIATE | fieldRn(register) | fieldModifiedImmediate(bits);
  return instruction(word, 'tst', `${register.name}, #${bits}`, meaning);
}

/** CMP Rn, Rm (encoding A1, no shift). */
export function cmp(left: Register, right: Register, meaning: string): Instruction {
  const word = ALWAYS | CMP_REGISTER | fieldRn(left) | fieldRm(right);
  return instruction(word, 'cmp', `${left.name}, ${right.name}`, meaning);
}

const REGISTER_OPERATIONS: Readonly<Record<'add' | 'sub' | 'and', number>> = {
  add: ADD_REGISTER,
  sub: SUB_REGISTER,
  and: AND_REGISTER,
};

/** ADD, SUB, AND (register, encoding A1, no shift): Rd = Rn and Rm. */
export function arithmetic(
  operation: 'add' | 'sub' | 'and',
  to: Register,
  left: Register,
  right: Register,
  meaning: string,
): Instruction {
  const word = ALWAYS | REGISTER_OPERATIONS[operation] | fieldRn(left) | fieldRd(to) | fieldRm(right);
  return instruction(word, operation, `${to.name}, ${left.name}, ${right.name}`, meaning);
}

/** MOVW Rd, #imm16 (encoding A2): what is to be added to the program counter in the next instruction, for a label. */
export function movwDistance(to: Register, label: string, meaning: string): Placeable {
  return {
    length: WORD,
    place: (at, offsetOf) => {
      const distance = offsetOf(label) - (at + WORD + PC_AHEAD);
      return instruction(
        ALWAYS | MOVW | fieldMovImm16(distance) | fieldRd(to),
        'movw',
        `${to.name}, #${distance}`,
        meaning,
      );
    },
  };
}

/** LDR Rt, [Rn, #offset] (encoding A1). */
export function ldr(to: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = ALWAYS | LDR_OFFSET | fieldRn(base) | fieldRd(to) | offset;
  return instruction(word, 'ldr', `${to.name}, ${memoryText(base, offset)}`, meaning);
}

/** STR Rt, [Rn, #offset] (encoding A1). */
export function str(from: Register, base: Register, offset: number, meaning: string): Instruction {
  const word = ALWAYS | STR_OFFSET | fieldRn(base) | fieldRd(from) | offset;
  return instruction(word, 'str', `${from.name}, ${memoryText(base, offset)}`, meaning);
}

/**
 * LDR Rt, [Rn], #step (encoding A1): the base moves on. Loading the program counter jumps, and bit 0 of what is loaded
 * chooses between A32 and Thumb, as with BX (ARM A2.3.1).
 */
export function ldrPost(to: Register, base: Register, step: number, meaning: string): Instruction {
  const word = ALWAYS | LDR_POST_INDEX | fieldRn(base) | fieldRd(to) | step;
  return instruction(word, 'ldr', `${to.name}, [${base.name}], #${step}`, meaning);
}

/** STR Rt, [Rn], #step (encoding A1): the base moves on. */
export function strPost(from: Register, base: Register, step: number, meaning: string): Instruction {
  const word = ALWAYS | STR_POST_INDEX | fieldRn(base) | fieldRd(from) | step;
  return instruction(word, 'str', `${from.name}, [${base.name}], #${step}`, meaning);
}

/** STR Rt, [Rn, Rm] (register, encoding A1, no shift). */
export function strIndexed(from: Register, base: Register, index: Register, meaning: string): Instruction {
  const word = ALWAYS | STR_REGISTER | fieldRn(base) | fieldRd(from) | fieldRm(index);
  return instruction(word, 'str', `${from.name}, [${base.name}, ${index.name}]`, meaning);
}

/**
 * STRB Rt, [PC, #-offset] (encoding A1): to a label that is before it. The manual defines the program counter as a base
 * of stores, though it deprecates it.
 */
export function strbToLabel(from: Register, label: string, meaning: string): Placeable {
  return {
    length: WORD,
    place: (at, offsetOf) => {
      const offset = at + PC_AHEAD - offsetOf(label);
      const word = ALWAYS | STRB_NEGATIVE_OFFSET | fieldRn(pc) | fieldRd(from) | offset;
      return instruction(word, 'strb', `${from.name}, ${memoryText(pc, -offset)}`, meaning);
    },
  };
}

/** LDM Rn, {registers} (encoding A1): from the base on. The base may be among them, for it does not move on. */
export function ldm(base: Register, registers: readonly Register[], meaning: string): Instruction {
  const word = ALWAYS | LDM | fieldRn(base) | fieldList(registers);
  return instruction(word, 'ldm', `${base.name}, ${listText(registers)}`, meaning);
}

/** STMIB Rn, {registers} (encoding A1): from the word behind the base on. */
export function stmib(base: Register, registers: readonly Register[], meaning: string): Instruction {
  const word = ALWAYS | STMIB | fieldRn(base) | fieldList(registers);
  return instruction(word, 'stmib', `${base.name}, ${listText(registers)}`, meaning);
}

/** MRS Rd, APSR (encoding A1), which objdump calls by the name of the register that has it. */
export function mrs(to: Register, meaning: string): Instruction {
  return instruction(ALWAYS | MRS | fieldRd(to), 'mrs', `${to.name}, CPSR`, meaning);
}

/** MSR APSR_nzcvq, Rn (encoding A1): these five flags. */
export function msrFlags(from: Register, meaning: string): Instruction {
  return instruction(ALWAYS | MSR_F | fieldRm(from), 'msr', `CPSR_f, ${from.name}`, meaning);
}

/** B label (encoding A1), always or on a condition. */
export function b(label: string, meaning: string, condition: Condition = ''): Placeable {
  return {
    length: WORD,
    place: (at, offsetOf) => {
      const target = offsetOf(label);
      const word = fieldCond(condition) | B | fieldImm24((target - at - PC_AHEAD) / WORD);
      return instruction(word, `b${condition}`, `0x${target.toString(16)}`, meaning);
    },
  };
}
