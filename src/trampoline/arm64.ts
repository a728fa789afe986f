/**
 * Trampolines of arm64 (AArch64, A64 instructions).
 *
 * Arm Architecture Reference Manual for A-profile, DDI 0487 ("ARM" below), chapter C6.2, where the instructions
 * stand in the order of their names; AAPCS64 6.1.1 for what a function expects in which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { arm64ContextForm } from './arm64_context.js';
import { BR, BTI_C, br, brk, btiC } from './arm64_instructions.js';
import { bits16, instruction, WORD, wordAt } from './words.js';

/** x0 to x29: a trampoline leaves the link register (x30) and the stack pointer alone. */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 30 }, (_, encoding) => ({
  name: `x${encoding}`,
  number: 13 + encoding,
  encoding,
}));

const SLOT_SIZE = 48;

/** The instructions with all operand fields 0. */
const MOVZ = 0xd2800000;
const MOVK = 0xf2800000;
const LDR = 0xf9400000;

/** The operand fields, where the encoding diagrams have them. */
const fieldRd = (register: number) => register; // bits 4 to 0, called Rt in loads
const fieldRn = (register: number) => register << 5; // bits 9 to 5
const fieldImm16 = (value: number) => value << 5; // bits 20 to 5
const fieldHw = (shift: number) => (shift / 16) << 21; // bits 22 and 21
const RD_MASK = 0x1f;
const IMM16_MASK = 0xffff << 5;

/** The shifts of the four instructions that make up an address of 64 bits. */
const SHIFTS = [0, 16, 32, 48] as const;

/** MOVZ Xd, #imm16: the other bits become 0. objdump prints its preferred name, mov. */
function movz({ register, address }: SlotLoad, table: string): Instruction {
  const value = bits16(address, 0);
  return {
    ...instruction(
      MOVZ | fieldHw(0) | fieldImm16(value) | fieldRd(register.encoding),
      'mov',
      `${register.name}, #0x${value.toString(16)}`,
      `${register.name} = address of the ${table} table's slot, bits 0 to 15`,
    ),
    holds: { address, at: 0 },
  };
}

/** MOVK Xd, #imm16, LSL #shift: the other bits stay. */
function movk({ register, address }: SlotLoad, shift: 16 | 32 | 48): Instruction {
  const value = bits16(address, shift);
  return instruction(
    MOVK | fieldHw(shift) | fieldImm16(value) | fieldRd(register.encoding),
    'movk',
    `${register.name}, #0x${value.toString(16)}, lsl #${shift}`,
    `bits ${shift} to ${shift + 15}`,
  );
}

/** LDR Xt, [Xn] (ARM: LDR (immediate), unsigned offset, here 0), with the register's own value as the address. */
function ldr({ register: { name, encoding } }: SlotLoad, table: string): Instruction {
  return instruction(
    LDR | fieldRn(encoding) | fieldRd(encoding),
    'ldr',
    `${name}, [${name}]`,
    `${name} = what the ${table} table's slot holds`,
  );
}

function loadSlot(load: SlotLoad, table: string): Instruction[] {
  return [movz(load, table), movk(load, 16), movk(load, 32), movk(load, 48), ldr(load, table)];
}

/** Twelve instructions, 48 bytes: the landing pad stands where the proposal's form had a word of padding at its end. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  return [
    btiC(),
    ...loadSlot(code, 'code'),
    ...loadSlot(data, 'data'),
    br(code.register, `jump to the target that ${code.register.name} holds`),
  ];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  for (const shift of SHIFTS) {
    const value = ((shift < 32 ? low : high) >>> (shift % 32)) & 0xffff;
    const offset = at + (shift / 16) * WORD;
    code.setUint32(offset, (wordAt(code, offset) & ~IMM16_MASK) | fieldImm16(value), true);
  }
}

/** The register that MOVZ and three MOVK from offset `at` give an address of 64 bits, or -1 when they do not. */
function readMovAddress(code: DataView, at: number): number {
  const register = wordAt(code, at) & RD_MASK;
  for (let index = 0; index < 4; index++) {
    const opcode = index === 0 ? 0b1_10_100101 : 0b1_11_100101; // sf, opc, and the class "move wide"
    const word = wordAt(code, at + index * WORD);
    if (word >>> 23 !== opcode || ((word >>> 21) & 0b11) !== index || (word & RD_MASK) !== register) return -1;
  }
  return register;
}

/** The immediates of two such instructions, the lower half first, as an integer of 32 bits. */
function readImmediates(code: DataView, at: number): number {
  const lower = (wordAt(code, at) >>> 5) & 0xffff;
  const upper = (wordAt(code, at + WORD) >>> 5) & 0xffff;
  return upper * 0x10000 + lower;
}

/** Whether LDR (64 bits, unsigned offset 0) at offset `at` loads `register` through itself. */
function isLoadOf(code: DataView, at: number, register: number): boolean {
  const word = wordAt(code, at);
  return word >>> 10 === LDR >>> 10 && ((word >>> 5) & 0x1f) === register && (word & RD_MASK) === register;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const codeMov = at + WORD;
  const codeLoad = codeMov + 4 * WORD;
  const dataMov = codeLoad + WORD;
  const dataLoad = dataMov + 4 * WORD;
  const branch = wordAt(code, dataLoad + WORD);
  const codeRegister = readMovAddress(code, codeMov);
  const dataRegister = readMovAddress(code, dataMov);
  if (wordAt(code, at) !== BTI_C || codeRegister < 0 || dataRegister < 0) return undefined;
  if (!isLoadOf(code, codeLoad, codeRegister) || !isLoadOf(code, dataLoad, dataRegister)) return undefined;
  if (branch >>> 10 !== BR >>> 10 || ((branch >>> 5) & 0x1f) !== codeRegister || (branch & 0x1f) !== 0)
    return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: readImmediates(code, codeMov),
    codeHigh: readImmediates(code, codeMov + 2 * WORD),
    dataLow: readImmediates(code, dataMov),
    dataHigh: readImmediates(code, dataMov + 2 * WORD),
  };
}

function jump(target: bigint): Registers {
  return { pc: target };
}

/**
 * arm64. x17 carries the data because libffi's closures find theirs there. The target goes through x16 because of
 * branch target identification: from a guarded page, BR reaches a function that begins with `bti c` or `paciasp` only
 * through x16 or x17 (ARM: PSTATE.BTYPE); through another register it would need `bti j`. Both are the linker's scratch
 * registers, so no caller expects them kept.
 */
export const arm64: Architecture = {
  name: 'arm64',
  wordSize: 8,
  instructionAlignment: 4,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'x16',
  dataRegister: 'x17',
  trap: brk,
  landingPad: 'bti c, so it can be called where branch targets are enforced (BTI)',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
  context: arm64ContextForm,
};
