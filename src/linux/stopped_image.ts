/**
 * A traced thread that stands before the first instruction of a program that it has just executed, and can be made to
 * call the kernel: the instruction for it is in the page that the kernel itself maps into every program (vdso(7)).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { PERSONALITY_QUERY } from '../abi/process.js';
import { USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { allocate } from './libc.js';
import { ARGUMENTS, isError, nextStop, ptrace } from './ptrace.js';
import { findSystemCall } from './remote_call.js';

/** The code segment of a 32-bit program (asm/segment.h: __USER32_CS). */
const USER32_CS = 0x23n;

const registers = allocate(USER_REGS.size);
const before = allocate(USER_REGS.size);
/** What the register of the result holds while a call is under way: -ENOSYS. */
const NO_RESULT_YET: bigint = BigInt(-errnoNumbers.ENOSYS);

/** See the module. */
export class StoppedImage {
  readonly #threadId: number;
  #instruction: bigint | undefined;

  /** @param threadId - of a thread in a ptrace stop of this thread's */
  constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /** Whether the thread has executed a program; else its call has failed, or is to be made again. */
  hasExecuted(): boolean {
    if (ptrace('PTRACE_GETREGS', this.#threadId, 0n, before.address) < 0) return false;
    const result = before.view.getBigInt64(USER_REGS.rax, true);
    // In the stop of PTRACE_EVENT_EXEC there is no result yet; behind the call it is 0.
    return result === NO_RESULT_YET || result === 0n;
  }

  /** Goes to the end of the call where it is not behind it yet: the program has not begun. False where it is gone. */
  #leaveCall(): boolean {
    if (before.view.getBigInt64(USER_REGS.rax, true) !== NO_RESULT_YET) return true;
    for (let stop = ''; stop !== 'exit'; ) {
      ptrace('PTRACE_SYSCALL', this.#threadId);
      const next = nextStop(this.#threadId);
      if (next === undefined) return false;
      stop = next;
    }
    return this.hasExecuted();
  }

  /**
   * Has the thread make a system call, and go back to where it was. {@link StoppedImage.hasExecuted} comes first.
   *
   * @returns its result, error numbers negated; undefined where there is no way to call
   */
  call(name: SyscallName, values: readonly bigint[]): bigint | undefined {
    const threadId = this.#threadId;
    if (!this.#leaveCall()) return undefined;
    const entry: Entry = before.view.getBigUint64(USER_REGS.cs, true) === USER32_CS ? 'i386' : 'x86-64';
    this.#instruction ??= findSystemCall(threadId, entry);
    if (this.#instruction === undefined) return undefined;
    const { view } = registers;
    registers.bytes.set(before.bytes);
    for (const [index, value] of values.entries()) {
      view.setBigUint64(USER_REGS[ARGUMENTS[entry][index] ?? 'rax'], value, true);
    }
    view.setBigUint64(USER_REGS.rax, BigInt(syscallNumber(entry, name) ?? -1), true);
    view.setBigInt64(USER_REGS.orig_rax, -1n, true);
    view.setBigUint64(USER_REGS.rip, this.#instruction, true);
    ptrace('PTRACE_SETREGS', threadId, 0n, registers.address);
    for (let stop = ''; stop !== 'exit'; ) {
      ptrace('PTRACE_SYSCALL', threadId);
      const next = nextStop(threadId);
      if (next === undefined) return undefined;
      stop = next;
    }
    ptrace('PTRACE_GETREGS', threadId, 0n, registers.address);
    const result = view.getBigInt64(USER_REGS.rax, true);
    before.view.setBigInt64(USER_REGS.orig_rax, -1n, true);
    ptrace('PTRACE_SETREGS', threadId, 0n, before.address);
    if (entry === 'x86-64') return result;
    const narrow = BigInt.asIntN(32, result);
    return isError(narrow) ? narrow : BigInt.asUintN(32, result);
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
    const { view } = registers;
    const entry: Entry = before.view.getBigUint64(USER_REGS.cs, true) === USER32_CS ? 'i386' : 'x86-64';
    registers.bytes.set(before.bytes);
    for (const [index, value] of values.entries()) {
      view.setBigUint64(USER_REGS[ARGUMENTS[entry][index] ?? 'rax'], value, true);
    }
    view.setBigUint64(USER_REGS.rax, BigInt(syscallNumber(entry, name) ?? -1), true);
    view.setBigUint64(USER_REGS.rip, this.#instruction ?? 0n, true);
    if (ptrace('PTRACE_SETREGS', this.#threadId, 0n, registers.address) < 0) return undefined;
    return before.bytes.slice();
  }
}
