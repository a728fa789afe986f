/**
 * Trampolines of loongarch64.
 *
 * LoongArch Reference Manual, volume 1: Basic Architecture ("LRM" below), chapter 2.2 and appendix B, which has the
 * encodings; Procedure Call Standard for the LoongArch Architecture, "Register Usage Convention", for what a function
 * expects in which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { instruction, WORD, wordAt } from './words.js';

/**
 * r4 to r31 but r21, numbered as in instructions. A trampoline leaves the others alone: r0 is zero, r1 the return address,
 * r2 the thread pointer, r3 the stack pointer; r21 is reserved by the calling convention, for nobody to write.
 */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 28 }, (_, index) => 4 + index)
  .filter((encoding) => encoding !== 21)
  .map((encoding) => ({ name: `r${encoding}`, number: encoding, encoding }));

const SLOT_SIZE = 44;

/** The instructions with all operand fields 0. */
const LU12I_W = 0x14000000;
const ORI = 0x03800000;
const LU32I_D = 0x16000000;
const LU52I_D = 0x03000000;
const LD_D = 0x28c00000;
const JIRL = 0x4c000000;
const BREAK = 0x002a0000;

/** The operand fields, where the encoding diagrams have them. */
const fieldRd = (register: number) => register; // bits 4 to 0
const fieldRj = (register: number) => register << 5; // bits 9 to 5
const fieldImm12 = (value: number) => value << 10; // bits 21 to 10
const fieldImm20 = (value: number) => value << 5; // bits 24 to 5
const IMM12_MASK = 0xfff << 10;
const IMM20_MASK = 0xfffff << 5;

/** Bits `shift` up to `shift + bits - 1` of an address. */
function part(address: bigint, shift: number, bits: 12 | 20): number {
  return Number((address >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));
}

/** The lower `bits` of a value as the signed integer that the assembler takes for them. */
function signed(value: number, bits: 12 | 20): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** LU12I.W rd, si20 (LRM 2.2.1.5): bits 12 to 31, sign-extended; the lower ones become 0. */
function lu12i({ register: { name, encoding }, address }: SlotLoad, table: string): Instruction {
  const value = part(address, 12, 20);
  return {
    ...instruction(
      LU12I_W | fieldImm20(value) | fieldRd(encoding),
      'lu12i.w',
      `$${name}, ${signed(value, 20)}`,
      `${name} = address of the ${table} table's slot, bits 12 to 31 (0x${value.toString(16)})`,
    ),
    holds: { address, at: 0 },
  };
}

/** ORI rd, rj, ui12 (LRM 2.2.1.8). */
function ori({ register: { name, encoding }, address }: SlotLoad): Instruction {
  const value = part(address, 0, 12);
  return instruction(
    ORI | fieldImm12(value) | fieldRj(encoding) | fieldRd(encoding),
    'ori',
    `$${name}, $${name}, ${value}`,
    `bits 0 to 11 (0x${value.toString(16)})`,
  );
}

/** LU32I.D rd, si20 (LRM 2.2.1.5): bits 32 to 51, sign-extended; the lower ones stay. */
function lu32i({ register: { name, encoding }, address }: SlotLoad): Instruction {
  const value = part(address, 32, 20);
  return instruction(
    LU32I_D | fieldImm20(value) | fieldRd(encoding),
    'lu32i.d',
    `$${name}, ${signed(value, 20)}`,
    `bits 32 to 51 (0x${value.toString(16)})`,
  );
}

/** LU52I.D rd, rj, si12 (LRM 2.2.1.5): bits 52 to 63; the lower ones stay. */
function lu52i({ register: { name, encoding }, address }: SlotLoad): Instruction {
  const value = part(address, 52, 12);
  return instruction(
    LU52I_D | fieldImm12(value) | fieldRj(encoding) | fieldRd(encoding),
    'lu52i.d',
    `$${name}, $${name}, ${signed(value, 12)}`,
    `bits 52 to 63 (0x${value.toString(16)})`,
  );
}

/** LD.D rd, rj, si12 (LRM 2.2.5.1), displacement 0, with the register's own value as the address. */
function ld({ register: { name, encoding } }: SlotLoad, table: string): Instruction {
  return instruction(
    LD_D | fieldRj(encoding) | fieldRd(encoding),
    'ld.d',
    `$${name}, $${name}, 0`,
    `${name} = what the ${table} table's slot holds`,
  );
}

/** JIRL rd, rj, offs16 (LRM 2.2.3.3) with offset 0 and rd = r0, which keeps no return address. */
function jirl({ register: { name, encoding } }: SlotLoad): Instruction {
  return instruction(JIRL | fieldRj(encoding), 'jirl', `$r0, $${name}, 0`, `jump to the target that ${name} holds`);
}

/** BREAK 0 (LRM 2.2.10.2). Instructions stand at multiples of four only, so that no part of it is ever executed. */
const breakpoint: Instruction = instruction(BREAK, 'break', '0', 'trap, not reached (SIGTRAP)');

function loadSlot(load: SlotLoad, table: string): Instruction[] {
  return [lu12i(load, table), ori(load), lu32i(load), lu52i(load), ld(load, table)];
}

/** Eleven instructions, 44 bytes; the next slot follows at once. LoongArch has no landing pads. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  return [...loadSlot(code, 'code'), ...loadSlot(data, 'data'), jirl(code)];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  const place = (offset: number, mask: number, field: number) =>
    code.setUint32(offset, (wordAt(code, offset) & ~mask) | field, true);
  place(at, IMM20_MASK, fieldImm20(low >>> 12));
  place(at + WORD, IMM12_MASK, fieldImm12(low & 0xfff));
  place(at + 2 * WORD, IMM20_MASK, fieldImm20(high & 0xfffff));
  place(at + 3 * WORD, IMM12_MASK, fieldImm12(high >>> 20));
}

/** Whether an instruction has this opcode in bits 31 to 22, and both of its registers are `register`. */
function isOnItself(word: number, opcode: number, register: number): boolean {
  return word >>> 22 === opcode && ((word >>> 5) & 0x1f) === register && (word & 0x1f) === register;
}

/** The register that the five instructions from offset `at` load through itself, or -1 when they do not. */
function readLoad(code: DataView, at: number): number {
  const [bits12, bits0, bits32] = [wordAt(code, at), wordAt(code, at + WORD), wordAt(code, at + 2 * WORD)];
  const [bits52, load] = [wordAt(code, at + 3 * WORD), wordAt(code, at + 4 * WORD)];
  const register = bits12 & 0x1f;
  if (bits12 >>> 25 !== 0b0001010 || bits32 >>> 25 !== 0b0001011 || (bits32 & 0x1f) !== register) return -1;
  if (!isOnItself(bits0, 0b0000001110, register) || !isOnItself(bits52, 0b0000001100, register)) return -1;
  const displacement = (load >>> 10) & 0xfff;
  return isOnItself(load, 0b0010100011, register) && displacement === 0 ? register : -1;
}

/** The lower 32 bits of the address that those instructions load from. */
function readLow(code: DataView, at: number): number {
  return ((wordAt(code, at) >>> 5) & 0xfffff) * 2 ** 12 + ((wordAt(code, at + WORD) >>> 10) & 0xfff);
}

/** The upper 32 bits of it. */
function readHigh(code: DataView, at: number): number {
  return ((wordAt(code, at + 3 * WORD) >>> 10) & 0xfff) * 2 ** 20 + ((wordAt(code, at + 2 * WORD) >>> 5) & 0xfffff);
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const dataLoad = at + 5 * WORD;
  const jump = wordAt(code, dataLoad + 5 * WORD);
  const codeRegister = readLoad(code, at);
  const dataRegister = readLoad(code, dataLoad);
  if (codeRegister < 0 || dataRegister < 0) return undefined;
  // JIRL with an offset of 0 and no return address.
  if (jump >>> 10 !== 0b010011 << 16 || ((jump >>> 5) & 0x1f) !== codeRegister || (jump & 0x1f) !== 0) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: readLow(code, at),
    codeHigh: readHigh(code, at),
    dataLow: readLow(code, dataLoad),
    dataHigh: readHigh(code, dataLoad),
  };
}

function jump(target: bigint): Registers {
  return { pc: target };
}

/**
 * loongarch64. r12 (t0) carries the data because libffi's closures find theirs there, and the target goes through r13
 * (t1) as theirs does: both are temporaries, which no argument travels in and no callee must keep.
 */
export const loongarch64: Architecture = {
  name: 'loongarch64',
  wordSize: 8,
  instructionAlignment: 4,
  pageSize: 16384, // what Linux has where nobody chose 4096 or 65536
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r13',
  dataRegister: 'r12',
  trap: breakpoint,
  landingPad: 'none: LoongArch has no enforcement of branch targets',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
};
