/**
 * System calls that a traced thread is made to make, from whatever stop it stands in: its registers and its signal mask are
 * as before behind them.
 *
 * @module
 */
import { SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { allocate } from './libc.js';
import { readMemory } from './memory.js';
import { mappings } from './proc.js';
import { ARGUMENTS, isError, nextStop, ptrace } from './ptrace.js';

/** `syscall` and `int $0x80`. */
const INSTRUCTIONS: Readonly<Record<Entry, Uint8Array>> = {
  'x86-64': Uint8Array.of(0x0f, 0x05),
  i386: Uint8Array.of(0xcd, 0x80),
};

const before = allocate(USER_REGS.size);
const registers = allocate(USER_REGS.size);
const mask = allocate(SIGSET_SIZE);
const everySignal = allocate(SIGSET_SIZE);
everySignal.bytes.fill(0xff);
const PAGE = 4096n;

/** Where a program has an instruction that enters the kernel: in the page that the kernel maps into each (vdso(7)). */
export function findSystemCall(threadId: number, entry: Entry): bigint | undefined {
  const page = mappings(threadId)?.find(({ name }) => name === '[vdso]');
  if (page === undefined) return undefined;
  for (let at = page.start; at < page.end; at += PAGE) {
    const bytes = readMemory(threadId, at, Number(PAGE));
    const index = bytes === undefined ? -1 : Buffer.from(bytes).indexOf(INSTRUCTIONS[entry]);
    if (index >= 0) return at + BigInt(index);
  }
  return undefined;
}

/** A call to be made. */
export interface RemoteCall {
  readonly name: SyscallName;
  readonly values: readonly bigint[];
}

/**
 * Has a stopped thread make system calls, one after the other, until one fails. No filter may have one of them notified
 * to the calling thread, which waits for it.
 *
 * @param instruction address of an instruction that enters the kernel, as {@link findSystemCall} finds it
 * @returns the results of those that were made, error numbers negated; none where the thread is gone
 */
export function callRemotely(
  threadId: number,
  entry: Entry,
  instruction: bigint,
  calls: readonly RemoteCall[],
): readonly bigint[] {
  if (ptrace('PTRACE_GETREGS', threadId, 0n, before.address) < 0) return [];
  // A signal that comes now would be handled with the registers of a call that is not the program's.
  ptrace('PTRACE_GETSIGMASK', threadId, BigInt(SIGSET_SIZE), mask.address);
  ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), everySignal.address);
  const results: bigint[] = [];
  for (const { name, values } of calls) {
    const result = callOnce(threadId, entry, instruction, syscallNumber(entry, name) ?? -1, values);
    if (result === undefined) return [];
    results.push(result);
    if (isError(result)) break;
  }
  // No call is under way any more that the kernel could think of making again.
  before.view.setBigInt64(USER_REGS.orig_rax, -1n, true);
  ptrace('PTRACE_SETREGS', threadId, 0n, before.address);
  ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), mask.address);
  return results;
}

function callOnce(
  threadId: number,
  entry: Entry,
  instruction: bigint,
  number: number,
  values: readonly bigint[],
): bigint | undefined {
  const { view, bytes } = registers;
  bytes.set(before.bytes);
  for (const [index, value] of values.entries()) {
    view.setBigUint64(USER_REGS[ARGUMENTS[entry][index] ?? 'rax'], BigInt.asUintN(64, value), true);
  }
  view.setBigUint64(USER_REGS.rax, BigInt(number), true);
  view.setBigInt64(USER_REGS.orig_rax, -1n, true);
  view.setBigUint64(USER_REGS.rip, instruction, true);
  ptrace('PTRACE_SETREGS', threadId, 0n, registers.address);
  // Past stops that are not ours (a SIGSTOP that came meanwhile) to the call's entry, and to its exit.
  for (let stop = ''; stop !== 'exit'; ) {
    ptrace('PTRACE_SYSCALL', threadId);
    const next = nextStop(threadId);
    if (next === undefined) return undefined;
    stop = next;
  }
  ptrace('PTRACE_GETREGS', threadId, 0n, registers.address);
  const result = view.getBigInt64(USER_REGS.rax, true);
  if (entry === 'x86-64') return result;
  const narrow = BigInt.asIntN(32, result);
  return isError(narrow) ? narrow : BigInt.asUintN(32, result);
}
