/**
 * The file of a context's trampoline: a page of code that never changes, and behind it the data that it reads.
 *
 * The code is made once, for the registers that the first context names: its quick part loads these. A context of any
 * other shape goes through the general part. Then each new context is a block and a state, written to the data in that
 * order; `context_block.ts` says why a thread never sees half of one.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import type { ContextForm, Instruction } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';
import {
  BLOCK,
  blockOffset,
  blockWords,
  ENTRY_WORDS,
  MODE,
  MOST_STACK_DATA,
  MOST_STACK_OFFSET,
  QUICK,
  STATE_SIZE,
  stackStart,
} from './context_block.js';
import { viewOf } from './recognise.js';
import type { ContextTrampoline } from './trampoline.js';

/** Where a context's file has what, in bytes. */
export interface ContextLayout {
  /** Of the file, and of its mapping. */
  readonly size: number;
  /** From the start of the mapping to what a program calls. */
  readonly invocationOffset: number;
  /** From the start of the file to the data. */
  readonly dataOffset: number;
}

function formOf(architecture: ArchitectureName): ContextForm {
  const { context } = architectures[architecture];
  if (context === undefined) throw new TrampfdError('EOPNOTSUPP', `${architecture} has no trampolines of contexts`);
  return context;
}

/** @throws TrampfdError EOPNOTSUPP where the architecture has no trampolines of contexts */
export function contextLayout(
  architecture: ArchitectureName,
  pageSize: number = architectures[architecture].pageSize,
): ContextLayout {
  return { size: 2 * pageSize, invocationOffset: formOf(architecture).invocationOffset, dataOffset: pageSize };
}

/**
 * Judges a context.
 *
 * @throws TrampfdError EINVAL when a register is unknown or named twice, no register is left for the jump, a value or the
 *   target does not fit into a word, the target is NULL, or the data for the stack is empty, too large or too far from
 *   the stack pointer
 */
export function requireContext({ registers, stack, target }: ContextTrampoline, architecture: ArchitectureName): void {
  const form = formOf(architecture);
  const bits = 8 * architectures[architecture].wordSize;
  const invalid = (message: string): never => {
    throw new TrampfdError('EINVAL', message);
  };
  const seen = new Set<string>();
  for (const { register, value } of registers) {
    if (!form.registers.includes(register)) {
      invalid(`register '${register}': a context of ${architecture} can name ${form.registers.join(' ')}; name one`);
    }
    if (seen.has(register)) invalid(`register '${register}': it is named twice; name it once`);
    seen.add(register);
    if (BigInt.asUintN(bits, value) !== value)
      invalid(`register '${register}': its value does not fit into ${bits} bits`);
  }
  const { jumpRegisters } = form;
  if (jumpRegisters.length > 0 && jumpRegisters.every((name) => seen.has(name))) {
    const names = jumpRegisters.join(' and ');
    invalid(`registers ${names}: the jump of ${architecture} needs one that is not named; leave one of them out`);
  }
  if (BigInt.asUintN(bits, target) !== target || target === 0n) {
    invalid(`target 0x${target.toString(16)}: give an address of ${bits} bits that is not NULL`);
  }
  if (stack === undefined) return;
  const { data, offset } = stack;
  if (data.length < 1 || data.length > MOST_STACK_DATA) {
    invalid(`${data.length} bytes for the stack: give 1 to ${MOST_STACK_DATA}`);
  }
  if (!Number.isInteger(offset) || offset < 0 || offset > MOST_STACK_OFFSET) {
    invalid(`offset ${offset} from the stack pointer: give 0 to ${MOST_STACK_OFFSET}`);
  }
}

/**
 * The registers that the quick part should load, so that it serves a context; none where it cannot, or is not needed.
 *
 * @returns names in the order that {@link assembleContextCode} wants
 */
export function quickRegisters({ registers }: ContextTrampoline, architecture: ArchitectureName): readonly string[] {
  const form = formOf(architecture);
  if (registers.length > form.mostQuickRegisters) return [];
  return form.registers.filter((name) => registers.some(({ register }) => register === name));
}

/**
 * The code of a context's trampoline: everything of its file up to the data.
 *
 * @param quick what {@link quickRegisters} gave
 */
export function assembleContextCode(
  quick: readonly string[],
  architecture: ArchitectureName,
  pageSize: number = architectures[architecture].pageSize,
): Uint8Array {
  const { dataOffset } = contextLayout(architecture, pageSize);
  const code = traps(architecture, dataOffset);
  code.set(contextInstructions(quick, architecture, pageSize).flatMap(({ bytes }) => bytes));
  return code;
}

/** The instructions of that code, without the traps behind them. */
export function contextInstructions(
  quick: readonly string[],
  architecture: ArchitectureName,
  pageSize: number = architectures[architecture].pageSize,
): readonly Instruction[] {
  return formOf(architecture).assemble(quick, contextLayout(architecture, pageSize).dataOffset);
}

/** So many bytes of the architecture's trap. */
function traps(architecture: ArchitectureName, size: number): Uint8Array {
  const { bytes } = architectures[architecture].trap;
  const filled = new Uint8Array(size);
  filled.set(bytes);
  // What is filled doubles with each copy.
  for (let at = bytes.length; at < size; at *= 2) filled.copyWithin(at, 0, Math.min(at, size - at));
  return filled;
}

/** The registers that the quick part of a context's code loads, or nothing where it is no such code, to the last bit. */
export function recogniseContextCode(code: Uint8Array, architecture: ArchitectureName): readonly string[] | undefined {
  return formOf(architecture).recognise(viewOf(code), code.length);
}

/** What stands in the code's place before there is code: traps. */
export function emptyContextCode(architecture: ArchitectureName, size: number): Uint8Array {
  return traps(architecture, size);
}

/** The data before there is a context: a state that makes every call fault, and traps. */
export function emptyContextData(architecture: ArchitectureName, size: number): Uint8Array {
  const data = traps(architecture, size);
  data.set(encodeState(architecture, 0n, MODE.unset));
  return data;
}

/** The state: the mode, whether the quick part serves it, and a generation that is another at every change. */
function encodeState(
  architecture: ArchitectureName,
  generation: bigint,
  mode: number,
  quick: number = QUICK.no,
): Uint8Array {
  const bytes = new Uint8Array(STATE_SIZE);
  const counted = formOf(architecture).harmless?.count(generation, STATE_SIZE - 2) ?? generation;
  viewOf(bytes).setBigUint64(0, BigInt.asUintN(64, (counted << 16n) | BigInt((quick << 8) | mode)), true);
  return bytes;
}

/** What is written to change a context: first the block, then the state, in one store of 8 bytes. */
export interface ContextChange {
  /** Where the block goes, from the start of the data, and its bytes; absent where the context is removed. */
  readonly block?: { readonly offset: number; readonly bytes: Uint8Array };
  /** Goes to the start of the data. */
  readonly state: Uint8Array;
}

/** Random words, as many as asked for, of the given width. */
export type RandomWords = (count: number, wordSize: 4 | 8) => readonly bigint[];

/**
 * What makes another context the one that counts.
 *
 * @param context the new context; absent, there is none, and calls fault
 * @param quick the registers that the code's quick part loads
 * @param generation counts the changes; every change has its own, one higher than the last
 * @param random makes the words that the values are split with; what it gives must not be known beforehand
 * @throws TrampfdError EINVAL as {@link requireContext} does
 */
export function contextChange(
  context: ContextTrampoline | undefined,
  quick: readonly string[],
  generation: bigint,
  random: RandomWords,
  architecture: ArchitectureName,
): ContextChange {
  if (context === undefined) return { state: encodeState(architecture, generation, MODE.unset) };
  requireContext(context, architecture);
  const form = formOf(architecture);
  const { wordSize } = architectures[architecture];
  const names = quickRegisters(context, architecture);
  const isQuick =
    form.mostQuickRegisters > 0 &&
    context.stack === undefined &&
    context.registers.length === quick.length &&
    names.every((name, index) => name === quick[index]);
  // Each generation has the other block: the last one's is left alone. The first has the one that is reached sooner.
  const index = Number((generation + 1n) & 1n) as 0 | 1;
  return {
    block: {
      offset: blockOffset(index, form.registers.length, wordSize),
      bytes: encodeBlock(context, random, architecture),
    },
    state: encodeState(architecture, generation, MODE.block0 + index, isQuick ? QUICK.block0 + index : QUICK.no),
  };
}

/** The words of a block: what each is for stands in `context_block.ts`. */
function encodeBlock(
  { registers, stack, target }: ContextTrampoline,
  random: RandomWords,
  architecture: ArchitectureName,
): Uint8Array {
  const form = formOf(architecture);
  const { wordSize } = architectures[architecture];
  const bits = 8 * wordSize;
  const words: bigint[] = Array.from({ length: blockWords(form.registers.length, wordSize) }, () => 0n);
  const put = (at: number, value: bigint | number): void => {
    words[at] = BigInt.asUintN(bits, BigInt(value));
  };
  const { harmless } = form;
  const masks = harmless ? [] : random(1 + form.registers.length + MOST_STACK_DATA / wordSize, wordSize);
  let used = 0;
  const split = (at: number, value: bigint, rest = at + 1): void => {
    const mask = masks[used++] ?? 0n;
    const [one, other] = harmless?.split(BigInt.asUintN(bits, value)) ?? [mask, value - mask];
    put(at, one);
    put(rest, other);
  };
  const putDistance = (distance: number): void => {
    if (harmless) split(BLOCK.distance, BigInt(distance), BLOCK.distanceRest);
    else put(BLOCK.distance, distance);
  };

  const stackWords = stack === undefined ? 0 : Math.ceil(stack.data.length / wordSize);
  const start = stackStart(form.registers.length);
  put(BLOCK.length, stackWords === 0 ? BLOCK.entries + ENTRY_WORDS * registers.length : start + 2 * stackWords);
  put(BLOCK.registers, registers.length);
  split(BLOCK.target, target);
  // The quick part knows the order: it is that of the architecture's list.
  const named = form.registers.filter((name) => registers.some(({ register }) => register === name));
  for (const [index, name] of named.entries()) {
    const at = BLOCK.entries + ENTRY_WORDS * index;
    put(at, wordSize * form.registers.indexOf(name));
    split(at + 1, registers.find(({ register }) => register === name)?.value ?? 0n);
  }

  put(BLOCK.mask, -1);
  putDistance(0);
  if (stack === undefined) return bytesOf(words, wordSize);
  const { data, offset, movesStackPointer } = stack;
  const { before, multiple, after } = form.entryAlignment;
  putDistance(data.length + offset - (movesStackPointer ? before : 0));
  put(BLOCK.stackWords, stackWords);
  put(BLOCK.lead, data.length - wordSize * stackWords);
  if (movesStackPointer) {
    put(BLOCK.mask, -multiple);
    put(BLOCK.adjustment, after);
    put(BLOCK.moves, -1);
  } else if (offset < wordSize) {
    // The data reaches up to where the target's address would be kept.
    put(BLOCK.low, 1);
  }
  // The data ends where the last word ends; what is before it in the first word is free memory.
  const field = new Uint8Array(wordSize * stackWords);
  field.set(data, field.length - data.length);
  const view = viewOf(field);
  for (let index = 0; index < stackWords; index++) {
    const at = wordSize * index;
    split(start + 2 * index, wordSize === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true)));
  }
  return bytesOf(words, wordSize);
}

function bytesOf(words: readonly bigint[], wordSize: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(words.length * wordSize);
  const view = viewOf(bytes);
  for (const [index, word] of words.entries()) {
    if (wordSize === 8) view.setBigUint64(8 * index, word, true);
    else view.setUint32(4 * index, Number(word), true);
  }
  return bytes;
}
