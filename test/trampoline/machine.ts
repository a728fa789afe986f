/**
 * What the tests know of an architecture beside its file in src/trampoline: facts from its manual and its psABI, written
 * down a second time, and how its code is executed and disassembled here. One file for each in `machines/`.
 *
 * @module
 */
import type { Registers } from '../../src/trampoline/architecture.js';

/** A slot that the manual and a foreign assembler give the bytes of. */
export interface Vector {
  readonly what: string;
  readonly code: string;
  readonly data: string;
  /** Hexadecimal, in memory order; spaces between instructions. */
  readonly bytes: string;
}

/** How slots are executed: a program that follows the protocol of test/programs/trampoline/execute.h. */
export interface Execution {
  /** The compiler's command and flags for `test/programs/trampoline/NAME.c`, or what makes the program without one. */
  readonly program: { readonly compiler: string; readonly flags: readonly string[] } | (() => string);
  readonly emulator?: string;
  /** The registers in the program's order, that of their encoding. */
  readonly registers: readonly string[];
  readonly flagsRegister: string;
  /** The flags that a program may set as it likes. */
  readonly flagsMask: bigint;
  /** The flags that a target finds and a program does not set, beside those of `flagsMask`. */
  readonly flagsSeen?: bigint;
  /** The register that has to hold the slot's address, where no jump is without one. */
  readonly jumpRegister?: string;
  /** What the stack pointer must be a multiple of at all times, in bytes; 1 where it is absent. */
  readonly stackAlignment?: number;
  /** The register that is not as it was when a call faults because there is no context. */
  readonly lostWithoutContext?: string;
}

/** How a foreign disassembler reads slots. */
export interface Disassembly {
  /**
   * How objdump is told the architecture, and to name registers by their numbers; or what another disassembler reads in
   * the code, in objdump's form: a line `offset bytes text` for each instruction.
   */
  readonly reader: readonly string[] | ((code: Uint8Array) => string[]);
  /** Whether it prints instructions as words, not as bytes. */
  readonly words: boolean;
}

export interface Machine {
  /** The interface's `code_size`. */
  readonly slotSize: number;
  /** What a page is where nobody says, and how many trampolines there are in it. */
  readonly page: readonly [bytes: number, trampolines: number];
  /** The interface's numbers of registers: the first, then the names in the order of their numbers, `-` for none. */
  readonly first: number;
  readonly names: string;
  /** Those of them that take the data only. */
  readonly dataOnly?: string;
  /** How many registers instructions can name. */
  readonly encodings: number;
  /** How the C header spells a register. */
  readonly spelling: (name: string) => string;
  /** A register that another architecture has, and this one does not. */
  readonly foreign: string;
  readonly programCounter: string;
  /** What a jump's target must be a multiple of to arrive where it says. */
  readonly targetAlignment: bigint;
  /** The registers that a jump changes beside the program counter. */
  readonly jumpChanges?: (target: bigint) => Registers;
  /** The trap's bytes, in hexadecimal. */
  readonly trap: string;
  /** The signal that the trap raises. */
  readonly trapSignal: NodeJS.Signals;
  readonly vectors: readonly Vector[];
  /** Slots of right form whose registers are not a table's to load, in hexadecimal. */
  readonly forbidden: readonly (readonly [what: string, bytes: string])[];
  readonly execution: Execution;
  readonly disassembly: Disassembly;
}

/** `x0`, `x1` and so on. */
export function numbered(prefix: string, count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${first + index}`);
}
