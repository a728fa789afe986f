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
 * The quick part (x86-64) loads the registers of one set, the one that the code was made for, and is only for contexts
 * that put nothing on the stack. Until the state was read again it writes to the red zone only: at a function's entry
 * all below the stack pointer is free.
 *
 * @module
 */
import type { ContextForm, Instruction } from './architecture.js';
import { BLOCK, blockOffset, ENTRY_WORDS, STATE_OFFSET } from './context_block.js';
import { label, type Part, placed } from './labels.js';
import { endbr } from './x86.js';
import { generalPart, WIDTHS } from './x86_context_general.js';
import { recogniseX86Context } from './x86_context_recognise.js';
import { x86Instructions } from './x86_instructions.js';
import { at, type Memory, type Register } from './x86_operands.js';

/** What the entry and the quick part keep in the red zone, in bytes from the stack pointer. */
export const KEPT = { rax: -8, rcx: -16, rdx: -24, target: -32, firstValue: -40 } as const;

/** The most registers that the quick part can load: all but the last have a word in the red zone. */
export const MOST_QUICK_REGISTERS: number = (128 + KEPT.firstValue) / 8 + 2;

const STATE: Memory = { label: 'data', displacement: STATE_OFFSET };

/** The quick part for one block. */
function quickPart(index: 0 | 1, quick: readonly Register[]): Part[] {
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
function quickEntry(quick: readonly Register[]): Part[] {
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
    ...quickPart(0, quick),
    ...quickPart(1, quick),
  ];
}

/** The instructions of a context's code. */
function assembleContext(bits: 64 | 32, quick: readonly string[], dataOffset: number): Instruction[] {
  const { named } = WIDTHS[bits];
  const registers = named.filter(({ name }) => quick.includes(name));
  const parts = [label('entry'), endbr(bits), ...(bits === 64 ? quickEntry(registers) : []), ...generalPart(bits)];
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
    mostQuickRegisters: bits === 64 ? MOST_QUICK_REGISTERS : 0,
    assemble: (quick, dataOffset) => assembleContext(bits, quick, dataOffset),
    recognise: (code, dataOffset) => recogniseX86Context(code, bits, dataOffset),
  };
}
