/**
 * The value that everything here turns on: a trampoline is not code, it is a statement of what a call of it does.
 *
 * Registers are loaded, data may be put on the stack, then the processor jumps to an address: one that a register holds,
 * or a given one. No other register and no flag changes, and no memory that is in use; but for a register that jumps
 * themselves go through where the architecture has one. Code that programs wrote themselves may also set or clear the
 * carry flag, or push a word (see `legacy.ts`); no trampoline that is assembled here does. No load depends on another, so their order does not show; most
 * processors keep none anyway. What is done with the value is in `assemble.ts`, `recognise.ts`, `apply.ts` and
 * `describe.ts`.
 *
 * @module
 */

/** Where a load takes its value from. */
export type Source =
  /** From the aligned word of the architecture's width at the virtual address `address`, when the trampoline is called. */
  | { readonly kind: 'memory'; readonly address: bigint }
  /** The value itself, an unsigned integer of the architecture's width. */
  | { readonly kind: 'constant'; readonly value: bigint };

/** One register and what it receives. */
export interface Load {
  /** The register's name in the architecture's manual: `r11`, `x16`. */
  readonly register: string;
  readonly from: Source;
}

/** Data that a trampoline puts below the stack pointer. */
export interface StackData {
  /** At least one byte. */
  readonly data: Uint8Array;
  /** Bytes left free between the data's end and the stack pointer, before anything is aligned. */
  readonly offset: number;
  /** Whether the stack pointer moves to the data, which is then aligned as a function's entry wants it. */
  readonly movesStackPointer: boolean;
}

/** What a call of the trampoline does: the loads, the data for the stack, then the jump. */
export interface Trampoline {
  readonly loads: readonly Load[];
  readonly stack?: StackData;
  /** What the carry flag is set to, where the trampoline touches it; only x86 has one. */
  readonly carry?: boolean;
  /** An unsigned word of the architecture's width that is pushed on the stack before the jump. */
  readonly push?: bigint;
  /** Where it jumps: to the address that this register holds after the loads, or to this address. */
  readonly target: { readonly register: string } | { readonly address: bigint };
}

/** The registers and the table slots of one trampoline of a table. */
export interface TableTrampoline {
  /** The register that receives the target's address, and through which the jump goes. */
  readonly codeRegister: string;
  /** Address of the code table's slot: the word there is the target's address. */
  readonly codeSlot: bigint;
  /** The register in which the target finds its data. */
  readonly dataRegister: string;
  /** Address of the data table's slot: the word there is the target's data. */
  readonly dataSlot: bigint;
}

/**
 * The trampoline of a table (version 2 of the trampfd interface): load the code register, then the data register, each
 * from its table's slot, and jump to what the code register holds.
 */
export function tableTrampoline({ codeRegister, codeSlot, dataRegister, dataSlot }: TableTrampoline): Trampoline {
  return {
    loads: [
      { register: codeRegister, from: { kind: 'memory', address: codeSlot } },
      { register: dataRegister, from: { kind: 'memory', address: dataSlot } },
    ],
    target: { register: codeRegister },
  };
}

/** What a context says (version 1 of the trampfd interface). */
export interface ContextTrampoline {
  /** The registers that receive constants, none of them twice. */
  readonly registers: readonly { readonly register: string; readonly value: bigint }[];
  readonly stack?: StackData | undefined;
  /** The target's address. */
  readonly target: bigint;
}

/** The trampoline of a context: load constants into registers, put data on the stack, and jump to the target. */
export function contextTrampoline({ registers, stack, target }: ContextTrampoline): Trampoline {
  return {
    loads: registers.map(({ register, value }) => ({ register, from: { kind: 'constant', value } })),
    ...(stack === undefined ? {} : { stack }),
    target: { address: target },
  };
}
