/**
 * Trampolines of riscv64 (RV64I, no other extension needed).
 *
 * The RISC-V Instruction Set Manual, volume I ("ISA" below): chapters RV32I and RV64I for the instructions, RVC for the
 * trap, Zicfilp for landing pads; RISC-V psABI, "Register Convention", for what a function expects in which register.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';
import { instruction, WORD, wordAt } from './words.js';

/**
 * x5 to x31, numbered as in instructions. A trampoline leaves the others alone: x0 is zero, x1 the return address, x2 the
 * stack pointer, x3 the global pointer, x4 the thread pointer.
 *
 * x5 and x7 take the data only. Where landing pads are enforced, a jump through x5 counts as a return and one through x7
 * as guarded by software (ISA, Zicfilp): neither asks for a landing pad at its target. That would be wrong here, for the
 * target comes from memory that the program, and whoever attacks it, can write.
 */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 27 }, (_, index) => {
  const register = { name: `x${5 + index}`, number: 5 + index, encoding: 5 + index };
  return register.encoding === 5 || register.encoding === 7 ? { ...register, dataOnly: true } : register;
});

const SLOT_SIZE = 72;

/** The instructions with all operand fields 0. */
const LPAD = 0x00000017;
const LUI = 0x00000037;
const ADDI = 0x00000013;
const SLLI = 0x00001013;
const LD = 0x00003003;
const JALR = 0x00000067;

/** The operand fields, where the encoding diagrams have them. */
const fieldRd = (register: number) => register << 7; // bits 11 to 7
const fieldRs1 = (register: number) => register << 15; // bits 19 to 15
const fieldImmI = (value: number) => value << 20; // bits 31 to 20, signed; the shift of SLLI is in the lower half
const fieldImmU = (value: number) => value << 12; // bits 31 to 12
const IMM_I_MASK = 0xfff << 20;
const IMM_U_MASK = 0xfffff << 12;

/** How far the sum of what comes before is shifted, before each but the first of the signed parts of an address. */
const SHIFTS = [12, 8, 12] as const;

/** `value`, of which only the lower `bits` count, as a signed integer of that width. */
function signed(value: number, bits: 8 | 12): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** The parts of an address of 64 bits: 20 bits for LUI, 12, 12 and 8 signed ones for ADDI, 12 signed ones for LD. */
type Parts = readonly [lui: number, first: number, second: number, third: number, displacement: number];

/**
 * Takes an address apart. Each part is signed, so that a negative one takes 1 from all that is above it: the sum of the
 * rest is 1 more. It has 52 bits, which a number holds exactly. What leaves it at the upper end is shifted out.
 */
function partsOf(low: number, high: number): Parts {
  const displacement = signed(low, 12);
  let rest = high * 2 ** 20 + (low >>> 12) + (displacement < 0 ? 1 : 0);
  const third = signed(rest % 2 ** 8, 8);
  rest = (rest - third) / 2 ** 8;
  const second = signed(rest % 2 ** 12, 12);
  rest = (rest - second) / 2 ** 12;
  const first = signed(rest % 2 ** 12, 12);
  return [((rest - first) / 2 ** 12) % 2 ** 20, first, second, third, displacement];
}

/**
 * LPAD 0 (ISA, Zicfilp), which is AUIPC x0, 0 by its encoding: a hint, and no operation, for a processor that has no
 * landing pads or does not enforce them, and printed as such. Label 0 fits every caller: x7, in which a caller says which
 * label it expects, is not looked at, and so it reaches the target's own landing pad as the caller set it.
 */
const lpad: Instruction = instruction(
  LPAD,
  'auipc',
  'x0,0x0',
  'landing pad (lpad 0): an indirect call may arrive here',
);

/** LUI rd, imm20: the lower 12 bits become 0, the upper 32 are shifted out later. */
function lui({ register: { name, encoding }, address }: SlotLoad, value: number, table: string): Instruction {
  return {
    ...instruction(
      LUI | fieldImmU(value) | fieldRd(encoding),
      'lui',
      `${name},0x${value.toString(16)}`,
      `${name} = address of the ${table} table's slot, with the parts that follow`,
    ),
    holds: { address, at: 0 },
  };
}

/** ADDI rd, rd, imm12. */
function addi({ register: { name, encoding } }: SlotLoad, value: number): Instruction {
  return instruction(
    ADDI | fieldImmI(value) | fieldRs1(encoding) | fieldRd(encoding),
    'addi',
    `${name},${name},${value}`,
    'the next part',
  );
}

/** SLLI rd, rd, shamt. */
function slli({ register: { name, encoding } }: SlotLoad, shift: 8 | 12): Instruction {
  return instruction(
    SLLI | fieldImmI(shift) | fieldRs1(encoding) | fieldRd(encoding),
    'slli',
    `${name},${name},0x${shift.toString(16)}`,
    `make room for ${shift} bits`,
  );
}

/** LD rd, imm12(rd): the displacement is the address's last part. */
function ld({ register: { name, encoding } }: SlotLoad, displacement: number, table: string): Instruction {
  return instruction(
    LD | fieldImmI(displacement) | fieldRs1(encoding) | fieldRd(encoding),
    'ld',
    `${name},${displacement}(${name})`,
    `${name} = what the ${table} table's slot holds`,
  );
}

/** JALR x0, 0(rs1): a jump, since x0 keeps no return address. */
function jalr({ register: { name, encoding } }: SlotLoad): Instruction {
  return instruction(JALR | fieldRs1(encoding), 'jalr', `x0,0(${name})`, `jump to the target that ${name} holds`);
}

/**
 * C.EBREAK. It has two bytes, so that it stops the processor at whatever halfword it arrives; the second halfword of
 * EBREAK is a reserved encoding. A processor without compressed instructions stops as well: their lowest two bits, which
 * are not 11, make it an illegal one (SIGILL).
 */
const ebreak: Instruction = {
  bytes: [0x02, 0x90],
  mnemonic: 'c.ebreak',
  operands: '',
  meaning: 'trap, not reached (SIGTRAP)',
};

function loadSlot(load: SlotLoad, table: string): Instruction[] {
  const { address } = load;
  const [upper, first, second, third, displacement] = partsOf(Number(address & 0xffff_ffffn), Number(address >> 32n));
  return [
    lui(load, upper, table),
    addi(load, first),
    slli(load, SHIFTS[0]),
    addi(load, second),
    slli(load, SHIFTS[1]),
    addi(load, third),
    slli(load, SHIFTS[2]),
    ld(load, displacement, table),
  ];
}

/**
 * Eighteen instructions, 72 bytes. Eight for each load, which is what an arbitrary address of 64 bits takes without a
 * second register. Two words in the slot, loaded relative to the program counter, would make it 48 bytes, but eight of
 * them in a row would be whole instructions of the program's choice.
 */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  return [lpad, ...loadSlot(code, 'code'), ...loadSlot(data, 'data'), jalr(code)];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  const [upper, first, second, third, displacement] = partsOf(low, high);
  const place = (offset: number, mask: number, field: number) =>
    code.setUint32(offset, (wordAt(code, offset) & ~mask) | field, true);
  place(at, IMM_U_MASK, fieldImmU(upper));
  place(at + WORD, IMM_I_MASK, fieldImmI(first));
  place(at + 3 * WORD, IMM_I_MASK, fieldImmI(second));
  place(at + 5 * WORD, IMM_I_MASK, fieldImmI(third));
  place(at + 7 * WORD, IMM_I_MASK, fieldImmI(displacement));
}

/** The immediate of an instruction of type I (ISA 2.3), bits 31 to 20, signed. */
function immediateAt(code: DataView, at: number): number {
  return code.getInt32(at, true) >> 20;
}

/** Whether an instruction of type I has this opcode and funct3, and both of its registers are `register`. */
function isTypeI(word: number, opcode: number, funct3: number, register: number): boolean {
  const [rs1, rd] = [(word >>> 15) & 0x1f, (word >>> 7) & 0x1f];
  return (word & 0x7f) === opcode && ((word >>> 12) & 0b111) === funct3 && rs1 === register && rd === register;
}

/** The register that the eight instructions from offset `at` load through itself, or -1 when they do not. */
function readLoad(code: DataView, at: number): number {
  const first = wordAt(code, at);
  const register = (first >>> 7) & 0x1f;
  if ((first & 0x7f) !== 0b0110111) return -1;
  for (let index = 0; index < 3; index++) {
    const add = wordAt(code, at + (1 + 2 * index) * WORD);
    const shift = wordAt(code, at + (2 + 2 * index) * WORD);
    if (!isTypeI(add, 0b0010011, 0b000, register) || !isTypeI(shift, 0b0010011, 0b001, register)) return -1;
    if (shift >>> 20 !== SHIFTS[index]) return -1;
  }
  // The part that has only eight bits' room: more would be a second way to say the same address.
  const third = immediateAt(code, at + 5 * WORD);
  if (third < -0x80 || third > 0x7f) return -1;
  return isTypeI(wordAt(code, at + 7 * WORD), 0b0000011, 0b011, register) ? register : -1;
}

/** All but the lowest 12 bits of the address that those instructions load from, as an integer of 52 bits. */
function readUpper(code: DataView, at: number): number {
  const sum = (wordAt(code, at) >>> 12) * 2 ** 12 + immediateAt(code, at + WORD);
  const upper = (sum * 2 ** 12 + immediateAt(code, at + 3 * WORD)) * 2 ** 8 + immediateAt(code, at + 5 * WORD);
  const borrowed = immediateAt(code, at + 7 * WORD) < 0 ? upper - 1 : upper;
  return borrowed < 0 ? borrowed + 2 ** 52 : borrowed;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const codeLoad = at + WORD;
  const dataLoad = codeLoad + 8 * WORD;
  const jump = wordAt(code, dataLoad + 8 * WORD);
  const codeRegister = readLoad(code, codeLoad);
  const dataRegister = readLoad(code, dataLoad);
  if (wordAt(code, at) !== LPAD || codeRegister < 0 || dataRegister < 0) return undefined;
  // JALR with an immediate, a funct3 and a link register of 0.
  if (jump >>> 20 !== 0 || (jump & 0x7fff) !== 0b1100111 || ((jump >>> 15) & 0x1f) !== codeRegister) return undefined;
  const codeUpper = readUpper(code, codeLoad);
  const dataUpper = readUpper(code, dataLoad);
  return {
    codeRegister,
    dataRegister,
    codeLow: (codeUpper % 2 ** 20) * 2 ** 12 + (immediateAt(code, codeLoad + 7 * WORD) & 0xfff),
    codeHigh: Math.floor(codeUpper / 2 ** 20),
    dataLow: (dataUpper % 2 ** 20) * 2 ** 12 + (immediateAt(code, dataLoad + 7 * WORD) & 0xfff),
    dataHigh: Math.floor(dataUpper / 2 ** 20),
  };
}

/** JALR clears bit 0 of the target. */
function jump(target: bigint): Registers {
  return { pc: target & ~1n };
}

/**
 * riscv64. x6 (t1) carries the data because libffi's closures find theirs there. They jump through x7, which is no
 * register for the target here; x28 (t3) is, a temporary as well, which no argument travels in and no callee must keep.
 * A nested function of GCC's or LLVM's finds its static chain in x7, or in x28 where it was compiled for landing pads: name
 * that for the data then.
 */
export const riscv64: Architecture = {
  name: 'riscv64',
  wordSize: 8,
  instructionAlignment: 4, // LPAD must stand at a multiple of four, wherever compressed instructions could
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'x28',
  dataRegister: 'x6',
  trap: ebreak,
  landingPad: 'lpad 0, so it can be called where landing pads are enforced (Zicfilp), whatever label is asked for',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
};
