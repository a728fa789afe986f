/**
 * The code of a context for arm64: what a call of a trampoline of version 1 executes. `context_block.ts` says why what
 * is read twice.
 *
 * One register is lost: A64 has no indirect branch but through a register. The jump goes through x16, or through x17
 * where the context names x16. These are IP0 and IP1, the intra-procedure-call scratch registers (AAPCS64,
 * "General-purpose registers"). PLT stubs and the linker's veneers use them between a call and the function that it
 * calls ("Use of IP0 and IP1 by the linker"); a call through a pointer may go to such a stub as well, and neither
 * register carries an argument. So no caller counts on them, nor does any function that is called. They are also the
 * two through which BR arrives at a function that begins with `bti c` or `paciasp` (DDI 0487: PSTATE.BTYPE). A context
 * that names both leaves no register for the jump, and is refused.
 *
 * There is no red zone: what is below the stack pointer is gone with the next signal ("Universal stack constraints").
 * So the stack pointer stays below all that is still to be read, a fixed distance below where it will be for the
 * target, and the last step before the jump is one ADD. Memory is reached through x16, not through the stack pointer,
 * which must be a multiple of 16 for that.
 *
 * No flag is touched: the branches test registers. x29 and x30 are not touched either: a return address stays as it was
 * signed, and a signal handler that unwinds the stack finds the caller.
 *
 * The memory model lets a processor load in another order than the program's (DDI 0487, B2.3). LDAR loads the state
 * before all that comes behind it, the block among it; DMB ISHLD has all of the block loaded before the state is loaded
 * again.
 *
 * @module
 */
import type { ContextForm, Instruction } from './architecture.js';
import { recogniseArm64Context } from './arm64_context_recognise.js';
import * as i from './arm64_instructions.js';
import {
  BLOCK,
  blockOffset,
  blockWords,
  ENTRY_WORDS,
  MOST_STACK_DATA,
  MOST_STACK_OFFSET,
  stackStart,
  UNSET_BIT,
} from './context_block.js';
import { label, type Part, placed } from './labels.js';

const { x, sp } = i;

/** Bytes of a word of the data, and of a register. */
const WORD_SIZE = 8;
/** x0 to x28: all but the frame pointer (x29) and the link register (x30). */
const NAMED = 29;
const [X16, X17] = [16, 17];
/** What the stack pointer is a multiple of at a function's entry. */
const STACK_ALIGNMENT = 16;

/** The frame, in bytes from its lower end: the registers, each at its number, then the copied block. */
const registerAt = (register: number): number => WORD_SIZE * register;
const COPY = registerAt(NAMED);
const copied = (words: number): number => COPY + WORD_SIZE * words;
/** Above the copy goes the data for the stack, with what aligning it takes and what its first word has before it. */
const MOST_BELOW = MOST_STACK_DATA + MOST_STACK_OFFSET + (STACK_ALIGNMENT - 1) + (WORD_SIZE - 1);
const FRAME_SIZE = Math.ceil((copied(blockWords(NAMED, WORD_SIZE)) + MOST_BELOW) / STACK_ALIGNMENT) * STACK_ALIGNMENT;

/** The frame's lower end, from the entry to the jump. */
const frame = x(X16);

/** Registers with one use from their first mention to the last; all are saved before. */
const data = x(0);
const state = x(1);
const block = x(2);
const destination = x(3);
const counter = x(4);
const value = x(5);
const other = x(6);
const target = x(7);
const finalStack = x(8);
const place = x(9);
/** Free from the time the registers are saved until x16 and x17 are loaded as a pair. */
const choice = x(X17);

/** The pairs of neighbours among x0 to x15 and x18 to x27; x28 has none. */
const PAIRS = Array.from({ length: 14 }, (_, index) => 2 * index).filter((first) => first !== X16);

/** The sum of two words of the copied block. */
function halves(words: number, to: i.Register, what: string): Part[] {
  return [
    i.ldp(to, other, frame, copied(words), `both halves of ${what}`),
    i.arithmetic('add', to, to, other, `${to.name} = ${what}`),
  ];
}

const entry = (): readonly Part[] => [
  label('entry'),
  i.btiC(),
  i.subImmediate(frame, sp, FRAME_SIZE, 'x16 = where the frame goes; what x16 held is lost, or is not asked for'),
  i.moveToStackPointer(frame, 'no signal touches the frame from here on'),
  ...PAIRS.map((first) => i.stp(x(first), x(first + 1), frame, registerAt(first), 'saved')),
  i.str(x(X17), frame, registerAt(X17), 'saved'),
  i.str(x(NAMED - 1), frame, registerAt(NAMED - 1), 'saved'),
  i.adr(data, 'data', 'x0 = the address of the data, at whose start the state is'),
];

const copy = (): readonly Part[] => [
  label('copy'),
  i.ldar(state, data, 'x1 = the state, loaded before all that follows'),
  i.tbnz(state, Math.log2(UNSET_BIT), 'unset', 'there is nothing to load'),
  i.addImmediate(block, data, blockOffset(0, NAMED, WORD_SIZE), 'block 0'),
  i.tbz(state, 0, 'chosen', 'it counts'),
  i.addImmediate(block, block, WORD_SIZE * blockWords(NAMED, WORD_SIZE), 'block 1'),
  label('chosen'),
  i.addImmediate(destination, frame, COPY, 'into the frame'),
  i.ldr(counter, block, WORD_SIZE * BLOCK.length, 'as many words as it has'),
  label('next copied word'),
  i.ldrPost(value, block, WORD_SIZE, 'a word'),
  i.strPost(value, destination, WORD_SIZE, 'copied'),
  i.subImmediate(counter, counter, 1, ''),
  i.cbnz(counter, 'next copied word', 'there are more'),
  i.dmbIshld('all of them are loaded before the state is loaded again'),
  i.ldr(value, data, 0, 'x5 = the state, once more'),
  i.arithmetic('sub', value, value, state, 'what it has changed by'),
  i.cbnz(value, 'copy', 'the copy may be of two contexts: begin anew'),
];

const stack = (): readonly Part[] => [
  i.addImmediate(finalStack, frame, FRAME_SIZE, 'x8 = the stack pointer of the call'),
  i.ldr(value, frame, copied(BLOCK.distance), ''),
  i.arithmetic('sub', destination, finalStack, value, 'down by size and offset'),
  i.ldr(value, frame, copied(BLOCK.mask), ''),
  i.arithmetic('and', destination, destination, value, 'aligned: x3 = the address of the data'),
  i.arithmetic('sub', value, destination, finalStack, 'how far that is from the stack pointer'),
  i.ldr(other, frame, copied(BLOCK.moves), ''),
  i.arithmetic('and', value, value, other, '0 where the stack pointer stays'),
  i.arithmetic('add', finalStack, finalStack, value, 'x8 = the final stack pointer'),
  i.subImmediate(sp, finalStack, FRAME_SIZE, 'as far below it, so that one ADD remains; the frame is above'),
  i.ldr(value, frame, copied(BLOCK.lead), ''),
  i.arithmetic('add', destination, destination, value, 'the last word ends where the data ends'),
  i.ldr(counter, frame, copied(BLOCK.stackWords), 'words for the stack'),
  i.addImmediate(block, frame, copied(stackStart(NAMED)), 'where the copy has them'),
  label('next word'),
  i.cbz(counter, 'registers', 'none left'),
  i.ldpPost(value, other, block, 2 * WORD_SIZE, 'both halves of a word'),
  i.arithmetic('add', value, value, other, 'the word'),
  i.strPost(value, destination, WORD_SIZE, 'onto the stack'),
  i.subImmediate(counter, counter, 1, ''),
  i.b('next word', ''),
];

const registers = (): readonly Part[] => [
  label('registers'),
  ...halves(BLOCK.target, target, "the target's address"),
  i.movz(place, registerAt(X16), 'it goes to x16'),
  i.ldr(counter, frame, copied(BLOCK.registers), 'registers that are named'),
  i.addImmediate(block, frame, copied(BLOCK.entries), 'where the copy has them'),
  label('next register'),
  i.cbz(counter, 'load', 'none left'),
  i.ldrPost(destination, block, WORD_SIZE, 'its place in the frame'),
  i.ldpPost(value, other, block, (ENTRY_WORDS - 1) * WORD_SIZE, 'both halves of what it is to hold'),
  i.arithmetic('add', value, value, other, 'what it is to hold'),
  i.strIndexed(value, frame, destination, 'instead of what was saved'),
  i.subImmediate(counter, counter, 1, ''),
  i.subImmediate(destination, destination, registerAt(X16), ''),
  i.cbnz(destination, 'next register', 'it is not x16'),
  i.movz(place, registerAt(X17), "the target's address goes to x17"),
  i.b('next register', ''),
];

/** Behind the loads of all others: x16 gives up the frame, the stack pointer goes where it belongs, and off. */
function jumpThrough(register: i.Register): Part[] {
  return [
    i.ldp(x(X16), x(X17), frame, registerAt(X16), `x16 and x17 for the target, whose address is in ${register.name}`),
    i.addImmediate(sp, sp, FRAME_SIZE, 'the final stack pointer'),
    i.br(register, 'jump to the target'),
  ];
}

const load = (): readonly Part[] => [
  label('load'),
  i.strIndexed(target, frame, place, "the target's address instead of what was saved"),
  i.subImmediate(choice, place, registerAt(X16), 'x17 = 0 where it is in x16'),
  ...PAIRS.map((first) => i.ldp(x(first), x(first + 1), frame, registerAt(first), 'for the target')),
  i.ldr(x(NAMED - 1), frame, registerAt(NAMED - 1), 'for the target'),
  i.cbnz(choice, 'through x17', ''),
  ...jumpThrough(x(X16)),
  label('through x17'),
  ...jumpThrough(x(X17)),
];

/** Nothing to load: a store to the entry, which is not writable, is a SIGSEGV whose address is that of the call. */
const unset = (): readonly Part[] => [
  label('unset'),
  ...[data, block, counter].map(({ encoding }) =>
    i.ldp(x(encoding), x(encoding + 1), frame, registerAt(encoding), 'as they were; no other has been changed yet'),
  ),
  i.addImmediate(sp, sp, FRAME_SIZE, 'the stack pointer as it was'),
  i.adr(x(X16), 'entry', 'only x16 is lost'),
  i.strbZero(x(X16), 'fault, at the address of the call'),
  i.brk,
];

/** The instructions of a context's code: one general part, for any registers and for data on the stack. */
function assembleContext(dataOffset: number): Instruction[] {
  return placed([...entry(), ...copy(), ...stack(), ...registers(), ...load(), ...unset()], { data: dataOffset });
}

/** The trampolines of contexts. The alignment is that of the stack at a function's entry (AAPCS64, "The Stack"). */
export const arm64ContextForm: ContextForm = {
  registers: Array.from({ length: NAMED }, (_, encoding) => x(encoding).name),
  stackPointer: sp.name,
  entryAlignment: { before: 0, multiple: STACK_ALIGNMENT, after: 0 },
  invocationOffset: 0,
  mostQuickRegisters: 0,
  jumpRegisters: [x(X16).name, x(X17).name],
  assemble: (_, dataOffset) => assembleContext(dataOffset),
  recognise: recogniseArm64Context,
};
