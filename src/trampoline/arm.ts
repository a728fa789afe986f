/**
 * Trampolines of arm (AArch32, A32 instructions, ARMv7 and later).
 *
 * Arm Architecture Reference Manual, ARMv7-A and ARMv7-R edition, DDI 0406 ("ARM" below), chapter A8.8; AAPCS32 6.1.1
 * for what a function expects in which register.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { armContextForm } from './arm_context.js';
import { udf } from './arm_instructions.js';
import { bits16, instruction, WORD, wordAt } from './words.js';

/** r0 to r12: a trampoline leaves the stack pointer (r13) and the link register (r14) alone. */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 13 }, (_, encoding) => ({
  name: `r${encoding}`,
  number: encoding,
  encoding,
}));

const SLOT_SIZE = 28;

/** The instructions with the condition "always" (1110 in bits 31 to 28) and all operand fields 0. */
const MOVW = 0xe3000000;
const MOVT = 0xe3400000;
const LDR = 0xe5900000;
const BX = 0xe12fff10;

/** The operand fields, where the encoding diagrams have them. */
const fieldRm = (register: number) => register; // bits 3 to 0
const fieldRd = (register: number) => register << 12; // bits 15 to 12, called Rt in loads
const fieldRn = (register: number) => register << 16; // bits 19 to 16
const fieldMovImm16 = (value: number) => ((value >>> 12) << 16) | (value & 0xfff); // imm4 in 19 to 16, imm12 in 11 to 0
const MOV_IMM16_MASK = 0x000f0fff;

/** MOVW Rd, #imm16 (ARM A8.8.102, encoding A2): the upper half becomes 0. */
function movw({ register, address }: SlotLoad, table: string): Instruction {
  const value = bits16(address, 0);
  return {
    ...instruction(
      MOVW | fieldMovImm16(value) | fieldRd(register.encoding),
      'movw',
      `${register.name}, #${value}`,
      `${register.name} = address of the ${table} table's slot, bits 0 to 15 (0x${value.toString(16)})`,
    ),
    holds: { address, at: 0 },
  };
}

/** MOVT Rd, #imm16 (ARM A8.8.106, encoding A1): the lower half stays. */
function movt({ register, address }: SlotLoad): Instruction {
  const value = bits16(address, 16);
  return instruction(
    MOVT | fieldMovImm16(value) | fieldRd(register.encoding),
    'movt',
    `${register.name}, #${value}`,
    `bits 16 to 31 (0x${value.toString(16)})`,
  );
}

/** LDR Rt, [Rn] (ARM A8.8.63, encoding A1, offset 0), with the register's own value as the address. */
function ldr({ register: { name, encoding } }: SlotLoad, table: string): Instruction {
  return instruction(
    LDR | fieldRn(encoding) | fieldRd(encoding),
    'ldr',
    `${name}, [${name}]`,
    `${name} = what the ${table} table's slot holds`,
  );
}

/** BX Rm (ARM A8.8.27, encoding A1): bit 0 of the target chooses between A32 and Thumb. */
function bx({ register: { name, encoding } }: SlotLoad): Instruction {
  return instruction(BX | fieldRm(encoding), 'bx', name, `jump to the target that ${name} holds`);
}

/** Seven instructions, 28 bytes. A32 has no landing pads: branch target identification is A64's. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  return [
    movw(code, 'code'),
    movt(code),
    ldr(code, 'code'),
    movw(data, 'data'),
    movt(data),
    ldr(data, 'data'),
    bx(code),
  ];
}

function placeAddress(code: DataView, at: number, low: number): void {
  for (const [offset, value] of [
    [at, low & 0xffff],
    [at + WORD, low >>> 16],
  ] as const) {
    code.setUint32(offset, (wordAt(code, offset) & ~MOV_IMM16_MASK) | fieldMovImm16(value), true);
  }
}

/** The register that MOVW and MOVT from offset `at` give an address of 32 bits, or -1 when they do not. */
function readMovAddress(code: DataView, at: number): number {
  const movwWord = wordAt(code, at);
  const movtWord = wordAt(code, at + WORD);
  const register = (movwWord >>> 12) & 0xf;
  const isMov = movwWord >>> 20 === MOVW >>> 20 && movtWord >>> 20 === MOVT >>> 20;
  return isMov && ((movtWord >>> 12) & 0xf) === register ? register : -1;
}

/** The immediate of MOVW or MOVT at offset `at`. */
function readImmediate(code: DataView, at: number): number {
  const word = wordAt(code, at);
  return ((word >>> 16) & 0xf) * 0x1000 + (word & 0xfff);
}

/** Whether LDR (offset 0, no write-back) at offset `at` loads `register` through itself. */
function isLoadOf(code: DataView, at: number, register: number): boolean {
  const word = wordAt(code, at);
  const [rn, rt, offset] = [(word >>> 16) & 0xf, (word >>> 12) & 0xf, word & 0xfff];
  return word >>> 20 === LDR >>> 20 && rn === register && rt === register && offset === 0;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const codeLoad = at + 2 * WORD;
  const dataMov = codeLoad + WORD;
  const dataLoad = dataMov + 2 * WORD;
  const branch = wordAt(code, dataLoad + WORD);
  const codeRegister = readMovAddress(code, at);
  const dataRegister = readMovAddress(code, dataMov);
  if (codeRegister < 0 || dataRegister < 0) return undefined;
  if (!isLoadOf(code, codeLoad, codeRegister) || !isLoadOf(code, dataLoad, dataRegister)) return undefined;
  if (branch >>> 4 !== BX >>> 4 || (branch & 0xf) !== codeRegister) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: readImmediate(code, at + WORD) * 0x10000 + readImmediate(code, at),
    codeHigh: 0,
    dataLow: readImmediate(code, dataMov + WORD) * 0x10000 + readImmediate(code, dataMov),
    dataHigh: 0,
  };
}

/** The T bit of the program status register: set in Thumb state (ARM B1.3.3). */
const CPSR_T = 1n << 5n;

/** BX: bit 0 of the target goes to the T bit. Bit 1 alone is unpredictable, and none of a trampoline's making. */
function jump(target: bigint, { cpsr }: Registers): Registers {
  if (cpsr === undefined) {
    throw new TrampfdError('EINVAL', 'jump of arm: the registers have no cpsr, whose T bit it sets; give it');
  }
  const thumb = (target & 1n) === 1n;
  return { pc: target & ~1n, cpsr: thumb ? cpsr | CPSR_T : cpsr & ~CPSR_T };
}

/**
 * arm. r12 (ip) carries the data because libffi's closures find theirs there; it is the one register that is neither an
 * argument's nor the caller's. The target takes r3, the argument register that is used last: functions of up to three
 * words of arguments lose nothing by it.
 */
export const arm: Architecture = {
  name: 'arm',
  wordSize: 4,
  instructionAlignment: 4,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r3',
  dataRegister: 'r12',
  trap: udf,
  landingPad: 'none: A32 code has no enforcement of branch targets',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
  context: armContextForm,
};
