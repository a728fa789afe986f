/**
 * The file behind a trampoline of version 1: a page of code and a page of data that only the supervisor ever writes
 * (own_file.ts).
 *
 * The code is traps until it is made, once, for the registers of the first context; then it is recognised, written, and
 * its mapping is taken away: nobody can write code again. The mapping of the data stays, for contexts change as long as
 * the trampoline lives.
 *
 * Each change is two writes: the block that no call reads at that time, then the state, which makes it the one that
 * counts. `context_block.ts` says why no call sees half of one. Before them, what they will make is read as the code
 * would read it, and must be the context that was meant.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { TrampfdError } from '../error.js';
import type { MappedFile } from '../linux/mapped_file.js';
import { randomWords } from '../linux/random.js';
import type { ArchitectureName } from '../trampoline/architectures.js';
import {
  assembleContextCode,
  type ContextLayout,
  contextChange,
  contextLayout,
  emptyContextCode,
  emptyContextData,
  quickRegisters,
  recogniseContextCode,
} from '../trampoline/context.js';
import { recogniseContextData } from '../trampoline/context_read.js';
import type { ContextTrampoline } from '../trampoline/trampoline.js';
import { OwnFile } from './own_file.js';

/** Codes that were made and recognised, by what they were made for. A program mostly sets one kind of context. */
const codes = new Map<string, Uint8Array>();
const MOST_CODES = 64;

/** The code for a quick part's registers. */
function codeFor(quick: readonly string[], architecture: ArchitectureName, pageSize: number): Uint8Array {
  const key = [architecture, pageSize, ...quick].join(' ');
  const known = codes.get(key);
  if (known !== undefined) return known;
  const code = assembleContextCode(quick, architecture, pageSize);
  if (!isDeepStrictEqual(recogniseContextCode(code, architecture), quick)) {
    throw new TrampfdError('EIO', 'the generated code was not recognised');
  }
  if (codes.size === MOST_CODES) codes.clear();
  codes.set(key, code);
  return code;
}

/** Such a file. */
export class ContextFile implements Disposable {
  readonly layout: ContextLayout;
  readonly #architecture: ArchitectureName;
  readonly #pageSize: number;
  readonly #file: OwnFile;
  readonly #code: MappedFile;
  readonly #data: MappedFile;
  /** What the data's page holds, for us to read. */
  readonly #copy: Uint8Array;
  /** Registers of the code's quick part; undefined while there is no code. */
  #quick: readonly string[] | undefined;
  #generation = 0n;

  private constructor(architecture: ArchitectureName, pageSize: number, file: OwnFile) {
    this.#architecture = architecture;
    this.#pageSize = pageSize;
    this.#file = file;
    this.layout = contextLayout(architecture, pageSize);
    const { size, dataOffset } = this.layout;
    this.#copy = emptyContextData(architecture, size - dataOffset);
    this.#code = file.map(0, dataOffset);
    try {
      this.#data = file.map(dataOffset, size - dataOffset);
    } catch (error) {
      this.#code[Symbol.dispose]();
      throw error;
    }
    // Traps, until there is code: the data without its state is nothing else.
    this.#code.write(emptyContextCode(architecture, dataOffset));
    this.#data.write(this.#copy);
  }

  /**
   * Creates a file that can be handed out: calls of it fault.
   *
   * @param gone is told when the supervisor has let go of it
   * @throws TrampfdError EMFILE, ENFILE or ENOMEM as memfd_create(2) and mmap(2) have them; EINVAL where the kernel does
   * not know F_SEAL_FUTURE_WRITE
   */
  static create(architecture: ArchitectureName, pageSize: number, gone?: () => void): ContextFile {
    const file = OwnFile.create(contextLayout(architecture, pageSize).size, gone);
    let made: ContextFile | undefined;
    try {
      made = new ContextFile(architecture, pageSize, file);
      file.seal('fixed');
      return made;
    } catch (error) {
      made?.[Symbol.dispose]();
      file[Symbol.dispose]();
      throw error;
    }
  }

  get inode(): bigint {
    return this.#file.inode;
  }

  get device(): number {
    return this.#file.device;
  }

  /** As {@link OwnFile.handOut}. */
  handOut(): number {
    return this.#file.handOut();
  }

  /** As {@link OwnFile.isHandedOut}. */
  isHandedOut(): boolean {
    return this.#file.isHandedOut();
  }

  /**
   * Makes the code, where there is none yet, for a context or for none in particular.
   *
   * @throws TrampfdError EIO where the code or the seals are not as they must be
   */
  makeCode(context: ContextTrampoline | undefined): void {
    if (this.#quick !== undefined) return;
    const architecture = this.#architecture;
    const quick = context === undefined ? [] : quickRegisters(context, architecture);
    const code = codeFor(quick, architecture, this.#pageSize);
    this.#code.write(code);
    this.#code[Symbol.dispose]();
    this.#file.makeFinal(this.layout.size);
    const readBack = this.#file.read(0, code.length);
    if (readBack === undefined || Buffer.compare(readBack, code) !== 0) {
      throw new TrampfdError('EIO', 'the sealed code is not the one that was recognised');
    }
    this.#quick = quick;
  }

  /**
   * Makes a context the one that counts; undefined takes it away.
   *
   * @throws TrampfdError EIO where the code or the change is not what it must be: the last context then still counts
   */
  change(context: ContextTrampoline | undefined): void {
    if (context !== undefined) this.makeCode(context);
    const quick = this.#quick ?? [];
    const generation = this.#generation + 1n;
    const { block, state } = contextChange(context, quick, generation, randomWords, this.#architecture);
    if (block !== undefined) this.#copy.set(block.bytes, block.offset);
    this.#copy.set(state);
    const read = recogniseContextData(this.#copy, quick, this.#architecture);
    if (read?.generation !== generation || !isSame(read.context, context)) {
      throw new TrampfdError('EIO', 'the generated data was not recognised');
    }
    this.#generation = generation;
    if (block !== undefined) this.#data.write(block.bytes, block.offset);
    // Eight aligned bytes, which memcpy(3) stores at once; x86 keeps the order of stores.
    this.#data.write(state);
  }

  /** Lets go of the file: mappings of it go on with the last context. */
  [Symbol.dispose](): void {
    this.#code[Symbol.dispose]();
    this.#data[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }
}

/** Whether two contexts say the same, whatever the order of their registers. */
function isSame(left: ContextTrampoline | undefined, right: ContextTrampoline | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const values = new Map(left.registers.map(({ register, value }) => [register, value]));
  return (
    left.target === right.target &&
    left.registers.length === right.registers.length &&
    right.registers.every(({ register, value }) => values.get(register) === value) &&
    isDeepStrictEqual(stackOf(left), stackOf(right))
  );
}

function stackOf({ stack }: ContextTrampoline) {
  return stack && { ...stack, data: [...stack.data] };
}
