/**
 * System calls of this process that are made one after the other by one native call: what JavaScript has to do between
 * one call and the next often takes longer than the call.
 *
 * The calls stand in a list, and a few instructions go through it until a call fails. What a call is given may be known
 * only when the ones before it are done: the list also copies words.
 *
 * @module
 */
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { allocate, type NativeFunction, type NativeMemory, nativeAt } from './libc.js';
import { mapCode } from './own_code.js';

/** A system call of x86-64. */
export interface ListedCall {
  readonly call: keyof (typeof syscallNumbers)['x86-64'] & SyscallName;
  /** Of each argument its value, or the call of the list whose result it is. */
  readonly arguments: readonly (number | bigint | { readonly resultOf: number })[];
}

/** A copy of eight bytes of this process's memory. */
export interface ListedCopy {
  readonly from: bigint;
  readonly to: bigint;
}

/** A record of the list: the number, six arguments, the result. A copy has the two addresses as arguments. */
const RECORD = 64;
const FIRST_ARGUMENT = 8;
const RESULT = 56;
/** In the place of a number: the end, and a copy. No system call has one of them. */
const END = -1n;
const COPY = -2n;

/**
 * A function of C with the list's address as its argument, which returns by how many bytes it has gone ahead:
 * `push %rbx; push %rdi; mov %rdi,%rbx; 1: mov (%rbx),%rax; cmp $-2,%rax; je 3f; ja 4f; mov 8(%rbx),%rdi;
 * mov 16(%rbx),%rsi; mov 24(%rbx),%rdx; mov 32(%rbx),%r10; mov 40(%rbx),%r8; mov 48(%rbx),%r9; syscall;
 * mov %rax,56(%rbx); test %rax,%rax; js 4f; 2: add $64,%rbx; jmp 1b; 3: mov 8(%rbx),%rsi; mov 16(%rbx),%rdi; movsq;
 * jmp 2b; 4: mov %ebx,%eax; pop %rdi; sub %edi,%eax; pop %rbx; ret`.
 */
const LIST_CODE = Uint8Array.from([
  ...[0x53, 0x57, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x03, 0x48, 0x83, 0xf8, 0xfe, 0x74, 0x2b, 0x77, 0x35],
  ...[0x48, 0x8b, 0x7b, 0x08, 0x48, 0x8b, 0x73, 0x10, 0x48, 0x8b, 0x53, 0x18, 0x4c, 0x8b, 0x53, 0x20],
  ...[0x4c, 0x8b, 0x43, 0x28, 0x4c, 0x8b, 0x4b, 0x30, 0x0f, 0x05, 0x48, 0x89, 0x43, 0x38, 0x48, 0x85],
  ...[0xc0, 0x78, 0x12, 0x48, 0x83, 0xc3, 0x40, 0xeb, 0xcc, 0x48, 0x8b, 0x73, 0x08, 0x48, 0x8b, 0x7b],
  ...[0x10, 0x48, 0xa5, 0xeb, 0xee, 0x89, 0xd8, 0x5f, 0x29, 0xf8, 0x5b, 0xc3],
]);

let runner: NativeFunction | undefined;

/** See the module. A list and what it needs live until the process ends. */
export class CallList {
  readonly #memory: NativeMemory;
  readonly #run: NativeFunction;
  /** Where the record of each entry begins, behind the copies that it needs; then where the end is. */
  readonly #starts: readonly number[];
  /** Addresses to begin at with each entry. */
  readonly #addresses: readonly bigint[];

  /** @param entries what is done, in this order */
  constructor(entries: readonly (ListedCall | ListedCopy)[]) {
    runner ??= nativeAt(mapCode(LIST_CODE), 'int trampfd_call_list(uint64_t)');
    this.#run = runner;
    let next = 0;
    const starts = entries.map((entry) => {
      const start = next + ('call' in entry ? RECORD * resultsOf(entry).length : 0);
      next = start + RECORD;
      return start;
    });
    this.#starts = [...starts, next];
    this.#memory = allocate(next + RECORD);
    const begins = [0, ...starts.map((start) => start + RECORD)];
    this.#addresses = begins.map((start) => this.#memory.address + BigInt(start));
    entries.forEach((entry, index) => {
      const start = starts[index] ?? 0;
      if ('call' in entry) this.#putCall(entry, start);
      else this.#putCopy(entry, start);
    });
    this.#memory.view.setBigInt64(next, END, true);
  }

  #putCall(entry: ListedCall, start: number): void {
    const { view, address } = this.#memory;
    view.setBigInt64(start, BigInt(syscallNumbers['x86-64'][entry.call]), true);
    entry.arguments.forEach((value, position) => {
      if (typeof value === 'object') return;
      view.setBigUint64(start + FIRST_ARGUMENT + 8 * position, BigInt.asUintN(64, BigInt(value)), true);
    });
    resultsOf(entry).forEach(({ position, resultOf }, index, all) => {
      const from = address + BigInt((this.#starts[resultOf] ?? 0) + RESULT);
      const to = address + BigInt(start + FIRST_ARGUMENT + 8 * position);
      this.#putCopy({ from, to }, start - RECORD * (all.length - index));
    });
  }

  #putCopy({ from, to }: ListedCopy, start: number): void {
    const { view } = this.#memory;
    view.setBigInt64(start, COPY, true);
    view.setBigUint64(start + FIRST_ARGUMENT, from, true);
    view.setBigUint64(start + FIRST_ARGUMENT + 8, to, true);
  }

  /** Changes an argument of a call from the next time on: a number that is not negative. */
  setArgument(entry: number, position: number, value: number): void {
    this.#memory.view.setUint32((this.#starts[entry] ?? 0) + FIRST_ARGUMENT + 8 * position, value, true);
  }

  /** The lower 32 bits of an argument of a call. */
  argument(entry: number, position: number): number {
    return this.#memory.view.getUint32((this.#starts[entry] ?? 0) + FIRST_ARGUMENT + 8 * position, true);
  }

  /**
   * Goes through the list until a call fails, or to its end.
   *
   * @param from the entry that it begins with
   * @returns the entry that failed, or the number of entries
   */
  run(from = 0): number {
    const start = from === 0 ? 0 : (this.#starts[from - 1] ?? 0) + RECORD;
    return this.#starts.indexOf(start + Number(this.#run(this.#addresses[from] ?? this.#memory.address)));
  }

  /** The result of a call: its lower 32 bits, an error number negated. */
  result(entry: number): number {
    return this.#memory.view.getInt32((this.#starts[entry] ?? 0) + RESULT, true);
  }

  /** Has a call's result be one that it has not given: a number of 32 bits. */
  setResult(entry: number, value: number): void {
    this.#memory.view.setInt32((this.#starts[entry] ?? 0) + RESULT, value, true);
  }
}

/** The arguments of a call that are results of others. */
function resultsOf({ arguments: values }: ListedCall): readonly { position: number; resultOf: number }[] {
  return values.flatMap((value, position) =>
    typeof value === 'object' ? [{ position, resultOf: value.resultOf }] : [],
  );
}
