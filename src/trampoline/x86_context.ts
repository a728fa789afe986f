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
 * nothing on the stack. Until the state was read again it writes only below the stack pointer of the call: at a function's
 * entry all memory there is free. On x86-64 that is the red zone; i386 moves the stack pointer first.
 *
 * @module
 */
import type { ContextForm, Instruction } from './architecture.js';
import { BLOCK, blockOffset, ENTRY_WORDS, STATE_OFFSET } from './context_block.js';
import { recogniseI386Context } from './i386_context_recognise.js';
import { label, type Part, placed } from './labels.js';
import { endbr } from './x86.js';
import { generalPart, WIDTHS } from './x86_context_general.js';
import { x86Instructions } from './x86_instructions.js';
import { at, type Memory, type Register } from './x86_operands.js';
import { recogniseX8664Context } from './x86-64_context_recognise.js';

/** What x86-64's entry and quick part keep in the red zone, in bytes from the stack pointer. */
export const KEPT = { rax: -8, rcx: -16, rdx: -24, target: -32, firstValue: -40 } as const;

/** The most registers that x86-64's quick part can load: all but the last have a word in the red zone. */
export const MOST_QUICK_REGISTERS: number = (128 + KEPT.firstValue) / 8 + 2;

const STATE: Memory = { label: 'data', displacement: STATE_OFFSET };

/** x86-64's quick part for one block. */
function quickPart64(index: 0 | 1, quick: readonly Register[]): Part[] {
  const i = x86Instructions(64);
  const { stackPointer: rsp, accumulator: rax, counter: rcx, data: rdx, named } = WIDTHS[64];
  const start = blockOffset(index, named.length, 8);
  const word = (words: number): Memory => ({ label: 'data', displacement: start + 8 * words });
  // The last value stays in rdx until the state was read again; where rdx is named, its own.
  const last = quick.includes(rdx) ? rdx : quick.at(-1);
  const kept = quick.filter((register) => register !== last);
  const place = (register: Register): Memory => at(rsp, KEPT.firstValue - 8 * kept.indexOf(register));
  const value = (words: number, what: string): Part[] => [
    i.load(word(words), rcx, `rcx = one half of ${what}`),
    i.load(word(words + 1), rdx, 'rdx = the other half'),
    i.lea(at(rcx, 0, rdx), rdx, `rdx = ${what}; no flag is touched`),
  ];
  const entry = (register: Register) => BLOCK.entries + ENTRY_WORDS * quick.indexOf(register) + 1;
  const restored = [rdx, rcx, rax] as const;
  return [
    label(`quick ${index}`),
    ...value(BLOCK.target, "the target's address"),
    i.store(rdx, at(rsp, KEPT.target), 'kept for the jump'),
    ...kept.flatMap((register) => [
      ...value(entry(register), `what ${register.name} is to hold`),
      i.store(rdx, place(register), 'kept until the state was read again'),
    ]),
    ...(last === undefined ? [] : value(entry(last), `what ${last.name} is to hold`)),
    i.load(STATE, rcx, 'rcx = the state, once more'),
    i.not(rcx, 'rcx = -1 - state'),
    i.lea(at(rax, 1, rcx), rcx, 'rcx = what the state has changed by'),
    i.jumpIfCounterZero(`certain ${index}`, 'nothing was changed meanwhile'),
    i.jump('again', 'begin anew'),
    label(`certain ${index}`),
    ...(last === undefined || last === rdx ? [] : [i.move(rdx, last, `${last.name} as the context says`)]),
    ...kept.map((register) => i.load(place(register), register, `${register.name} as the context says`)),
    ...restored
      .filter((register) => !quick.includes(register))
      .map((register) =>
        i.load(at(rsp, KEPT[register.name as 'rax' | 'rcx' | 'rdx']), register, `${register.name} as it was`),
      ),
    i.jumpThrough(at(rsp, KEPT.target), 'jump to the target'),
  ];
}

/** x86-64's entry: three registers are kept in the red zone, and the mode chooses the part. */
function entry64(quick: readonly Register[]): Part[] {
  const i = x86Instructions(64);
  const { stackPointer: rsp, accumulator: rax, counter: rcx, data: rdx } = WIDTHS[64];
  return [
    i.store(rax, at(rsp, KEPT.rax), 'rax is kept in the red zone'),
    i.store(rcx, at(rsp, KEPT.rcx), 'rcx is kept in the red zone'),
    i.store(rdx, at(rsp, KEPT.rdx), 'rdx is kept in the red zone'),
    label('again'),
    i.load(STATE, rax, 'rax = the state: generation and mode'),
    i.zeroExtendByte(rax, rcx, 'rcx = the mode'),
    i.jumpIfCounterZero('quick 0', 'mode 0: quick, block 0'),
    i.lea(at(rcx, -1), rcx, 'rcx = the mode - 1'),
    i.jumpIfCounterZero('to quick 1', 'mode 1: quick, block 1'),
    i.jump('general', 'any other mode'),
    label('to quick 1'),
    i.jump('quick 1', 'a short jump does not reach it'),
    ...quickPart64(0, quick),
    ...quickPart64(1, quick),
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
    i.zeroExtendByte(eax, ecx, 'ecx = the mode'),
    i.jumpIfCounterZero('quick 0', 'mode 0: quick, block 0'),
    i.lea(at(ecx, -1), ecx, 'ecx = the mode - 1'),
    i.jumpIfCounterZero('to quick 1', 'mode 1: quick, block 1'),
    i.jump('to general', 'any other mode'),
    label('to quick 1'),
    i.jump('quick 1', 'a short jump does not reach it'),
    ...quickPart32(0, quick),
    ...quickPart32(1, quick),
    label('to general'),
    ...[edx, ecx, eax].map((register) =>
      i.load(at(esp, KEPT_32[register.name as 'eax' | 'ecx' | 'edx']), register, `${register.name} as it was`),
    ),
    i.lea(at(esp, QUICK_FRAME), esp, 'the stack pointer as it was'),
  ];
}

/** The instructions of a context's code. */
function assembleContext(bits: 64 | 32, quick: readonly string[], dataOffset: number): Instruction[] {
  const { named } = WIDTHS[bits];
  const registers = named.filter(({ name }) => quick.includes(name));
  const parts = [
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
    mostQuickRegisters: bits === 64 ? MOST_QUICK_REGISTERS : named.length,
    assemble: (quick, dataOffset) => assembleContext(bits, quick, dataOffset),
    recognise(code, dataOffset) {
      // Shorter than any such code: nothing is to be read behind its end.
      if (code.byteLength !== dataOffset || dataOffset < 4096) return undefined;
      return bits === 64 ? recogniseX8664Context(code, dataOffset) : recogniseI386Context(code, dataOffset);
    },
  };
}
