/**
 * Trampolines of i386.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below); psABI i386 2.2 for what a
 * function expects in which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import {
  CARRY_FLAG,
  DISPLACEMENT_ONLY,
  endbr,
  int3,
  isNopl,
  littleEndian,
  memoryOperand,
  memoryOperandText,
  modRM,
  nopl,
  onlyTraps,
  trapsUpTo,
} from './x86.js';
import { x86ContextForm } from './x86_context.js';

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

const SLOT_SIZE = 24;

/** MOV r32, imm32 (SDM volume 2, MOV): `B8+rd id`. */
function movImmediate({ register, address }: SlotLoad, table: string): Instruction {
  return {
    bytes: [0xb8 + register.encoding, ...littleEndian(address, 4)],
    mnemonic: 'mov',
    operands: `$0x${address.toString(16)},%${register.name}`,
    meaning: `${register.name} = address of the ${table} table's slot`,
    holds: { address, at: 1 },
  };
}

/** MOV r32, r/m32 (SDM volume 2, MOV): `8B /r`, with the register's own value as the address. */
function movMemory({ register }: SlotLoad, table: string): Instruction {
  const { name, encoding } = register;
  return {
    bytes: [0x8b, ...memoryOperand(encoding, encoding)],
    mnemonic: 'mov',
    operands: `${memoryOperandText(register)},%${name}`,
    meaning: `${name} = what the ${table} table's slot holds`,
  };
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

/** 23 bytes and a trap, or exactly 24 where one of the registers is ebp. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  const instructions = [
    endbr(32),
    movImmediate(code, 'code'),
    movMemory(code, 'code'),
    movImmediate(data, 'data'),
    movMemory(data, 'data'),
    jmpRegister(code),
    nopl('eax'),
  ];
  return [...instructions, ...trapsUpTo(SLOT_SIZE, instructions)];
}

function placeAddress(code: DataView, at: number, low: number): void {
  code.setUint32(at, low, true);
}

/** The register that MOV r32, imm32 at offset `at` loads, or -1 when another instruction is there. */
function readMovImmediate(code: DataView, at: number): number {
  const opcode = code.getUint8(at);
  return (opcode & 0b1111_1000) === 0xb8 ? opcode & 0b111 : -1;
}

/** The length of MOV r32, r/m32 at offset `at`, when it loads `register` through itself; else 0. */
function readMovMemory(code: DataView, at: number, register: number): number {
  if (code.getUint8(at) !== 0x8b) return 0;
  const operand = code.getUint8(at + 1);
  const mod = operand >> 6;
  const reg = (operand >> 3) & 0b111;
  const rm = operand & 0b111;
  if (reg !== register || rm !== register) return 0;
  if (rm === DISPLACEMENT_ONLY) return mod === 0b01 && code.getUint8(at + 2) === 0x00 ? 3 : 0;
  return mod === 0b00 ? 2 : 0;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  if (code.getUint32(at) !== 0xf30f1efb) return undefined;
  const codeMov = at + 4;
  const codeRegister = readMovImmediate(code, codeMov);
  const codeLoad = codeMov + 5;
  const codeLoadLength = readMovMemory(code, codeLoad, codeRegister);
  if (codeLoadLength === 0) return undefined;
  const dataMov = codeLoad + codeLoadLength;
  const dataRegister = readMovImmediate(code, dataMov);
  const dataLoad = dataMov + 5;
  const dataLoadLength = readMovMemory(code, dataLoad, dataRegister);
  if (dataLoadLength === 0) return undefined;
  const jmp = dataLoad + dataLoadLength;
  // Two of ebp would make the slot a byte longer than it is.
  if (jmp + 5 > at + SLOT_SIZE) return undefined;
  if (code.getUint16(jmp) !== (0xffe0 | codeRegister) || !isNopl(code, jmp + 2)) return undefined;
  if (!onlyTraps(code, jmp + 5, at + SLOT_SIZE)) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: code.getUint32(codeMov + 1, true),
    codeHigh: 0,
    dataLow: code.getUint32(dataMov + 1, true),
    dataHigh: 0,
  };
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
