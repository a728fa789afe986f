/**
 * Trampolines of x86-64.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below); psABI x86-64 3.2.3 for what a
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
  SIB_BASE_ONLY,
  SIB_FOLLOWS,
  trapsUpTo,
} from './x86.js';
import { x86ContextForm } from './x86_context.js';

/** Every general register but rsp: a trampoline leaves the stack alone. */
const tableRegisters: readonly TableRegister[] = [
  { name: 'rax', number: 7, encoding: 0 },
  { name: 'rbx', number: 8, encoding: 3 },
  { name: 'rcx', number: 9, encoding: 1 },
  { name: 'rdx', number: 10, encoding: 2 },
  { name: 'rsi', number: 11, encoding: 6 },
  { name: 'rdi', number: 12, encoding: 7 },
  { name: 'rbp', number: 13, encoding: 5 },
  { name: 'r8', number: 14, encoding: 8 },
  { name: 'r9', number: 15, encoding: 9 },
  { name: 'r10', number: 16, encoding: 10 },
  { name: 'r11', number: 17, encoding: 11 },
  { name: 'r12', number: 18, encoding: 12 },
  { name: 'r13', number: 19, encoding: 13 },
  { name: 'r14', number: 20, encoding: 14 },
  { name: 'r15', number: 21, encoding: 15 },
];

const SLOT_SIZE = 40;

/** The REX prefix (SDM 2.2.1.2): W for 64-bit operands, R extends ModR/M's reg, B its rm or the opcode's register. */
function rex(w: 0 | 1, reg: number, base: number): number {
  return 0b0100_0000 | (w << 3) | ((reg >> 3) << 2) | (base >> 3);
}

/** MOV r64, imm64 (SDM volume 2, MOV): `REX.W + B8+rd io`. */
function movImmediate({ register, address }: SlotLoad, table: string): Instruction {
  return {
    bytes: [rex(1, 0, register.encoding), 0xb8 + (register.encoding & 0b111), ...littleEndian(address, 8)],
    mnemonic: 'movabs',
    operands: `$0x${address.toString(16)},%${register.name}`,
    meaning: `${register.name} = address of the ${table} table's slot`,
    holds: { address, at: 2 },
  };
}

/** MOV r64, r/m64 (SDM volume 2, MOV): `REX.W + 8B /r`, with the register's own value as the address. */
function movMemory({ register }: SlotLoad, table: string): Instruction {
  const { name, encoding } = register;
  return {
    bytes: [rex(1, encoding, encoding), 0x8b, ...memoryOperand(encoding, encoding)],
    mnemonic: 'mov',
    operands: `${memoryOperandText(register)},%${name}`,
    meaning: `${name} = what the ${table} table's slot holds`,
  };
}

/** JMP r/m64 (SDM volume 2, JMP): `FF /4`, 64 bits wide by itself; a REX prefix only where r8 to r15 need one. */
function jmpRegister({ register: { name, encoding } }: SlotLoad): Instruction {
  const prefix = encoding < 8 ? [] : [rex(0, 0, encoding)];
  return {
    bytes: [...prefix, 0xff, modRM(0b11, 4, encoding)],
    mnemonic: 'jmp',
    operands: `*%${name}`,
    meaning: `jump to the target that ${name} holds`,
  };
}

/** 33 bytes, 32 where the jump needs no prefix, one more for each of rbp, r12 and r13; then NOP and traps up to 40. */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  const instructions = [
    endbr(64),
    movImmediate(code, 'code'),
    movMemory(code, 'code'),
    movImmediate(data, 'data'),
    movMemory(data, 'data'),
    jmpRegister(code),
    nopl('rax'),
  ];
  return [...instructions, ...trapsUpTo(SLOT_SIZE, instructions)];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  code.setUint32(at, low, true);
  code.setUint32(at + 4, high, true);
}

/** The register that MOV r64, imm64 at offset `at` loads, or -1 when another instruction is there. */
function readMovImmediate(code: DataView, at: number): number {
  const prefix = code.getUint8(at);
  const opcode = code.getUint8(at + 1);
  if ((prefix & 0b1111_1110) !== 0b0100_1000 || (opcode & 0b1111_1000) !== 0xb8) return -1;
  return ((prefix & 1) << 3) | (opcode & 0b111);
}

/** The length of MOV r64, r/m64 at offset `at`, when it loads `register` through itself; else 0. */
function readMovMemory(code: DataView, at: number, register: number): number {
  const prefix = code.getUint8(at);
  if (prefix !== (register < 8 ? 0b0100_1000 : 0b0100_1101) || code.getUint8(at + 1) !== 0x8b) return 0;
  const operand = code.getUint8(at + 2);
  const mod = operand >> 6;
  const reg = (operand >> 3) & 0b111;
  const rm = operand & 0b111;
  if (reg !== (register & 0b111) || rm !== (register & 0b111)) return 0;
  if (rm === DISPLACEMENT_ONLY) return mod === 0b01 && code.getUint8(at + 3) === 0x00 ? 4 : 0;
  if (mod !== 0b00) return 0;
  if (rm === SIB_FOLLOWS) return code.getUint8(at + 3) === SIB_BASE_ONLY ? 4 : 0;
  return 3;
}

/** The length of JMP r/m64 at offset `at`, when it jumps to what `register` holds; else 0. */
function readJmpRegister(code: DataView, at: number, register: number): number {
  if (register < 8) return code.getUint16(at) === (0xffe0 | register) ? 2 : 0;
  return code.getUint8(at) === 0b0100_0001 && code.getUint16(at + 1) === (0xffe0 | (register & 0b111)) ? 3 : 0;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  if (code.getUint32(at) !== 0xf30f1efa) return undefined;
  const codeMov = at + 4;
  const codeRegister = readMovImmediate(code, codeMov);
  const codeLoad = codeMov + 10;
  const codeLoadLength = codeRegister < 0 ? 0 : readMovMemory(code, codeLoad, codeRegister);
  if (codeLoadLength === 0) return undefined;
  const dataMov = codeLoad + codeLoadLength;
  const dataRegister = readMovImmediate(code, dataMov);
  const dataLoad = dataMov + 10;
  const dataLoadLength = dataRegister < 0 ? 0 : readMovMemory(code, dataLoad, dataRegister);
  if (dataLoadLength === 0) return undefined;
  const jump = dataLoad + dataLoadLength;
  const jumpLength = readJmpRegister(code, jump, codeRegister);
  if (jumpLength === 0 || !isNopl(code, jump + jumpLength)) return undefined;
  if (!onlyTraps(code, jump + jumpLength + 3, at + SLOT_SIZE)) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: code.getUint32(codeMov + 2, true),
    codeHigh: code.getUint32(codeMov + 6, true),
    dataLow: code.getUint32(dataMov + 2, true),
    dataHigh: code.getUint32(dataMov + 6, true),
  };
}

function jump(target: bigint): Registers {
  return { rip: target };
}

/**
 * x86-64. r10 carries the data because the psABI calls it the static chain's register and libffi's closures find theirs
 * there; r11 is the one other register that no argument travels in and no callee must keep.
 */
export const x86_64: Architecture = {
  name: 'x86-64',
  wordSize: 8,
  instructionAlignment: 1,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r11',
  dataRegister: 'r10',
  trap: int3,
  landingPad: 'endbr64, so it can be called under indirect branch tracking (CET)',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
  carry: CARRY_FLAG,
  context: x86ContextForm(64),
};
