/**
 * The instructions of x86 that the code of a context is written with, for both widths.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below). Operands stand in the order of
 * the AT&T syntax, source first, as in the listings.
 *
 * @module
 */
import type { Instruction } from './architecture.js';
import type { Placeable } from './labels.js';
import { modRM } from './x86.js';
import {
  type Form,
  instructionOf,
  type Memory,
  REX,
  REX_W,
  type Register,
  registerOperand,
  signed,
  toLabel,
  withMemory,
} from './x86_operands.js';

/** An instruction without operands that vary. */
function fixed(bytes: readonly number[], mnemonic: string, operands: string, meaning: string): Instruction {
  return { bytes, mnemonic, operands, meaning };
}

/** Opcode extensions and opcodes of the arithmetic instructions: `op r, r/m` is 8 x extension + 3 (SDM, ADD and others). */
const ARITHMETIC = { add: 0, and: 4, sub: 5, cmp: 7 } as const;

/** The instructions, with operands of the width's full size unless the name says otherwise. */
export interface X86Instructions {
  /** MOV r, r/m from memory: `8B /r`. */
  readonly load: (memory: Memory, to: Register, meaning: string) => Instruction | Placeable;
  /** MOV r/m, r to memory: `89 /r`. */
  readonly store: (from: Register, memory: Memory, meaning: string) => Instruction | Placeable;
  /** MOV r/m, r between registers: `89 /r`. */
  readonly move: (from: Register, to: Register, meaning: string) => Instruction;
  /** LEA: `8D /r`. It adds without touching the flags. */
  readonly lea: (memory: Memory, to: Register, meaning: string) => Instruction | Placeable;
  /** NOT: `F7 /2`. It touches no flag. */
  readonly not: (register: Register, meaning: string) => Instruction;
  /** MOVZX r32, r/m8 of the second byte of rax, rcx, rdx or rbx (ah and so on): `0F B6 /r`, never with a REX prefix. */
  readonly zeroExtendSecondByte: (from: Register, to: Register, meaning: string) => Instruction;
  /** ADD, AND, SUB, CMP r, r/m with memory. */
  readonly arithmetic: (
    operation: keyof typeof ARITHMETIC,
    memory: Memory,
    register: Register,
    meaning: string,
  ) => Instruction | Placeable;
  /** ADD, AND, SUB, CMP r, r/m with a register. */
  readonly arithmeticRegister: (
    operation: keyof typeof ARITHMETIC,
    from: Register,
    to: Register,
    meaning: string,
  ) => Instruction;
  /** ADD, AND, SUB, CMP r/m, imm8: `83 /n ib`. */
  readonly arithmeticImmediate: (
    operation: keyof typeof ARITHMETIC,
    value: number,
    register: Register,
    meaning: string,
  ) => Instruction;
  /** TEST r/m8, imm8 of the lowest byte of rax, rcx, rdx or rbx: `F6 /0 ib`. */
  readonly testByte: (bits: number, register: Register, meaning: string) => Instruction;
  /** JRCXZ or JECXZ: `E3 cb`, at most 127 bytes away. It reads no flag. */
  readonly jumpIfCounterZero: (label: string, meaning: string) => Placeable;
  /** JMP rel32: `E9 cd`. */
  readonly jump: (label: string, meaning: string) => Placeable;
  /** Jcc rel32: `0F 84 cd` (equal) and `0F 85 cd` (not equal). */
  readonly jumpIf: (condition: 'e' | 'ne', label: string, meaning: string) => Placeable;
  /** CALL rel32: `E8 cd`. */
  readonly call: (label: string, meaning: string) => Placeable;
  /** JMP r/m through memory: `FF /4`. */
  readonly jumpThrough: (memory: Memory, meaning: string) => Instruction | Placeable;
  /** PUSH r/m from memory: `FF /6`. */
  readonly push: (memory: Memory, meaning: string) => Instruction | Placeable;
  /** POP r/m to memory: `8F /0`. Where the base is the stack pointer, its value behind the pop counts. */
  readonly popTo: (memory: Memory, meaning: string) => Instruction | Placeable;
  /** POP r of one of the eight lower registers: `58+rd`. */
  readonly pop: (register: Register, meaning: string) => Instruction;
  /** MOV r/m8, r8 of the accumulator to memory: `88 /r`. */
  readonly storeByte: (memory: Memory, meaning: string) => Instruction | Placeable;
  /** LAHF: `9F`. ah = the flags but for OF. (The first 64-bit processors, of 2003 to 2006, had it in 32-bit code only.) */
  readonly flagsToAccumulator: (meaning: string) => Instruction;
  /** SETO al: `0F 90 C0`. */
  readonly overflowToAccumulator: (meaning: string) => Instruction;
  /** ADD al, imm8: `04 ib`. With 0x7f it overflows where al is 1, and does not where it is 0. */
  readonly addToLowByte: (value: number, meaning: string) => Instruction;
  /** SAHF: `9E`, the inverse of LAHF. */
  readonly accumulatorToFlags: (meaning: string) => Instruction;
  /** CMP r/m8, imm8 with the second byte of rax, rcx, rdx or rbx (ah and so on): `80 /7 ib`. */
  readonly compareSecondByte: (value: number, register: Register, meaning: string) => Instruction;
  /** PUSHF: `9C`. */
  readonly pushFlags: (meaning: string) => Instruction;
  /** POPF: `9D`. */
  readonly popFlags: (meaning: string) => Instruction;
  /** CLD: `FC`. */
  readonly clearDirection: (meaning: string) => Instruction;
  /** REP MOVS of words of the full size: `F3 A5`. */
  readonly copyWords: (meaning: string) => Instruction;
  /** RET: `C3`. */
  readonly return: (meaning: string) => Instruction;
  /** RET imm16: `C2 iw`. */
  readonly returnOver: (bytes: number, meaning: string) => Instruction;
  /** HLT: `F4`, which no program may execute (SIGSEGV). */
  readonly halt: (meaning: string) => Instruction;
}

/** The instructions of a width. */
export function x86Instructions(bits: 64 | 32): X86Instructions {
  const wide = bits === 64;
  const suffix = wide ? 'q' : 'l';
  const counter = wide ? 'rcx' : 'ecx';
  const [source, destination] = wide ? ['%ds:(%rsi)', '%es:(%rdi)'] : ['%ds:(%esi)', '%es:(%edi)'];
  const lowByte = (register: Register) => `%${register.name.at(-2)}l`;
  /** A form whose operand in memory or a register comes first, or last. */
  const first = (
    opcode: number[],
    reg: number,
    mnemonic: string,
    other: string,
    meaning: string,
    isWide = wide,
  ): Form => ({
    wide: isWide,
    opcode,
    reg,
    mnemonic,
    operands: (operand) => (other === '' ? operand : `${operand},${other}`),
    meaning,
  });
  const last = (opcode: number[], reg: number, mnemonic: string, other: string, meaning: string): Form => ({
    ...first(opcode, reg, mnemonic, '', meaning),
    operands: (operand) => `${other},${operand}`,
  });
  return {
    load: (memory, to, meaning) => withMemory(first([0x8b], to.encoding, 'mov', `%${to.name}`, meaning), memory),
    store: (from, memory, meaning) => withMemory(last([0x89], from.encoding, 'mov', `%${from.name}`, meaning), memory),
    move: (from, to, meaning) =>
      instructionOf(last([0x89], from.encoding, 'mov', `%${from.name}`, meaning), registerOperand(from.encoding, to)),
    lea: (memory, to, meaning) => withMemory(first([0x8d], to.encoding, 'lea', `%${to.name}`, meaning), memory),
    not: (register, meaning) => instructionOf(first([0xf7], 2, 'not', '', meaning), registerOperand(2, register)),
    zeroExtendSecondByte: (from, to, meaning) => {
      const form = first([0x0f, 0xb6], to.encoding, 'movzbl', '', meaning, false);
      const secondByte: Register = { name: `${from.name.at(-2)}h`, encoding: from.encoding + 4 };
      const text = `%${secondByte.name},%${wide ? to.name.replace('r', 'e') : to.name}`;
      return instructionOf({ ...form, operands: () => text }, registerOperand(to.encoding, secondByte));
    },
    arithmetic: (operation, memory, { name, encoding }, meaning) =>
      withMemory(first([8 * ARITHMETIC[operation] + 3], encoding, operation, `%${name}`, meaning), memory),
    arithmeticRegister: (operation, from, to, meaning) =>
      instructionOf(
        last([8 * ARITHMETIC[operation] + 1], from.encoding, operation, `%${from.name}`, meaning),
        registerOperand(from.encoding, to),
      ),
    arithmeticImmediate: (operation, value, register, meaning) => {
      const extension = ARITHMETIC[operation];
      const form = last([0x83], extension, operation, `$0x${value.toString(16)}`, meaning);
      return instructionOf({ ...form, immediate: signed(value, 1) }, registerOperand(extension, register));
    },
    testByte: (bits, register, meaning) => {
      const form = first([0xf6], 0, 'test', '', meaning, false);
      const text = `$0x${bits.toString(16)},${lowByte(register)}`;
      return instructionOf({ ...form, operands: () => text, immediate: [bits] }, registerOperand(0, register));
    },
    jumpIfCounterZero: (target, meaning) => toLabel([0xe3], 1, `j${counter}z`, target, meaning),
    jump: (target, meaning) => toLabel([0xe9], 4, 'jmp', target, meaning),
    jumpIf: (condition, target, meaning) =>
      toLabel([0x0f, condition === 'e' ? 0x84 : 0x85], 4, `j${condition}`, target, meaning),
    call: (target, meaning) => toLabel([0xe8], 4, 'call', target, meaning),
    jumpThrough: (memory, meaning) =>
      withMemory({ ...first([0xff], 4, 'jmp', '', meaning, false), operands: (operand) => `*${operand}` }, memory),
    push: (memory, meaning) => withMemory(first([0xff], 6, 'push', '', meaning, false), memory),
    popTo: (memory, meaning) => withMemory(first([0x8f], 0, 'pop', '', meaning, false), memory),
    pop: ({ name, encoding }, meaning) => fixed([0x58 + encoding], 'pop', `%${name}`, meaning),
    storeByte: (memory, meaning) => withMemory({ ...last([0x88], 0, 'mov', '%al', meaning), wide: false }, memory),
    flagsToAccumulator: (meaning) => fixed([0x9f], 'lahf', '', meaning),
    overflowToAccumulator: (meaning) => fixed([0x0f, 0x90, 0xc0], 'seto', '%al', meaning),
    addToLowByte: (value, meaning) => fixed([0x04, value], 'add', `$0x${value.toString(16)},%al`, meaning),
    accumulatorToFlags: (meaning) => fixed([0x9e], 'sahf', '', meaning),
    compareSecondByte: (value, { name, encoding }, meaning) =>
      fixed([0x80, modRM(0b11, 7, encoding + 4), value], 'cmp', `$0x${value.toString(16)},%${name.at(-2)}h`, meaning),
    pushFlags: (meaning) => fixed([0x9c], 'pushf', '', meaning),
    popFlags: (meaning) => fixed([0x9d], 'popf', '', meaning),
    clearDirection: (meaning) => fixed([0xfc], 'cld', '', meaning),
    copyWords: (meaning) =>
      fixed([0xf3, ...(wide ? [REX | REX_W] : []), 0xa5], 'rep', `movs${suffix} ${source},${destination}`, meaning),
    return: (meaning) => fixed([0xc3], 'ret', '', meaning),
    returnOver: (bytes, meaning) => fixed([0xc2, bytes & 0xff, bytes >> 8], 'ret', `$0x${bytes.toString(16)}`, meaning),
    halt: (meaning) => fixed([0xf4], 'hlt', '', meaning),
  };
}
