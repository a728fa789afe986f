/**
 * Which memory a process has: its own, or that of another process, which it was made to share (clone(2) with CLONE_VM,
 * vfork(2), posix_spawn(3)).
 *
 * The kernel says so by kcmp(2). The events of ptrace(2) do not: they tell which signal a child ends with, and whether its
 * maker waits. Where the system compares nothing, the flags of the call say it by which a traced thread makes a process.
 *
 * @module
 */
import { CLONE } from '../../abi/mount.js';
import { USER_REGS } from '../../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../../abi/syscalls.js';
import { ARGUMENTS } from '../../linux/call_registers.js';
import { promptly } from '../../linux/late_call.js';
import { readMemory } from '../../linux/memory.js';
import { parentOf } from '../../linux/proc.js';
import { haveOneMemory, sharersOf } from '../../linux/shared_memory.js';
import { readRegisters } from '../../linux/tracee.js';
import { TracedMemory } from './memory.js';
import type { TracedProcess } from './tracees.js';

/** The code segment of a 32-bit program (asm/segment.h: __USER32_CS). */
const USER32_CS = 0x23n;

/** Whether the call that a stopped thread makes a process by is one that shares the memory. */
function callSharesMemory(makerId: number): boolean {
  const registers = readRegisters(makerId);
  if (registers === undefined) return false;
  const entry: Entry = registers.getBigUint64(USER_REGS.cs, true) === USER32_CS ? 'i386' : 'x86-64';
  const number = registers.getBigInt64(USER_REGS.orig_rax, true);
  const is = (name: SyscallName): boolean => number === BigInt(syscallNumber(entry, name) ?? -1);
  if (is('vfork')) return true;
  const first = registers.getBigUint64(USER_REGS[ARGUMENTS[entry][0]], true);
  if (is('clone')) return (first & BigInt(CLONE.CLONE_VM)) !== 0n;
  if (!is('clone3')) return false;
  // struct clone_args begins with the flags, of 64 bits in both entries; they share memory in their lowest byte but one.
  const flags = promptly(() => readMemory(makerId, first, 8), undefined);
  return flags !== undefined && (Buffer.from(flags).readUInt32LE() & CLONE.CLONE_VM) !== 0;
}

/** Whether a thread has one memory with the stopped thread that has made it. */
export function sharesWithMaker(threadId: number, makerId: number): boolean {
  return haveOneMemory(threadId, makerId) ?? callSharesMemory(makerId);
}

/** Whether a thread has the memory of a traced process. */
export function hasMemoryOf(threadId: number, { threads }: TracedProcess): boolean {
  // One that has ended has none: the others of its process are asked too.
  for (const other of threads) if (haveOneMemory(threadId, other) === true) return true;
  return false;
}

/** The traced process that has made another one, as far as that shows: its parent, or who has the same memory. */
export function makerOf(
  threadId: number,
  processId: number,
  traced: ReadonlyMap<number, TracedProcess>,
): TracedProcess | undefined {
  const parent = traced.get(parentOf(processId) ?? 0);
  if (parent !== undefined) return parent;
  // CLONE_PARENT gives it the parent of its maker.
  for (const one of traced.values()) if (hasMemoryOf(threadId, one)) return one;
  return undefined;
}

/** What is known of the memory of a process that is about to be traced, and the others that have it too. */
export interface FoundMemory {
  /** What is known of it, where a process is traced that has it. */
  readonly known: TracedMemory | undefined;
  /** The processes that have it and are not traced. */
  readonly untraced: readonly number[];
}

/** Looks for the memory of a process that is about to be traced among those that are. */
export function findMemory(processId: number, traced: ReadonlyMap<number, TracedProcess>): FoundMemory {
  const sharers = sharersOf(processId);
  const known = sharers.map((id) => traced.get(id)).find((one) => one !== undefined);
  return { known: known?.memory, untraced: sharers.filter((id) => !traced.has(id)) };
}

/** The memory of a process that was made: a copy of its maker's (fork(2)), or that one. */
export function memoryFrom(maker: TracedProcess | undefined, isSharing: boolean): TracedMemory {
  if (maker === undefined) return new TracedMemory();
  return isSharing ? maker.memory.share() : maker.memory.copy(maker.threads.size > 1);
}

/** Has a process have another memory than it had. */
export function giveMemory(traced: TracedProcess, memory: TracedMemory): void {
  traced.memory.leave(traced.processId);
  traced.memory = memory;
}
