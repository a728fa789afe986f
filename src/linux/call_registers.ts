/**
 * The registers with which a thread makes a system call, and those with which it goes on behind: pure.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { USER_REGS } from '../abi/ptrace.js';
import type { Entry } from '../abi/syscalls.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { INSTRUCTION_LENGTH } from './kernel_entry.js';

/** The registers of a system call's arguments. */
export const ARGUMENTS = {
  'x86-64': ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'],
  i386: ['rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp'],
} as const;

/** Code and data segments of programs (asm/segment.h: __USER32_CS, __USER_CS, __USER_DS). */
const USER32_CS = 0x23n;
const USER_CS = 0x33n;
const USER_DS = 0x2bn;
/** A selector with this bit is one of the process's own table (modify_ldt(2)). */
const LOCAL_TABLE = 4n;
/** EFLAGS.TF: each instruction is followed by a SIGTRAP. */
const TRAP_FLAG = 0x100n;

/** struct user_regs_struct. */
export type Registers = Uint8Array;

function viewOf(registers: Registers): DataView {
  return new DataView(registers.buffer, registers.byteOffset, registers.length);
}

/** The bits of a register of that width. */
export function asRegister(entry: Entry, value: bigint): bigint {
  return BigInt.asUintN(entry === 'i386' ? 32 : 64, value);
}

/** What machine runs a code segment's code; undefined for a segment of the process's own, which may begin anywhere. */
export function machineOf(segment: bigint): Entry | undefined {
  if ((segment & LOCAL_TABLE) !== 0n) return undefined;
  return segment === USER32_CS ? 'i386' : 'x86-64';
}

/** The instruction that a thread which is behind its call has made it by: in the code segment that it runs in. */
export function ownInstruction(registers: Registers): bigint {
  return viewOf(registers).getBigUint64(USER_REGS.rip, true) - INSTRUCTION_LENGTH;
}

/** A call, and the instruction that it is made by. */
export interface CallPlan {
  readonly entry: Entry;
  readonly number: number;
  readonly values: readonly bigint[];
  readonly instruction: bigint;
  /** Whether it is the thread's own instruction, in its own code segment; else one at a linear address. */
  readonly isOwn: boolean;
}

/** The registers that a call is made with. */
export function callRegisters(before: Registers, { entry, number, values, instruction, isOwn }: CallPlan): Registers {
  const registers = before.slice();
  const view = viewOf(registers);
  const put = (field: Exclude<keyof typeof USER_REGS, 'size'>, value: bigint): void => {
    view.setBigUint64(USER_REGS[field], BigInt.asUintN(64, value), true);
  };
  for (const [index, value] of values.entries()) put(ARGUMENTS[entry][index] ?? 'rax', asRegister(entry, value));
  put('rax', BigInt(number));
  // No call is under way that the kernel could think of making again.
  put('orig_rax', -1n);
  put('rip', instruction);
  put('eflags', view.getBigUint64(USER_REGS.eflags, true) & ~TRAP_FLAG);
  const segment = view.getBigUint64(USER_REGS.cs, true);
  if (!isOwn && (machineOf(segment) === undefined || (entry === 'x86-64' && segment === USER32_CS))) {
    put('cs', entry === 'x86-64' ? USER_CS : USER32_CS);
    put('ss', USER_DS);
  }
  return registers;
}

/** Results by which the kernel begins a call anew (include/linux/errno.h: ERESTARTSYS and the following; no header has them). */
const BEGIN_AGAIN: readonly bigint[] = [-512n, -513n, -514n];
const ERESTART_RESTARTBLOCK = -516n;

/**
 * The registers of a thread that goes on behind its own call, where others were made meanwhile: as the kernel would have
 * left them, which knows of the last call alone.
 *
 * @param result what its call gives instead of its own result
 */
export function registersBehind(before: Registers, result?: bigint): Registers {
  const registers = before.slice();
  const view = viewOf(registers);
  const number = view.getBigInt64(USER_REGS.orig_rax, true);
  const own = view.getBigInt64(USER_REGS.rax, true);
  view.setBigInt64(USER_REGS.orig_rax, -1n, true);
  const again = BEGIN_AGAIN.includes(own) ? number : own === ERESTART_RESTARTBLOCK ? restartNumber(view) : undefined;
  if (result !== undefined) view.setBigUint64(USER_REGS.rax, BigInt.asUintN(64, result), true);
  else if (number >= 0n && again !== undefined) {
    view.setBigInt64(USER_REGS.rax, again, true);
    view.setBigUint64(USER_REGS.rip, view.getBigUint64(USER_REGS.rip, true) - INSTRUCTION_LENGTH, true);
  }
  return registers;
}

function restartNumber(view: DataView): bigint {
  const entry = machineOf(view.getBigUint64(USER_REGS.cs, true)) ?? 'i386';
  return BigInt(syscallNumbers[entry].restart_syscall);
}

/** Whether a system call's result is a negated error number: the highest addresses are none. */
export function isError(result: bigint): boolean {
  return result < 0n && result >= -4095n;
}

/** A result as a caller of that width sees it. */
export function resultOf(entry: Entry, result: bigint): bigint {
  if (entry === 'x86-64') return result;
  const narrow = BigInt.asIntN(32, result);
  return isError(narrow) ? narrow : BigInt.asUintN(32, result);
}

/** What the register of the result holds while a call is under way: -ENOSYS. */
export const NO_RESULT_YET: bigint = BigInt(-errnoNumbers.ENOSYS);
