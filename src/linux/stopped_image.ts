/**
 * A traced thread that stands before the first instruction of a program that it has just executed, and can be made to
 * call the kernel: the instruction for it is in the page that the kernel itself maps into every program (vdso(7)).
 *
 * @module
 */
import { PERSONALITY_QUERY } from '../abi/process.js';
import { USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { callRegisters, machineOf, NO_RESULT_YET } from './call_registers.js';
import { InjectedCalls } from './injected_calls.js';
import { KernelEntries } from './kernel_entry.js';
import { allocate } from './libc.js';
import { Passage } from './passage.js';
import { ptrace } from './ptrace_request.js';

/** What the kernel is given, or gives: used within one request. */
const passed = allocate(USER_REGS.size);

/** The result of the call that a thread is in, or has made, by its registers; undefined where it is gone. */
function resultNow(threadId: number): bigint | undefined {
  if (ptrace('PTRACE_GETREGS', threadId, 0n, passed.address) < 0) return undefined;
  return passed.view.getBigInt64(USER_REGS.rax, true);
}

/** See the module. */
export class StoppedImage {
  readonly #threadId: number;
  readonly #entries: KernelEntries = new KernelEntries();

  /** @param threadId - of a thread in a ptrace stop of this thread's */
  constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /** Whether the thread has executed a program; else its call has failed, or is to be made again. */
  hasExecuted(): boolean {
    const result = resultNow(this.#threadId);
    // In the stop of PTRACE_EVENT_EXEC there is no result yet; behind the call it is 0.
    return result === NO_RESULT_YET || result === 0n;
  }

  /** Goes to the end of the call where it is not behind it yet: the program has not begun. False where it is gone. */
  #leaveCall(): boolean {
    if (resultNow(this.#threadId) !== NO_RESULT_YET) return true;
    return new Passage(this.#threadId).go('PTRACE_SYSCALL').kind === 'exit' && this.hasExecuted();
  }

  /** How the program enters the kernel. */
  #entryOf(registers: Uint8Array): Entry {
    const view = new DataView(registers.buffer, registers.byteOffset);
    return machineOf(view.getBigUint64(USER_REGS.cs, true)) ?? 'x86-64';
  }

  /**
   * Has the thread make a system call, and go back to where it was. {@link StoppedImage.hasExecuted} comes first.
   *
   * @returns its result, error numbers negated; undefined where there is no way to call
   */
  call(name: SyscallName, values: readonly bigint[]): bigint | undefined {
    if (!this.#leaveCall()) return undefined;
    using calls = InjectedCalls.begin(this.#threadId, { entries: this.#entries });
    return calls?.call(this.#entryOf(calls.registers), name, values);
  }

  /**
   * Has the thread wait in a system call, once it is let go of: for whoever is notified of that call, and takes the thread
   * over. {@link StoppedImage.hasExecuted} comes first.
   *
   * @returns the registers that it is to go on with, or undefined where there is no way to call
   */
  park(name: SyscallName, values: readonly bigint[]): Uint8Array | undefined {
    // It is behind its execve from here on.
    if (this.call('personality', [BigInt(PERSONALITY_QUERY)]) === undefined) return undefined;
    if (resultNow(this.#threadId) === undefined) return undefined;
    const before = passed.bytes.slice();
    const entry = this.#entryOf(before);
    const instruction = this.#entries.of(this.#threadId, entry) ?? 0n;
    const number = syscallNumber(entry, name) ?? -1;
    passed.bytes.set(callRegisters(before, { entry, number, values, instruction, isOwn: false }));
    if (ptrace('PTRACE_SETREGS', this.#threadId, 0n, passed.address) < 0) return undefined;
    return before;
  }
}
