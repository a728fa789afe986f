/**
 * The value that everything here turns on: a trampoline is not code, it is a statement of what a call of it does.
 *
 * Registers are loaded, then the processor jumps to the address that one of them holds. No other register, no flag and
 * no byte of memory changes, but for a register that jumps themselves go through where the architecture has one. No load
 * depends on another, so their order does not show; most processors keep none anyway. What is done with the value is in
 * `assemble.ts`, `recognise.ts`, `apply.ts` and `describe.ts`.
 *
 * @module
 */

/** Where a load takes its value from. */
export interface Source {
  /** From the aligned word of the architecture's width at `address`, when the trampoline is called. */
  readonly kind: 'memory';
  /** Virtual address of the word. */
  readonly address: bigint;
}

/** One register and what it receives. */
export interface Load {
  /** The register's name in the architecture's manual: `r11`, `x16`. */
  readonly register: string;
  readonly from: Source;
}

/** What a call of the trampoline does: the loads, then the jump. */
export interface Trampoline {
  readonly loads: readonly Load[];
  /** Where it jumps: the address that this register holds after the loads. */
  readonly target: { readonly register: string };
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
