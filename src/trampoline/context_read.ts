/**
 * Reading the data of a context: what the code would find there, and act on. Nothing here is shared with what writes it.
 *
 * @module
 */
import { type ArchitectureName, architectures } from './architectures.js';
import { viewOf } from './recognise.js';
import type { ContextTrampoline } from './trampoline.js';

/** What the data of a context's file says. */
export interface ContextData {
  /** The context that counts; absent where calls fault. */
  readonly context?: ContextTrampoline;
  /** Whether the code's quick part serves it. */
  readonly quick: boolean;
  readonly generation: bigint;
}

/**
 * Reads the data of a context's file.
 *
 * @param quick the registers that the code's quick part loads
 * @returns nothing where it is no such data: where any word of the block that counts is not what it must be
 */
export function recogniseContextData(
  data: Uint8Array,
  quick: readonly string[],
  architecture: ArchitectureName,
): ContextData | undefined {
  const { wordSize, context: form } = architectures[architecture];
  if (form === undefined) return undefined;
  const view = viewOf(data);
  const state = view.getBigUint64(0, true);
  const mode = Number(state & 0xffn);
  const quickMode = Number((state >> 8n) & 0xffn);
  const { harmless } = form;
  const counted = state >> 16n;
  const generation = harmless === undefined ? counted : readCounter(counted, [...harmless.bytes]);
  if (generation === undefined) return undefined;
  if (mode === 4 && quickMode === 0) return { quick: false, generation };
  if (mode > 1 || (quickMode !== 0 && quickMode !== mode + 1)) return undefined;

  const count = form.registers.length;
  const mostStackWords = 64 / wordSize;
  const start = 64 + (mode & 1) * wordSize * (12 + 3 * count + 2 * mostStackWords);
  const word = (index: number): bigint =>
    wordSize === 8 ? view.getBigUint64(start + 8 * index, true) : BigInt(view.getUint32(start + 4 * index, true));
  const bits = 8 * wordSize;
  let isHarmless = true;
  const joined = (index: number, rest = index + 1): bigint => {
    for (const half of [word(index), word(rest)]) {
      for (let byte = 0; byte < wordSize; byte++) {
        if (harmless?.bytes.has(Number((half >> BigInt(8 * byte)) & 0xffn)) === false) isHarmless = false;
      }
    }
    return BigInt.asUintN(bits, word(index) + word(rest));
  };
  const signed = (index: number): number => Number(BigInt.asIntN(bits, word(index)));

  const [length, wholeDistance, mask, adjustment, moves, low, stackWords, unused, lead, named] = Array.from(
    { length: 10 },
    (_, index) => signed(index),
  ) as [number, number, number, number, number, number, number, number, number, number];
  const distance = harmless === undefined ? wholeDistance : Number(BigInt.asIntN(bits, joined(1, 7)));
  if (
    (harmless === undefined && unused !== 0) ||
    named < 0 ||
    named > count ||
    stackWords < 0 ||
    stackWords > mostStackWords
  )
    return undefined;

  const registers: { register: string; value: bigint }[] = [];
  let before = -1;
  for (let index = 0; index < named; index++) {
    const place = signed(12 + 3 * index) / wordSize;
    const register = Number.isInteger(place) ? form.registers[place] : undefined;
    if (register === undefined || place <= before) return undefined;
    before = place;
    registers.push({ register, value: joined(13 + 3 * index) });
  }
  const target = joined(10);
  const names = registers.map(({ register }) => register);
  if (form.jumpRegisters.length > 0 && form.jumpRegisters.every((name) => names.includes(name))) return undefined;
  const isQuick = quickMode !== 0;
  if (isQuick && (stackWords !== 0 || names.join() !== quick.join())) return undefined;

  if (stackWords === 0) {
    const isPlain = mask === -1 && [distance, adjustment, moves, low, lead].every((value) => value === 0);
    if (!isPlain || !isHarmless || length !== 12 + 3 * named) return undefined;
    return { context: { registers, target }, quick: isQuick, generation };
  }
  const first = 12 + 3 * count;
  if (length !== first + 2 * stackWords || lead > 0 || lead <= -wordSize) return undefined;
  const field = new Uint8Array(wordSize * stackWords);
  const fieldView = viewOf(field);
  for (let index = 0; index < stackWords; index++) {
    const value = joined(first + 2 * index);
    if (wordSize === 8) fieldView.setBigUint64(8 * index, value, true);
    else fieldView.setUint32(4 * index, Number(value), true);
  }
  if (!isHarmless || field.subarray(0, -lead).some((byte) => byte !== 0)) return undefined;
  const bytes = field.slice(-lead);
  const { before: raised, multiple, after } = form.entryAlignment;
  const movesStackPointer = moves === -1;
  const offset = distance - bytes.length + (movesStackPointer ? raised : 0);
  const expected = movesStackPointer ? [-multiple, after, -1, 0] : [-1, 0, 0, offset < wordSize ? 1 : 0];
  if ([mask, adjustment, moves, low].some((value, index) => value !== expected[index])) return undefined;
  if (offset < 0 || offset > 256) return undefined;
  return {
    context: { registers, stack: { data: bytes, offset, movesStackPointer }, target },
    quick: isQuick,
    generation,
  };
}

/** A counter whose digits are bytes of a list, the lowest first; nothing where one is not. */
function readCounter(bytes: bigint, digits: readonly number[]): bigint | undefined {
  let counter = 0n;
  for (let at = 40n; at >= 0n; at -= 8n) {
    const digit = digits.indexOf(Number((bytes >> at) & 0xffn));
    if (digit < 0) return undefined;
    counter = counter * BigInt(digits.length) + BigInt(digit);
  }
  return counter;
}
