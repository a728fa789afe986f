/**
 * The code of a context for x86-64 and i386: what a call of a trampoline of version 1 executes. Here: its entry and its
 * quick part. `x86_context_general.ts` has the general part, `context_block.ts` says why what is read twice.
 *
 * No register and no flag is lost that the context does not name. No register may be clobbered for the jump: a PLT stub
 * may use r11, but a call through a pointer passes none, and i386 has no such register at all. So the target's address
 * goes to the thread's stack, and the jump is through memory there:
 *
 *  - x86-64: below the stack pointer, where the psABI's red zone (3.2.2) keeps it from signal handlers.
 *  - i386 has no red zone: what is below the stack pointer is gone with the next signal. The address stands *at* the
 *    stack pointer, and RET with a displacement pops it and puts the stack pointer right in one instruction. It costs a
 *    mispredicted return, as the processor expects returns to go where calls came from.
 *
 * The quick part loads the registers of one set, the one that the code was made for, and is only for contexts that put
 * nothing on the stack. What it has to keep until the state was read again is below the stack pointer of the call: at a
 * function's entry all memory there is free. On x86-64 that is the red zone; i386 moves the stack pointer first. x86-64
 * keeps the flags by LAHF and SAHF, so that comparing costs no taken jump; i386 compares without touching them, as its
 * return costs more than that in any case.
 *
 * @module
 */
import type { ContextForm, Instruction } from './architecture.js';
import { BLOCK, blockOffset, ENTRY_WORDS, QUICK, STATE_OFFSET } from './context_block.js';
import { recogniseI386Context } from './i386_context_recognise.js';
import { label, type Part, placed } from './labels.js';
import { endbr, int3 } from './x86.js';
import { generalPart, WIDTHS } from './x86_context_general.js';
import { countHarmlessly, HARMLESS, splitHarmlessly } from './x86_harmless.js';
import { x86Instructions } from './x86_instructions.js';
import { at, type Memory, type Register } from './x86_operands.js';
import { recogniseX8664Context } from './x86-64_context_recognise.js';

/** What x86-64's entry and quick part keep in the red zone, in bytes from the stack pointer. */
const KEPT = { rax: -8, rcx: -16, target: -24, firstRegister: -32 } as const;

/**
 * The most registers that x86-64's quick part can load. Each has a word in the red zone, and where rax and rcx are among
 * them they have two.
 */
const MOST_QUICK_REGISTERS = 13;

const STATE: Memory = { label: 'data', displacement: STATE_OFFSET };

/**
 * x86-64's quick part for one block. ax holds the flags, rcx the state. The other registers that are named are saved, and
 * loaded at once; where it turns out that the context has changed, they get back what was saved, as the new one may not
 * name them.
 */
function quickPart64(index: 0 | 1, quick: readonly Register[]): Part[] {
  const i = x86Instructions(64);
  const { stackPointer: rsp, accumulator: rax, counter: rcx, data: rdx, named } = WIDTHS[64];
  const start = blockOffset(index, named.length, 8);
  const word = (words: number): Memory => ({ label: 'data', displacement: start + 8 * words });
  const entry = (register: Register) => BLOCK.entries + ENTRY_WORDS * quick.indexOf(register) + 1;
  // What stays in use until the end, and what does not: of the latter one holds other values until it is loaded itself.
  const inUse = quick.filter((register) => register === rax || register === rcx);
  const others = quick.filter((register) => !inUse.includes(register));
  const [free = rdx] = others;
  const saved = others.length === 0 ? [free] : others;
  const place = (position: number): Memory => at(rsp, KEPT.firstRegister - 8 * position);
  const value = (words: number, to: Register, what: string): Part[] => [
    i.load(word(words), to, `${to.name} = one half of ${what}`),
    i.arithmetic('add', word(words + 1), to, `${to.name} = ${what}`),
  ];
  const restored = (register: Register, kept: number): Part =>
    inUse.includes(register)
      ? i.load(place(saved.length + inUse.indexOf(register)), register, `${register.name} as the context says`)
      : i.load(at(rsp, kept), register, `${register.name} as it was`);
  return [
    label(`quick ${index}`),
    ...saved.map((register, position) =>
      i.store(register, place(position), `${register.name} is kept in the red zone`),
    ),
    ...value(BLOCK.target, free, "the target's address"),
    i.store(free, at(rsp, KEPT.target), 'kept for the jump'),
    ...inUse.flatMap((register, position) => [
      ...value(entry(register), free, `what ${register.name} is to hold`),
      i.store(free, place(saved.length + position), 'kept until the end'),
    ]),
    ...others.flatMap((register) => value(entry(register), register, `what ${register.name} is to hold`)),
    i.arithmetic('cmp', STATE, rcx, 'is the state the same?'),
    i.jumpIf('ne', `changed ${index}`, 'no'),
    i.addToLowByte(0x7f, 'OF as it was'),
    i.accumulatorToFlags('the other flags as they were'),
    ...(others.length === 0 ? [i.load(place(0), free, `${free.name} as it was`)] : []),
    restored(rcx, KEPT.rcx),
    restored(rax, KEPT.rax),
    i.jumpThrough(at(rsp, KEPT.target), 'jump to the target'),
    label(`changed ${index}`),
    ...saved.map((register, position) => i.load(place(position), register, `${register.name} as it was`)),
    i.jump('again', 'begin anew'),
  ];
}

/** x86-64's entry: two registers and the flags are kept, and the mode chooses the part. What is expected goes straight on. */
function entry64(quick: readonly Register[]): Part[] {
  const i = x86Instructions(64);
  const { stackPointer: rsp, accumulator: rax, counter: rcx } = WIDTHS[64];
  return [
    i.store(rax, at(rsp, KEPT.rax), 'rax is kept in the red zone'),
    i.store(rcx, at(rsp, KEPT.rcx), 'rcx is kept in the red zone'),
    i.flagsToAccumulator('ah = the flags but for OF'),
    i.overflowToAccumulator('al = OF'),
    label('again'),
    i.load(STATE, rcx, 'rcx = the state'),
    i.compareSecondByte(QUICK.block0, rcx, 'quick, and block 0?'),
    i.jumpIf('ne', 'other', 'no'),
    ...quickPart64(0, quick),
    label('other'),
    i.compareSecondByte(QUICK.block1, rcx, 'quick, and block 1?'),
    i.jumpIf('ne', 'from quick', 'no: any registers, or data for the stack, or nothing at all'),
    ...quickPart64(1, quick),
    label('from quick'),
    i.addToLowByte(0x7f, 'OF as it was'),
    i.accumulatorToFlags('the other flags as they were'),
  ];
}

/** i386: bytes that the entry and the quick part take below the stack pointer. */
const QUICK_FRAME = 64;

/** What i386's quick part keeps there, in bytes from the stack pointer; the target's address is at the upper end. */
const KEPT_32 = {
  eax: 0,
  ecx: 4,
  edx: 8,
  stateLow: 12,
  stateHigh: 16,
  firstValue: 20,
  target: QUICK_FRAME - 4,
} as const;

/** i386's quick part for one block. edx holds the address of `here`. */
function quickPart32(index: 0 | 1, quick: readonly Register[]): Part[] {
  const i = x86Instructions(32);
  const { stackPointer: esp, accumulator: eax, counter: ecx, data: edx, named } = WIDTHS[32];
  const from = { register: edx, label: 'here' };
  const page = (displacement: number): Memory => ({ label: 'data', displacement, from });
  const start = blockOffset(index, named.length, 4);
  const value = (words: number, what: string): Part[] => [
    i.load(page(start + 4 * words), eax, `eax = one half of ${what}`),
    i.load(page(start + 4 * words + 4), ecx, 'ecx = the other half'),
    i.lea(at(eax, 0, ecx), eax, `eax = ${what}; no flag is touched`),
  ];
  const place = (register: Register): Memory => at(esp, KEPT_32.firstValue + 4 * quick.indexOf(register));
  const compare = (half: 'stateLow' | 'stateHigh', next: string): Part[] => [
    i.load(page(STATE_OFFSET + (half === 'stateLow' ? 0 : 4)), ecx, 'ecx = half of the state, once more'),
    i.load(at(esp, KEPT_32[half]), eax, 'eax = that half when it was kept'),
    i.not(ecx, 'ecx = -1 - half'),
    i.lea(at(eax, 1, ecx), ecx, 'ecx = what it has changed by'),
    i.jumpIfCounterZero(next, 'it is the same'),
    i.jump('again', 'begin anew'),
    label(next),
  ];
  return [
    label(`quick ${index}`),
    ...value(BLOCK.target, "the target's address"),
    i.store(eax, at(esp, KEPT_32.target), 'kept for the jump'),
    ...quick.flatMap((register, position) => [
      ...value(BLOCK.entries + ENTRY_WORDS * position + 1, `what ${register.name} is to hold`),
      i.store(eax, place(register), 'kept until the state was read again'),
    ]),
    // The writer changes the upper half first: it is looked at last.
    ...compare('stateLow', `half certain ${index}`),
    ...compare('stateHigh', `certain ${index}`),
    ...quick.map((register) => i.load(place(register), register, `${register.name} as the context says`)),
    ...[edx, ecx, eax]
      .filter((register) => !quick.includes(register))
      .map((register) =>
        i.load(at(esp, KEPT_32[register.name as 'eax' | 'ecx' | 'edx']), register, `${register.name} as it was`),
      ),
    i.lea(at(esp, KEPT_32.target), esp, "to the target's address"),
    i.return('jump to the target; the stack pointer is as it was'),
  ];
}

/** i386's entry: three registers are kept, and the mode chooses the part. */
function entry32(quick: readonly Register[]): Part[] {
  const i = x86Instructions(32);
  const { stackPointer: esp, accumulator: eax, counter: ecx, data: edx } = WIDTHS[32];
  const from = { register: edx, label: 'here' };
  const state = (displacement: number): Memory => ({ label: 'data', displacement: STATE_OFFSET + displacement, from });
  return [
    i.lea(at(esp, -QUICK_FRAME), esp, 'room that no signal touches'),
    i.store(eax, at(esp, KEPT_32.eax), 'eax is kept'),
    i.store(ecx, at(esp, KEPT_32.ecx), 'ecx is kept'),
    i.store(edx, at(esp, KEPT_32.edx), 'edx is kept'),
    i.call('here', 'there is no addressing relative to the program counter'),
    label('here'),
    i.pop(edx, 'edx = the address of this'),
    label('again'),
    i.load(state(4), eax, 'eax = the upper half of the state'),
    i.store(eax, at(esp, KEPT_32.stateHigh), 'kept'),
    i.load(state(0), eax, 'eax = the lower half: mode and generation'),
    i.store(eax, at(esp, KEPT_32.stateLow), 'kept'),
    i.zeroExtendSecondByte(eax, ecx, 'ecx = 0: not quick; 1 or 2: quick, block 0 or 1'),
    i.jumpIfCounterZero('to general', 'not quick'),
    i.lea(at(ecx, -2), ecx, 'which of the two?'),
    i.jumpIfCounterZero('to quick 1', 'block 1'),
    ...quickPart32(0, quick),
    ...quickPart32(1, quick),
    label('from quick'),
    ...[edx, ecx, eax].map((register) =>
      i.load(at(esp, KEPT_32[register.name as 'eax' | 'ecx' | 'edx']), register, `${register.name} as it was`),
    ),
    i.lea(at(esp, QUICK_FRAME), esp, 'the stack pointer as it was'),
  ];
}

/** i386: bytes before the entry, two jumps and what aligns it. Short jumps reach backwards; what is expected goes straight on. */
const BEFORE_ENTRY_32 = 16;

function beforeEntry32(): Part[] {
  const i = x86Instructions(32);
  return [
    label('to general'),
    i.jump('from quick', 'any registers, or data for the stack, or nothing at all'),
    label('to quick 1'),
    i.jump('quick 1', 'block 1 is the one that counts'),
    ...Array.from({ length: BEFORE_ENTRY_32 - 10 }, () => int3),
  ];
}

/** The instructions of a context's code. */
function assembleContext(bits: 64 | 32, quick: readonly string[], dataOffset: number): Instruction[] {
  const { named } = WIDTHS[bits];
  const registers = named.filter(({ name }) => quick.includes(name));
  const parts = [
    ...(bits === 64 ? [] : beforeEntry32()),
    label('entry'),
    endbr(bits),
    ...(bits === 64 ? entry64(registers) : entry32(registers)),
    ...generalPart(bits),
  ];
  return placed(parts, { data: dataOffset });
}

/**
 * The trampolines of contexts of a width. The alignments are those that the kernel gives to signal frames, which begin
 * as a function's frame does: psABI x86-64 3.2.2, psABI i386 2.2.2.
 */
export function x86ContextForm(bits: 64 | 32): ContextForm {
  const { named, stackPointer } = WIDTHS[bits];
  return {
    registers: named.map(({ name }) => name),
    stackPointer: stackPointer.name,
    entryAlignment: bits === 64 ? { before: 0, multiple: 16, after: 8 } : { before: 4, multiple: 16, after: 4 },
    jumpRegisters: [],
    invocationOffset: bits === 64 ? 0 : BEFORE_ENTRY_32,
    mostQuickRegisters: bits === 64 ? MOST_QUICK_REGISTERS : named.length,
    harmless: { bytes: HARMLESS, split: (value) => splitHarmlessly(value, bits / 8), count: countHarmlessly },
    assemble: (quick, dataOffset) => assembleContext(bits, quick, dataOffset),
    recognise(code, dataOffset) {
      // Shorter than any such code: nothing is to be read behind its end.
      if (code.byteLength !== dataOffset || dataOffset < 4096) return undefined;
      return bits === 64 ? recogniseX8664Context(code, dataOffset) : recogniseI386Context(code, dataOffset);
    },
  };
}
