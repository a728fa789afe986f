/**
 * Calls that no signal interrupts, and that a filter has asked about: seccomp(2), signal(7).
 *
 * Until the answering side has received such a call, a signal ends it, with EINTR where the handler has no SA_RESTART. Programs do not
 * know that of these calls. A tracer sees the signal before it is delivered, and has the thread make its call again behind
 * the handler.
 *
 * @module
 */
import { SYSCALL_INFO, USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { registersBehind } from './call_registers.js';
import { ARCHITECTURE } from './call_stops.js';
import { allocate } from './libc.js';
import { ptrace } from './ptrace_request.js';

/** The result of a call that a signal has interrupted before it did anything (include/linux/errno.h; no header has it). */
const ERESTARTSYS = -512n;

/** Calls that are asked about, and never end by a signal alone: those that wait for nobody. */
export const UNINTERRUPTED: readonly SyscallName[] = [
  ...([
    'mmap',
    'mmap2',
    'mprotect',
    'pkey_mprotect',
    'shmat',
    'personality',
    'memfd_create',
    'process_madvise',
  ] as const),
  ...(['execve', 'execveat', 'lseek', '_llseek', 'dup', 'dup2', 'dup3', 'userfaultfd', 'seccomp', 'prctl'] as const),
  ...(['rt_sigaction', 'sched_getaffinity', 'sched_setaffinity', 'prlimit64'] as const),
];

function numbersOf(entry: Entry): ReadonlySet<bigint> {
  const numbers: Readonly<Partial<Record<SyscallName, number>>> = syscallNumbers[entry];
  return new Set(UNINTERRUPTED.flatMap((name) => (numbers[name] === undefined ? [] : [BigInt(numbers[name])])));
}

/** By the entry's name in the kernel: a 64-bit program may make a call by the entry of 32-bit ones. */
const numbers = new Map([
  [ARCHITECTURE['x86-64'], numbersOf('x86-64')],
  [ARCHITECTURE.i386, numbersOf('i386')],
]);
const information = allocate(SYSCALL_INFO.size);
const registers = allocate(USER_REGS.size);

/** Has a thread that stands before the delivery of a signal make such a call again, where the signal has ended it. */
export function beginAnew(threadId: number): void {
  if (ptrace('PTRACE_GETREGS', threadId, 0n, registers.address) < 0) return;
  const { view, bytes } = registers;
  if (BigInt.asIntN(32, view.getBigInt64(USER_REGS.rax, true)) !== ERESTARTSYS) return;
  // The kernel tells the entry in every stop (from the thread's own state), not only where a call is entered or left.
  if (ptrace('PTRACE_GET_SYSCALL_INFO', threadId, BigInt(SYSCALL_INFO.size), information.address) < 0) return;
  const entry = information.view.getUint32(SYSCALL_INFO.arch, true);
  if (numbers.get(entry)?.has(view.getBigInt64(USER_REGS.orig_rax, true)) !== true) return;
  view.setBigInt64(USER_REGS.rax, ERESTARTSYS, true);
  bytes.set(registersBehind(bytes));
  ptrace('PTRACE_SETREGS', threadId, 0n, registers.address);
}
