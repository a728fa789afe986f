/**
 * The code of a context for arm: what a call of a trampoline of version 1 executes. `context_block.ts` says why what is
 * read twice.
 *
 * No register is lost, not even ip, which would be free: it is the intra-procedure-call scratch register that a
 * linker's veneer may use between a call and the function that it calls (AAPCS32, "Use of IP by the linker"). But a
 * context may name it, and A32 can do without: LDR loads the program counter from memory, and in the same instruction
 * adds to the register that holds the address. That register is the stack pointer.
 *
 * There is no red zone: what is below the stack pointer is gone with the next signal (AAPCS32, "Universal stack
 * constraints", which also has it a multiple of 4 at all times). So the stack pointer stays below all that is still to
 * be read, a fixed distance below where it will be for the target. The target's address is the word that it points to,
 * and that last LDR pops it and puts the stack pointer right. It costs a mispredicted return, as processors expect what
 * pops the program counter to go where a call came from.
 *
 * The flags are saved and restored. r11 and lr are not touched: a signal handler that unwinds the stack finds the
 * caller.
 *
 * The memory model lets a processor load in another order than the program's (DDI 0406, A3.8), so DMB ISH stands
 * between the steps. The state is two words here. Its upper half is read first, and last again. It only ever grows, so
 * when it is the same it was so all the time in between, in which no value of the lower half comes twice.
 *
 * @module
 */
import type { ContextForm, Instruction } from './architecture.js';
import { recogniseArmContext } from './arm_context_recognise.js';
import * as i from './arm_instructions.js';
import {
  BLOCK,
  blockOffset,
  blockWords,
  MOST_STACK_DATA,
  MOST_STACK_OFFSET,
  stackStart,
  UNSET_BIT,
} from './context_block.js';
import { label, type Part, placed } from './labels.js';

const { r, sp, pc } = i;

/** Bytes of a word of the data, and of a register. */
const WORD_SIZE = 4;
/** r0 to r10, and r12: the interface calls it ip in contexts, r12 in tables, and here it is r12 for both. */
const NAMED = [...Array.from({ length: 11 }, (_, encoding) => r(encoding)), r(12)];
/** What the stack pointer is a multiple of at a function's entry. */
const STACK_ALIGNMENT = 8;

/** The frame, in bytes from the first of the saved registers: those, the flags, the copied block. */
const FLAGS = WORD_SIZE * NAMED.length;
const COPY = FLAGS + WORD_SIZE;
const copied = (words: number): number => COPY + WORD_SIZE * words;
/** Above the copy goes the data for the stack, with what aligning it takes and what its first word has before it. */
const MOST_BELOW = MOST_STACK_DATA + MOST_STACK_OFFSET + (STACK_ALIGNMENT - 1) + (WORD_SIZE - 1);
/** Below the registers is the word for the target's address. A multiple of 256 can be an operand of ADD and SUB. */
const FRAME_SIZE = Math.ceil((WORD_SIZE + copied(blockWords(NAMED.length, WORD_SIZE)) + MOST_BELOW) / 256) * 256;

/** The first of the saved registers, until they are loaded. */
const frame = r(12);

/** Registers with one use from their first mention to the last; all are saved before. */
const value = r(0);
const data = r(1);
const stateHigh = r(2);
const state = r(3);
const block = r(4);
const destination = r(5);
const counter = r(6);
const other = r(7);
const finalStack = r(8);

/** The sum of two words, which stand where `block` points to and which it moves over. */
function nextHalves(what: string): Part[] {
  return [
    i.ldrPost(value, block, WORD_SIZE, `one half of ${what}`),
    i.ldrPost(other, block, WORD_SIZE, 'the other half'),
    i.arithmetic('add', value, value, other, `r0 = ${what}`),
  ];
}

const entry = (): readonly Part[] => [
  label('entry'),
  i.subImmediate(sp, sp, FRAME_SIZE, 'room for the frame, which no signal touches from here on'),
  i.stmib(sp, NAMED, "saved, behind the word for the target's address"),
  i.addImmediate(frame, sp, WORD_SIZE, 'r12 = where they are'),
  i.mrs(value, 'the flags'),
  i.str(value, frame, FLAGS, 'saved'),
  i.movwDistance(data, 'data', ''),
  i.arithmetic('add', data, pc, data, 'r1 = the address of the data, at whose start the state is'),
];

const copy = (): readonly Part[] => [
  label('copy'),
  i.ldr(stateHigh, data, WORD_SIZE, 'r2 = the upper half of the state'),
  i.dmbIsh('loaded before its lower half'),
  i.ldr(state, data, 0, 'r3 = the lower half of the state'),
  i.dmbIsh('loaded before the block'),
  i.tst(state, UNSET_BIT, 'is there anything to load?'),
  i.b('unset', 'no', 'ne'),
  i.addImmediate(block, data, blockOffset(0, NAMED.length, WORD_SIZE), 'block 0'),
  i.tst(state, 1, 'does it count?'),
  i.addImmediate(block, block, WORD_SIZE * blockWords(NAMED.length, WORD_SIZE), 'no: block 1', 'ne'),
  i.addImmediate(destination, frame, COPY, 'into the frame'),
  i.ldr(counter, block, WORD_SIZE * BLOCK.length, 'as many words as it has'),
  label('next copied word'),
  i.ldrPost(value, block, WORD_SIZE, 'a word'),
  i.strPost(value, destination, WORD_SIZE, 'copied'),
  i.countDown(counter, ''),
  i.b('next copied word', 'there are more', 'ne'),
  i.dmbIsh('all of them are loaded before the state is loaded again'),
  i.ldr(value, data, 0, 'the lower half of the state, once more'),
  i.cmp(value, state, 'is it the same?'),
  i.b('copy', 'no: the copy may be of two contexts, begin anew', 'ne'),
  i.dmbIsh('loaded before the upper half'),
  i.ldr(value, data, WORD_SIZE, 'the upper half of the state, once more'),
  i.cmp(value, stateHigh, 'is it the same?'),
  i.b('copy', 'no', 'ne'),
];

const stack = (): readonly Part[] => [
  i.addImmediate(finalStack, sp, FRAME_SIZE, 'r8 = the stack pointer of the call'),
  i.ldr(value, frame, copied(BLOCK.distance), ''),
  i.arithmetic('sub', destination, finalStack, value, 'down by size and offset'),
  i.ldr(value, frame, copied(BLOCK.mask), ''),
  i.arithmetic('and', destination, destination, value, 'aligned: r5 = the address of the data'),
  i.arithmetic('sub', value, destination, finalStack, 'how far that is from the stack pointer'),
  i.ldr(other, frame, copied(BLOCK.moves), ''),
  i.arithmetic('and', value, value, other, '0 where the stack pointer stays'),
  i.arithmetic('add', finalStack, finalStack, value, 'r8 = the final stack pointer'),
  i.subImmediate(sp, finalStack, FRAME_SIZE, 'as far below it, so that one LDR remains; the frame is above'),
  i.ldr(value, frame, copied(BLOCK.lead), ''),
  i.arithmetic('add', destination, destination, value, 'the last word ends where the data ends'),
  i.ldr(counter, frame, copied(BLOCK.stackWords), 'words for the stack'),
  i.addImmediate(block, frame, copied(stackStart(NAMED.length)), 'where the copy has them'),
  label('next word'),
  i.countDown(counter, ''),
  i.b('registers', 'none left', 'mi'),
  ...nextHalves('a word'),
  i.strPost(value, destination, WORD_SIZE, 'onto the stack'),
  i.b('next word', ''),
];

const registers = (): readonly Part[] => [
  label('registers'),
  i.ldr(counter, frame, copied(BLOCK.registers), 'registers that are named'),
  i.addImmediate(block, frame, copied(BLOCK.target), 'where the copy has the target'),
  ...nextHalves("the target's address"),
  i.str(value, sp, 0, 'kept for the jump'),
  i.addImmediate(block, frame, copied(BLOCK.entries), 'where the copy has them'),
  label('next register'),
  i.countDown(counter, ''),
  i.b('load', 'none left', 'mi'),
  i.ldrPost(destination, block, WORD_SIZE, 'its place in the frame'),
  ...nextHalves('what it is to hold'),
  i.strIndexed(value, frame, destination, 'instead of what was saved'),
  i.b('next register', ''),
];

const restored = (): readonly Part[] => [i.ldr(value, frame, FLAGS, ''), i.msrFlags(value, 'the flags as they were')];

const load = (): readonly Part[] => [
  label('load'),
  ...restored(),
  i.ldm(frame, NAMED, 'the registers for the target'),
  i.ldrPost(pc, sp, FRAME_SIZE, 'jump to the target, and put the stack pointer right'),
];

/** Nothing to load: a store to the entry, which is not writable, is a SIGSEGV whose address is that of the call. */
const unset = (): readonly Part[] => [
  label('unset'),
  ...restored(),
  i.ldm(frame, NAMED, 'the registers as they were'),
  i.addImmediate(sp, sp, FRAME_SIZE, 'the stack pointer as it was'),
  i.strbToLabel(value, 'entry', 'fault, at the address of the call; nothing is lost'),
  i.udf,
];

/** The instructions of a context's code: one general part, for any registers and for data on the stack. */
function assembleContext(dataOffset: number): Instruction[] {
  return placed([...entry(), ...copy(), ...stack(), ...registers(), ...load(), ...unset()], { data: dataOffset });
}

/** The trampolines of contexts. The alignment is that of the stack at a public interface (AAPCS32, "The Stack"). */
export const armContextForm: ContextForm = {
  registers: NAMED.map(({ name }) => name),
  stackPointer: sp.name,
  entryAlignment: { before: 0, multiple: STACK_ALIGNMENT, after: 0 },
  jumpRegisters: [],
  invocationOffset: 0,
  mostQuickRegisters: 0,
  assemble: (_, dataOffset) => assembleContext(dataOffset),
  recognise: recogniseArmContext,
};
