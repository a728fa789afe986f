/**
 * Trampolines of ppc64le (64-bit Power, little-endian).
 *
 * Power ISA, version 3.0 B, book I ("ISA" below): 3.3 for the fixed-point instructions, 2.4 and 2.5 for branches and CTR;
 * Power Architecture 64-Bit ELF V2 ABI Specification ("ELFv2" below), 2.2.1 and 2.3.2, for what a function expects in
 * which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { bits16, instruction, WORD, wordAt } from './words.js';

/**
 * r3 to r31 but r13, numbered as in instructions. A trampoline leaves r1, the stack pointer, r2, the TOC pointer of the
 * caller, and r13, the thread pointer, alone. r0 cannot be used: where a load has a base register, 0 means the value 0.
 */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 29 }, (_, index) => 3 + index)
  .filter((encoding) => encoding !== 13)
  .map((encoding) => ({ name: `r${encoding}`, number: encoding, encoding }));

const SLOT_SIZE = 56;

/** The instructions with all operand fields 0. */
const ADDIS = 0x3c000000;
const ORI = 0x60000000;
const ORIS = 0x64000000;
const RLDICR_32_31 = 0x780007c6; // RLDICR with sh = 32 and me = 31, both split over two fields each
const LD = 0xe8000000;
const MTCTR = 0x7c0903a6; // MTSPR with the split field of CTR's number, 9
const BCTR = 0x4e800420; // BCCTR with BO = 20, "always", and LK = 0
const TRAP = 0x7fe00008; // TW with TO = 31, "always", and both registers 0

/** The operand fields, where the encoding diagrams have them (from the left, bit 0 is the highest there). */
const fieldRT = (register: number) => register << 21; // bits 6 to 10, called RS in what reads it
const fieldRA = (register: number) => register << 16; // bits 11 to 15
const IMM16_MASK = 0xffff; // bits 16 to 31

/** Where the instructions that hold the 16 bits of an address stand, from the highest bits to the lowest: a shift is between. */
const IMMEDIATES = [0, WORD, 3 * WORD, 4 * WORD] as const;

/** LIS RT, imm16 (ISA: ADDIS with RA = 0): bits 16 to 31, sign-extended, which the shift removes; the lower ones are 0. */
function lis({ register: { name, encoding }, address }: SlotLoad, table: string): Instruction {
  const value = bits16(address, 48);
  return {
    ...instruction(
      ADDIS | fieldRT(encoding) | value,
      'lis',
      `${name},${(value << 16) >> 16}`,
      `${name} = address of the ${table} table's slot, bits 48 to 63 (0x${value.toString(16)})`,
    ),
    holds: { address, at: 0 },
  };
}

/**
 * ORI RA, RS, imm16 and ORIS RA, RS, imm16. Of r31 and 0, ORI is also what processors since POWER9 take for a barrier to
 * speculation: a table in r31 at such an address is slower to call, and does the same.
 */
function or(load: SlotLoad, mnemonic: 'ori' | 'oris', shift: 0 | 16 | 32): Instruction {
  const { name, encoding } = load.register;
  const value = bits16(load.address, shift);
  return instruction(
    (mnemonic === 'ori' ? ORI : ORIS) | fieldRT(encoding) | fieldRA(encoding) | value,
    mnemonic,
    `${name},${name},${value}`,
    `bits ${shift} to ${shift + 15} (0x${value.toString(16)})`,
  );
}

/** SLDI RA, RS, 32 (ISA: RLDICR RA, RS, 32, 31), without the record of a condition. */
function sldi32({ register: { name, encoding } }: SlotLoad): Instruction {
  const word = RLDICR_32_31 | fieldRT(encoding) | fieldRA(encoding);
  return instruction(word, 'sldi', `${name},${name},32`, 'they are the upper half');
}

/** LD RT, 0(RA), with the register's own value as the address. */
function ld({ register: { name, encoding } }: SlotLoad, table: string): Instruction {
  const word = LD | fieldRT(encoding) | fieldRA(encoding);
  return instruction(word, 'ld', `${name},0(${name})`, `${name} = what the ${table} table's slot holds`);
}

/** MTCTR RS (ISA: MTSPR CTR, RS). */
function mtctr({ register: { name, encoding } }: SlotLoad): Instruction {
  return instruction(MTCTR | fieldRT(encoding), 'mtctr', name, `ctr = the target that ${name} holds`);
}

/** BCTR (ISA: BCCTR 20, 0, 0). */
const bctr: Instruction = instruction(BCTR, 'bctr', '', 'jump to it');

/** TRAP (ISA: TW 31, 0, 0). Instructions stand at multiples of four only, so that no part of it is ever executed. */
const trap: Instruction = instruction(TRAP, 'trap', '', 'trap, not reached (SIGTRAP)');

function loadSlot(load: SlotLoad, table: string): Instruction[] {
  return [
    lis(load, table),
    or(load, 'ori', 32),
    sldi32(load),
    or(load, 'oris', 16),
    or(load, 'ori', 0),
    ld(load, table),
  ];
}

/**
 * Fourteen instructions, 56 bytes. The lowest bits of an address could be the displacement of the load and save two; they
 * would be signed, and the rest of the address another one then. Power has no landing pads.
 */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  return [...loadSlot(code, 'code'), ...loadSlot(data, 'data'), mtctr(code), bctr];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  for (let index = 0; index < IMMEDIATES.length; index++) {
    const offset = at + (IMMEDIATES[index] ?? 0);
    const half = index < 2 ? high : low;
    const value = (index % 2 === 0 ? half >>> 16 : half) & IMM16_MASK;
    code.setUint32(offset, (wordAt(code, offset) & ~IMM16_MASK) | value, true);
  }
}

/** The upper half of each instruction of a load, when its register is 0: opcode, RT and RA. None of them for the shift. */
const OPCODES = [15, 24, 30, 25, 24, 58] as const;

/** The register that the six instructions from offset `at` load through itself, or -1 when they do not. */
function readLoad(code: DataView, at: number): number {
  const register = (wordAt(code, at) >>> 21) & 0x1f;
  for (let index = 0; index < OPCODES.length; index++) {
    const word = wordAt(code, at + index * WORD);
    const [opcode, rt, ra] = [word >>> 26, (word >>> 21) & 0x1f, (word >>> 16) & 0x1f];
    // ADDIS has a register only where it adds to one.
    if (opcode !== OPCODES[index] || rt !== register || ra !== (index === 0 ? 0 : register)) return -1;
  }
  const shift = wordAt(code, at + 2 * WORD) & 0xffff;
  const displacement = wordAt(code, at + 5 * WORD) & 0xffff;
  // sh 00000, mb 11111 0, the extended opcode 001, sh's highest bit 1, no record; a displacement and an opcode of 0.
  return shift === 0b00000_111110_001_1_0 && displacement === 0 ? register : -1;
}

/** The 16 bits that two instructions hold, the upper ones first, as an integer of 32 bits. */
function readImmediates(code: DataView, upper: number, lower: number): number {
  return (wordAt(code, upper) & 0xffff) * 0x10000 + (wordAt(code, lower) & 0xffff);
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const dataLoad = at + 6 * WORD;
  const move = wordAt(code, dataLoad + 6 * WORD);
  const codeRegister = readLoad(code, at);
  const dataRegister = readLoad(code, dataLoad);
  if (codeRegister < 0 || dataRegister < 0) return undefined;
  // Opcode 31, the register, CTR's number with its halves exchanged, the extended opcode 467.
  if (
    move >>> 26 !== 31 ||
    ((move >>> 21) & 0x1f) !== codeRegister ||
    (move & 0x1fffff) !== 0b01001_00000_0111010011_0
  ) {
    return undefined;
  }
  if (wordAt(code, dataLoad + 7 * WORD) !== BCTR) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: readImmediates(code, at + 3 * WORD, at + 4 * WORD),
    codeHigh: readImmediates(code, at, at + WORD),
    dataLow: readImmediates(code, dataLoad + 3 * WORD, dataLoad + 4 * WORD),
    dataHigh: readImmediates(code, dataLoad, dataLoad + WORD),
  };
}

/** BCTR does not look at the lowest two bits of CTR, which keeps them. */
function jump(target: bigint): Registers {
  return { ctr: target, pc: target & ~3n };
}

/**
 * ppc64le. The target goes through r12 because a function that has a TOC of its own computes it from there: at its global
 * entry point, which is where function pointers point, r12 must hold the function's address (ELFv2 2.3.2.1). Another
 * register is for targets that do not look at it. r11 carries the data: it is the environment pointer's (ELFv2 2.2.1.1),
 * GCC's static chain, and libffi's closures find theirs there.
 *
 * There is no jump to a general register, so CTR changes. No function may expect anything in it: it is volatile, and who
 * called the trampoline through a pointer has used it for that.
 */
export const ppc64le: Architecture = {
  name: 'ppc64le',
  wordSize: 8,
  instructionAlignment: 4,
  pageSize: 65536, // what distributions build their kernels with; 4096 is the other choice
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r12',
  dataRegister: 'r11',
  trap,
  landingPad: 'none: Power has no enforcement of branch targets',
  jumpsThrough: 'ctr',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
};
