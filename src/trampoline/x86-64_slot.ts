/**
 * The slots of x86-64's tables: their instructions, and how they are read.
 *
 * An address of the program's choice stands there as sums of harmless bytes (x86_sums.ts). Intel SDM volume 2 ("SDM" below).
 *
 * @module
 */
import type { Instruction, RecognisedSlot, SlotLoad, TableRegister } from './architecture.js';
import {
  DISPLACEMENT_ONLY,
  endbr,
  littleEndian,
  modRM,
  onlyTraps,
  SIB_BASE_ONLY,
  SIB_FOLLOWS,
  trapsUpTo,
} from './x86.js';
import { putSum, readSum } from './x86_sums.js';

/** Bytes of a slot. */
export const SLOT_SIZE = 60;

/** The REX prefix (SDM 2.2.1.2): W for 64-bit operands, R extends ModR/M's reg, X SIB's index, B its rm or base or the opcode's register. */
function rex(w: 0 | 1, reg: number, base: number, index = 0): number {
  return 0b0100_0000 | (w << 3) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (base >> 3);
}

/** MOV r64, imm64 (SDM volume 2, MOV): `REX.W + B8+rd io`. */
function movImmediate({ name, encoding }: TableRegister, value: bigint, meaning: string): Instruction {
  return {
    bytes: [rex(1, 0, encoding), 0xb8 + (encoding & 0b111), ...littleEndian(value, 8)],
    mnemonic: 'movabs',
    operands: `$0x${value.toString(16)},%${name}`,
    meaning,
  };
}

/**
 * Which of two registers is the base of an operand with both: any but rbp and r13, which would mean that there is none;
 * where both are these, the data's, with a displacement byte of 0.
 */
function baseAndIndex<T extends { readonly encoding: number }>(
  data: T,
  code: T,
): { base: T; index: T; displaced: boolean } {
  const isNone = ({ encoding }: T): boolean => (encoding & 0b111) === DISPLACEMENT_ONLY;
  if (!isNone(data)) return { base: data, index: code, displaced: false };
  return isNone(code) ? { base: data, index: code, displaced: true } : { base: code, index: data, displaced: false };
}

/** MOV r64, r/m64 with the sum of two registers as the address (SDM tables 2-2 and 2-3). */
function movSum(data: TableRegister, code: TableRegister): Instruction {
  const { base, index, displaced } = baseAndIndex(data, code);
  const sib = ((index.encoding & 0b111) << 3) | (base.encoding & 0b111);
  return {
    bytes: [
      rex(1, data.encoding, base.encoding, index.encoding),
      ...[0x8b, modRM(displaced ? 0b01 : 0b00, data.encoding, SIB_FOLLOWS), sib],
      ...(displaced ? [0] : []),
    ],
    mnemonic: 'mov',
    operands: `${displaced ? '0x0' : ''}(%${base.name},%${index.name},1),%${data.name}`,
    meaning: `${data.name} = what the data table's slot holds`,
  };
}

/** An instruction on a register and the memory at a displacement of 32 bits from it: `REX.W + opcode /r`. */
function displaced(opcode: 0x8b | 0x8d, { name, encoding }: TableRegister, by: number, meaning: string): Instruction {
  const sib = (encoding & 0b111) === SIB_FOLLOWS ? [SIB_BASE_ONLY] : [];
  const field = littleEndian(BigInt.asUintN(32, BigInt(by)), 4);
  return {
    bytes: [rex(1, encoding, encoding), opcode, modRM(0b10, encoding, encoding), ...sib, ...field],
    mnemonic: opcode === 0x8b ? 'mov' : 'lea',
    operands: `${by < 0 ? '-' : ''}0x${Math.abs(by).toString(16)}(%${name}),%${name}`,
    meaning,
  };
}

/** BSWAP r64 (SDM volume 2, BSWAP): `REX.W + 0F C8+rd`. It touches no flag. */
function swapBytes({ name, encoding }: TableRegister): Instruction {
  return {
    bytes: [rex(1, 0, encoding), 0x0f, 0xc8 + (encoding & 0b111)],
    mnemonic: 'bswap',
    operands: `%${name}`,
    meaning: 'its upper half is to be split as well',
  };
}

/**
 * JMP r/m64 (SDM volume 2, JMP): `FF /4`, 64 bits wide by itself. It has a REX prefix though only r8 to r15 need one: where
 * the byte before is one too, and is jumped to, the last one counts.
 */
function jmpRegister({ name, encoding }: TableRegister): Instruction {
  return {
    bytes: [rex(0, 0, encoding), 0xff, modRM(0b11, 4, encoding)],
    mnemonic: encoding < 8 ? 'rex jmp' : 'jmp',
    operands: `*%${name}`,
    meaning: `jump to the target that ${name} holds`,
  };
}

/** Where the fields of the code slot's address stand: of MOV r64, imm64, of LEA, and of MOV. */
interface CodeFields {
  readonly word: number;
  readonly first: number;
  readonly second: number;
}

/** Bytes from one to the next: LEA's and BSWAP's, with a SIB byte for r12. */
function codeFields(word: number, hasSib: boolean): CodeFields {
  const operand = hasSib ? 4 : 3;
  const first = word + 8 + operand;
  return { word, first, second: first + 4 + 3 + operand };
}

const scratch = new DataView(new ArrayBuffer(8));

/**
 * Puts an address where the code has it: `bswap(word + first) + second`. The displacements are signed, and each stands for
 * the lower half of a sum alone; so the upper half comes to be a lower one by swapping.
 */
function putCodeAddress(code: DataView, { word, first, second }: CodeFields, low: number, high: number): void {
  const carry = putSum(scratch, 0, 4, low, 0);
  const displacement = scratch.getInt32(4, true);
  code.setInt32(second, displacement, true);
  code.setUint32(word + 4, scratch.getUint32(0, false), true);
  scratch.setUint32(0, high - carry + (displacement < 0 ? 1 : 0), false);
  // Balanced: what the carry adds to the upper half the sign takes away.
  putSum(code, word, first, scratch.getUint32(0, true), 0, true);
}

/** Puts an address where the data slot's stands: the sum of two words, in instructions of 10 bytes. */
function putDataAddress(code: DataView, at: number, low: number, high: number): void {
  putSum(code, at + 4, at + MOV_IMMEDIATE + 4, high, putSum(code, at, at + MOV_IMMEDIATE, low, 0));
}

const MOV_IMMEDIATE = 10;
const LEA_OPCODE = 0x8d;

/** What stands behind the field tells whose address it is. */
export function placeAddress(code: DataView, at: number, low: number, high: number): void {
  if (code.getUint8(at + 9) !== LEA_OPCODE) putDataAddress(code, at, low, high);
  else putCodeAddress(code, codeFields(at, (code.getUint8(at + 10) & 0b111) === SIB_FOLLOWS), low, high);
}

function halvesOf(address: bigint): [low: number, high: number] {
  return [Number(address & 0xffff_ffffn), Number(address >> 32n)];
}

/** 58 bytes, one or two less or more for some registers, and traps up to 60. */
export function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  const words = new DataView(new ArrayBuffer(40));
  putDataAddress(words, 0, ...halvesOf(data.address));
  const fields = { word: 20, first: 28, second: 32 };
  putCodeAddress(words, fields, ...halvesOf(code.address));
  const word = (at: number): bigint => words.getBigUint64(at, true);
  const { register: to } = code;
  const instructions = [
    endbr(64),
    {
      ...movImmediate(
        data.register,
        word(0),
        `half of the address of the data table's slot 0x${data.address.toString(16)}`,
      ),
      holds: { address: data.address, at: 2 },
    },
    movImmediate(to, word(MOV_IMMEDIATE), 'the other half'),
    movSum(data.register, to),
    {
      ...movImmediate(
        to,
        word(fields.word),
        `a part of the address of the code table's slot 0x${code.address.toString(16)}`,
      ),
      holds: { address: code.address, at: 2 },
    },
    displaced(LEA_OPCODE, to, words.getInt32(fields.first, true), 'with this its upper half, the bytes in reverse'),
    swapBytes(to),
    displaced(0x8b, to, words.getInt32(fields.second, true), `${to.name} = what the code table's slot holds`),
    jmpRegister(to),
  ];
  return [...instructions, ...trapsUpTo(SLOT_SIZE, instructions)];
}

/** The register that MOV r64, imm64 at offset `at` loads, or -1 when another instruction is there. */
function readMovImmediate(code: DataView, at: number): number {
  const prefix = code.getUint8(at);
  const opcode = code.getUint8(at + 1);
  if ((prefix & 0b1111_1110) !== 0b0100_1000 || (opcode & 0b1111_1000) !== 0xb8) return -1;
  return ((prefix & 1) << 3) | (opcode & 0b111);
}

/** The length of MOV r64, r/m64 at offset `at`, when it loads `data` through the sum of both; else 0. */
function readMovSum(code: DataView, at: number, data: number, other: number): number {
  const isNone = (register: number): boolean => (register & 0b111) === DISPLACEMENT_ONLY;
  const [base, index] = isNone(data) && !isNone(other) ? [other, data] : [data, other];
  const prefix = 0b0100_1000 | ((data >> 3) << 2) | ((index >> 3) << 1) | (base >> 3);
  if (code.getUint8(at) !== prefix || code.getUint8(at + 1) !== 0x8b) return 0;
  if (code.getUint8(at + 3) !== (((index & 0b111) << 3) | (base & 0b111))) return 0;
  const operand = ((data & 0b111) << 3) | SIB_FOLLOWS;
  if (!isNone(base)) return code.getUint8(at + 2) === operand ? 4 : 0;
  return code.getUint8(at + 2) === (0b0100_0000 | operand) && code.getUint8(at + 4) === 0 ? 5 : 0;
}

/** The length before the displacement of an instruction on `register` and the memory so far from it, when one is there; else 0. */
function readDisplaced(code: DataView, at: number, opcode: number, register: number): number {
  if (code.getUint8(at) !== (register < 8 ? 0b0100_1000 : 0b0100_1101) || code.getUint8(at + 1) !== opcode) return 0;
  const low = register & 0b111;
  if (code.getUint8(at + 2) !== (0b1000_0000 | (low << 3) | low)) return 0;
  if (low !== SIB_FOLLOWS) return 3;
  return code.getUint8(at + 3) === SIB_BASE_ONLY ? 4 : 0;
}

/** The length of JMP r/m64 at offset `at`, when it jumps to what `register` holds; else 0. */
function readJmpRegister(code: DataView, at: number, register: number): number {
  return code.getUint8(at) === (register < 8 ? 0b0100_0000 : 0b0100_0001) &&
    code.getUint16(at + 1) === (0xffe0 | (register & 0b111))
    ? 3
    : 0;
}

/** What the bytes of a slot say, or nothing where any bit of them is another. */
export function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  if (code.getUint32(at) !== 0xf30f1efa) return undefined;
  const dataMov = at + 4;
  const otherMov = dataMov + 10;
  const dataRegister = readMovImmediate(code, dataMov);
  const codeRegister = readMovImmediate(code, otherMov);
  if (dataRegister < 0 || codeRegister < 0) return undefined;
  const dataLoad = otherMov + 10;
  const dataLoadLength = readMovSum(code, dataLoad, dataRegister, codeRegister);
  if (dataLoadLength === 0) return undefined;
  const codeMov = dataLoad + dataLoadLength;
  if (readMovImmediate(code, codeMov) !== codeRegister) return undefined;
  const lea = codeMov + 10;
  const first = readDisplaced(code, lea, 0x8d, codeRegister);
  const swap = lea + first + 4;
  if (first === 0 || code.getUint8(swap) !== (codeRegister < 8 ? 0x48 : 0x49)) return undefined;
  if (code.getUint16(swap + 1) !== (0x0fc8 | (codeRegister & 0b111))) return undefined;
  const codeLoad = swap + 3;
  const second = readDisplaced(code, codeLoad, 0x8b, codeRegister);
  if (second === 0) return undefined;
  const jump = codeLoad + second + 4;
  const jumpLength = readJmpRegister(code, jump, codeRegister);
  if (jumpLength === 0 || !onlyTraps(code, jump + jumpLength, at + SLOT_SIZE)) return undefined;

  const dataLow = readSum(code, dataMov + 2, otherMov + 2, 0);
  if (dataLow < 0) return undefined;
  const dataHigh = readSum(code, dataMov + 6, otherMov + 6, dataLow < HALF ? 0 : 1);
  // The upper half of the code slot's address, in reverse; then the lower one.
  const reversed = readSum(code, codeMov + 2, lea + first, 0, true);
  if (dataHigh < 0 || reversed < 0) return undefined;
  scratch.setUint32(0, reversed, true);
  const high = scratch.getUint32(0, false);
  scratch.setUint32(0, code.getUint32(codeMov + 6, true), false);
  const displacement = code.getInt32(codeLoad + second, true);
  scratch.setInt32(4, displacement, true);
  const codeLow = readSum(scratch, 0, 4, 0);
  if (codeLow < 0) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: codeLow >>> 0,
    codeHigh: (high + (codeLow < HALF ? 0 : 1) - (displacement < 0 ? 1 : 0)) >>> 0,
    dataLow: dataLow >>> 0,
    dataHigh: dataHigh >>> 0,
  };
}

/** How many values a half of an address has. */
const HALF = 2 ** 32;
