/**
 * Trampolines of i386.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below); psABI i386 2.2 for what a
 * function expects in which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { CARRY_FLAG, endbr, int3, littleEndian, modRM, trapsUpTo } from './x86.js';
import { x86ContextForm } from './x86_context.js';
import { putSum, readSum } from './x86_sums.js';

/** Every general register but esp: a trampoline leaves the stack alone. */
const tableRegisters: readonly TableRegister[] = [
  { name: 'eax', number: 0, encoding: 0 },
  { name: 'ebx', number: 1, encoding: 3 },
  { name: 'ecx', number: 2, encoding: 1 },
  { name: 'edx', number: 3, encoding: 2 },
  { name: 'esi', number: 4, encoding: 6 },
  { name: 'edi', number: 5, encoding: 7 },
  { name: 'ebp', number: 6, encoding: 5 },
];

const SLOT_SIZE = 28;

/** MOV r32, imm32 (SDM volume 2, MOV): `B8+rd id`. */
function movImmediate({ register, address }: SlotLoad, value: number, table: string): Instruction {
  return {
    bytes: [0xb8 + register.encoding, ...littleEndian(BigInt(value), 4)],
    mnemonic: 'mov',
    operands: `$0x${value.toString(16)},%${register.name}`,
    meaning: `a part of the address of the ${table} table's slot 0x${address.toString(16)}`,
    holds: { address, at: 1 },
  };
}

/** MOV r32, r/m32 (SDM volume 2, MOV): `8B /r`, with a displacement of 32 bits from the register's own value. */
function movMemory({ register: { name, encoding } }: SlotLoad, displacement: number, table: string): Instruction {
  return {
    bytes: [0x8b, modRM(0b10, encoding, encoding), ...littleEndian(BigInt.asUintN(32, BigInt(displacement)), 4)],
    mnemonic: 'mov',
    operands: `${displacement < 0 ? '-' : ''}0x${Math.abs(displacement).toString(16)}(%${name}),%${name}`,
    meaning: `the rest of it: ${name} = what the ${table} table's slot holds`,
  };
}

/** Both instructions of a load: the address is the sum of what they hold. */
function load(slot: SlotLoad, table: string): Instruction[] {
  const words = new DataView(new ArrayBuffer(8));
  putSum(words, 0, 4, Number(slot.address), 0);
  return [movImmediate(slot, words.getUint32(0, true), table), movMemory(slot, words.getInt32(4, true), table)];
}

/** JMP r/m32 (SDM volume 2, JMP): `FF /4`. */
function jmpRegister({ register: { name, encoding } }: SlotLoad): Instruction {
  return {
    bytes: [0xff, modRM(0b11, 4, encoding)],
    mnemonic: 'jmp',
    operands: `*%${name}`,
    meaning: `jump to the target that ${name} holds`,
  };
}

/** Exactly 28 bytes. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  const instructions = [endbr(32), ...load(code, 'code'), ...load(data, 'data'), jmpRegister(code)];
  return [...instructions, ...trapsUpTo(SLOT_SIZE, instructions)];
}

/** Bytes from MOV r32, imm32's field to MOV r32, r/m32's. */
const FIELD_DISTANCE = 6;

function placeAddress(code: DataView, at: number, low: number): void {
  putSum(code, at, at + FIELD_DISTANCE, low, 0);
}

/** The register that a load at offset `at` is of, or -1 when other instructions are there. */
function readLoad(code: DataView, at: number): number {
  const opcode = code.getUint8(at);
  const register = opcode & 0b111;
  const isLoad =
    (opcode & 0b1111_1000) === 0xb8 &&
    code.getUint8(at + 5) === 0x8b &&
    code.getUint8(at + 6) === (0b1000_0000 | (register << 3) | register);
  return isLoad ? register : -1;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  if (code.getUint32(at) !== 0xf30f1efb) return undefined;
  const codeLoad = at + 4;
  const dataLoad = codeLoad + 11;
  const jmp = dataLoad + 11;
  const codeRegister = readLoad(code, codeLoad);
  const dataRegister = readLoad(code, dataLoad);
  if (codeRegister < 0 || dataRegister < 0 || code.getUint16(jmp) !== (0xffe0 | codeRegister)) return undefined;
  const codeLow = readSum(code, codeLoad + 1, codeLoad + 7, 0);
  const dataLow = readSum(code, dataLoad + 1, dataLoad + 7, 0);
  if (codeLow < 0 || dataLow < 0) return undefined;
  return { codeRegister, dataRegister, codeLow: codeLow >>> 0, codeHigh: 0, dataLow: dataLow >>> 0, dataHigh: 0 };
}

function jump(target: bigint): Registers {
  return { eip: target };
}

/**
 * i386. eax carries the data because libffi's closures find theirs there. Of the other two registers that no callee must
 * keep, edx carries the target: ecx holds `this` of C++ methods (thiscall), edx an argument of fastcall functions only.
 */
export const i386: Architecture = {
  name: 'i386',
  wordSize: 4,
  instructionAlignment: 1,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'edx',
  dataRegister: 'eax',
  trap: int3,
  landingPad: 'endbr32, so it can be called under indirect branch tracking (CET)',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
  carry: CARRY_FLAG,
  context: x86ContextForm(32),
};
