/**
 * The data that the code of a context reads: two blocks, and one word that says which of them counts and how.
 *
 * A context changes while threads call through it. So the code of a trampoline never changes, and what it loads comes
 * from a block. Whoever writes a new context writes the block that does not count, and then the state word, in one store.
 * The state holds a generation that never comes again. The code
 *
 *  1. reads the state, and copies the block that it names to the thread's own stack;
 *  2. reads the state again: where it has changed, the copy may be of two contexts, and the thread begins anew;
 *  3. acts on the copy.
 *
 * A block is written only while the state names the other. So when the state is the same before and after, no byte of
 * the block was written in between, however long the thread was kept from running: old and new are never mixed. No
 * thread waits for a writer, and a writer that dies leaves the context as it was.
 *
 * All of it rests on the order in which the memory sees these loads and stores. x86 keeps the program's; the code for
 * arm64 and arm has barriers between its steps. A writer there must keep it too, with a barrier for stores (DMB ISHST)
 * between the block and the state, and another between that state and the next block: whoever sees anything of a new
 * block must see that the state no longer names it. The state is one store of 8 aligned bytes.
 *
 * The data stands beside the code, and may be as executable. Therefore no value of the program stands there as it is: each
 * is split into two words whose sum it is. On x86 these words have bytes alone that are harmless as code (x86_harmless.ts),
 * and so has the generation. Elsewhere one of the words is random and the other the difference. What stands there as it is
 * are counts, none above 112, masks and -7 to 8, each in a word for itself: none of them is an instruction that jumps, and
 * where a word of ones ends, the next one begins with a byte that makes no jump of both.
 *
 * Words are of the architecture's width and byte order. All offsets below are in words, from the start of the block.
 *
 * @module
 */

/**
 * The state: 8 bytes at the start of the data. The lowest byte is the mode, the next one says whether the quick part
 * serves the context, and above stands the generation.
 */
export const STATE_OFFSET = 0;
export const STATE_SIZE = 8;

/** The mode: which block counts. */
export const MODE = {
  block0: 0,
  block1: 1,
  /** None: there are no registers to load, and a call faults. */
  unset: 4,
} as const;

/** The state's second byte: whether the context names the registers that the code was made for, and puts nothing on the stack. */
export const QUICK = { no: 0, block0: 1, block1: 2 } as const;

/** The bit of the mode that only `unset` has. */
export const UNSET_BIT = 4;

/** Where the words of a block stand. */
export const BLOCK = {
  /** Words that are to be copied, from the start of the block. */
  length: 0,
  /** The data's end goes to `((stack pointer - distance) & mask) - adjustment + size`. On x86 it is split. */
  distance: 1,
  distanceRest: 7,
  mask: 2,
  adjustment: 3,
  /** All ones where the stack pointer moves to the data, else 0. */
  moves: 4,
  /**
   * 1 where the data leaves no word free right below the final stack pointer, else 0: which of two places there x86-64
   * keeps the target's address at.
   */
  low: 5,
  /** How many registers are named. */
  registers: 9,
  /** How many words go to the stack, and how far from the data's address the first of them goes: 0 or negative. */
  stackWords: 6,
  lead: 8,
  /** The target's address, split. */
  target: 10,
  /** Three words for each register: where its value stands among the saved ones, in bytes, and the value, split. */
  entries: 12,
} as const;

/** Words of a register's entry. */
export const ENTRY_WORDS = 3;
/** Most bytes of data for the stack, and most bytes between it and the stack pointer. */
export const MOST_STACK_DATA = 64;
export const MOST_STACK_OFFSET = 256;

/** Where the words for the stack begin, behind the entries of as many registers as can be named. */
export function stackStart(registers: number): number {
  return BLOCK.entries + ENTRY_WORDS * registers;
}

/** Words of a whole block. */
export function blockWords(registers: number, wordSize: 4 | 8): number {
  return stackStart(registers) + 2 * (MOST_STACK_DATA / wordSize);
}

/** Byte offset of a block from the start of the data. The state has a cache line for itself. */
export function blockOffset(index: 0 | 1, registers: number, wordSize: 4 | 8): number {
  return 64 + index * blockWords(registers, wordSize) * wordSize;
}
