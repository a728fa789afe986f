/**
 * What an architecture's file tells: its registers, its instructions, and how both make the slot of a trampoline table.
 *
 * Two halves of it must not lean on each other: `assembleSlot` writes instructions, `recogniseSlot` reads bytes. A page
 * is handed out only after the second half has found in it exactly what the first was asked for.
 *
 * @module
 */

/** A register that a trampoline table may name. */
export interface TableRegister {
  /** Its name in the architecture's manual. */
  readonly name: string;
  /** Its number in the trampfd interface, as `reg` of the code and data structures. */
  readonly number: number;
  /** Its number in the architecture's instructions. */
  readonly encoding: number;
  /** Set where only the data may go there: the slot cannot jump through it, or should not. */
  readonly dataOnly?: true;
}

/** One instruction, for the processor and for people. */
export interface Instruction {
  readonly bytes: readonly number[];
  /** Its name, as objdump prints it. */
  readonly mnemonic: string;
  /** Its operands in the architecture's usual assembler syntax, as objdump prints them. */
  readonly operands: string;
  /** What it is there for, in one phrase. */
  readonly meaning: string;
  /** The table slot's address that this instruction, or a series that begins with it, holds from byte `at` on. */
  readonly holds?: { readonly address: bigint; readonly at: number };
}

/** A register and the address of the table slot that it is loaded from. */
export interface SlotLoad {
  readonly register: TableRegister;
  readonly address: bigint;
}

/** What the bytes of a table slot say. Addresses come in halves of 32 bits, for BigInt is too slow for whole pages. */
export interface RecognisedSlot {
  /** The registers, by their number in instructions. */
  readonly codeRegister: number;
  readonly dataRegister: number;
  readonly codeLow: number;
  readonly codeHigh: number;
  readonly dataLow: number;
  readonly dataHigh: number;
}

/** The values of registers by name, as unsigned integers. */
export type Registers = Readonly<Record<string, bigint>>;

/** An address is aligned for a function's entry as `((address + before) rounded down to a multiple) - after`, in bytes. */
export interface EntryAlignment {
  readonly before: number;
  readonly multiple: number;
  readonly after: number;
}

/** How data is written that is harmless when it is executed. */
export interface HarmlessData {
  /** All bytes that values may have there. */
  readonly bytes: ReadonlySet<number>;
  /** Two words whose sum is a value. */
  split(value: bigint): readonly [bigint, bigint];
  /** A counter of so many bytes. */
  count(counter: bigint, digits: number): bigint;
}

/** How an architecture makes the trampoline of a context (version 1 of the trampfd interface). */
export interface ContextForm {
  /** Names of the registers that a context may name beside the program counter, in the order of their numbers there. */
  readonly registers: readonly string[];
  readonly stackPointer: string;
  /** How an address becomes one that a function's entry finds in the stack pointer: see {@link EntryAlignment}. */
  readonly entryAlignment: EntryAlignment;
  /**
   * Registers that the jump can go through: it takes the first one that the context does not name, which holds the
   * target's address afterwards. A context that names all of them is refused. None where the jump needs no register.
   */
  readonly jumpRegisters: readonly string[];
  /** Bytes from the code's start to what is called. */
  readonly invocationOffset: number;
  /** The most registers that the quick part of the code can load; 0 where the code has none. */
  readonly mostQuickRegisters: number;
  /** How values stand in the data, where bytes of the program's choice must be harmless as code; else they are split at random. */
  readonly harmless?: HarmlessData;

  /**
   * The code: see `context_block.ts`. It is not longer than the smallest page.
   *
   * @param quick names of the registers that the quick part loads, in the order of `registers`
   * @param dataOffset bytes from the code's start to the data
   */
  assemble(quick: readonly string[], dataOffset: number): readonly Instruction[];

  /** Reads code of `dataOffset` bytes: the registers that its quick part loads, or nothing when any bit is another. */
  recognise(code: DataView, dataOffset: number): readonly string[] | undefined;
}

/** One architecture: a file of its own, and a line in `architectures.ts`. */
export interface Architecture {
  readonly name: string;
  /** Width in bytes of an address, of a general register and of a table's entry. */
  readonly wordSize: 4 | 8;
  /** What a slot's address must be a multiple of, in bytes, for the processor to execute it. */
  readonly instructionAlignment: 1 | 2 | 4;
  /**
   * Size in bytes of the page that most systems of the architecture have: it counts where nobody says another. The
   * kernel may be built with others, so whoever knows the machine gives its own.
   */
  readonly pageSize: number;
  /** Size in bytes of a table's slot, the interface's `code_size`. */
  readonly tableSlotSize: number;
  readonly tableRegisters: readonly TableRegister[];
  /** The register for the target where the caller names none. */
  readonly codeRegister: string;
  /** The register for the data where the caller names none. */
  readonly dataRegister: string;
  /** What fills a page outside its slots: wherever execution arrives there, the process is stopped by a signal. */
  readonly trap: Instruction;
  /** The landing pad that a slot begins with and what enforces it, or `none` and why, as a part of a sentence. */
  readonly landingPad: string;
  /** A register that no table names and that changes all the same, for the slot's jump goes through it. */
  readonly jumpsThrough?: string;

  /**
   * The instructions of a table's slot, `tableSlotSize` bytes in all. Both registers are of the table and differ, and
   * the code's is not {@link TableRegister.dataOnly}.
   */
  assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[];

  /**
   * Puts another address where an instruction of {@link assembleSlot} holds one.
   *
   * @param at offset of the instruction that {@link Instruction.holds} an address, plus the `at` there
   * @param low the address's lower 32 bits
   * @param high the address's upper 32 bits; 0 where words have 32
   */
  placeAddress(code: DataView, at: number, low: number, high: number): void;

  /**
   * Reads the `tableSlotSize` bytes at offset `at`: what they load and from where, or nothing when any bit of them is
   * not what a table's slot has there. Registers and addresses are as they stand, not judged.
   */
  recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined;

  /** The registers that the slot's jump changes, when it goes to `target` in the state `registers`. */
  jump(target: bigint, registers: Registers): Registers;

  /** The carry flag where there is one that trampolines set: a bit of a register, named as in the kernel's user_regs. */
  readonly carry?: { readonly register: string; readonly mask: bigint };

  /** Trampolines of contexts, where the architecture has them. */
  readonly context?: ContextForm;
}
