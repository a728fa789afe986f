/**
 * What the kernel does to a thread that faults while it blocks or ignores SIGSEGV: it unblocks the signal, and has it end
 * the process (kernel/signal.c: force_sig_info_to_task), before the tracer is told. A call that is carried out is no fault
 * of the program's, so both are put back.
 *
 * The disposition is known from the time when the process was first traced, and from the calls that change it since, which
 * the filter has notified: a handler that is gone was taken away because the signal was blocked. Where there is none,
 * nobody tells any more that it was blocked; it is taken to have been where a thread blocks the other signals that only its
 * own faults raise, as threads do that block all signals.
 *
 * @module
 */
import { KERNEL_SIGACTION } from '../../abi/process.js';
import { USER_REGS } from '../../abi/ptrace.js';
import type { Entry } from '../../abi/syscalls.js';
import { callRemotely } from '../../linux/injected_calls.js';
import { promptly } from '../../linux/late_call.js';
import { readMemory, writeMemory } from '../../linux/memory.js';
import { caughtSignals, hasOwnFilter } from '../../linux/proc.js';
import { signalNumbers } from '../../linux/signal.js';
import { readRegisters, writeSignalMask } from '../../linux/tracee.js';
import { RESTORING } from '../own_calls.js';
import type { TracedProcess } from './tracees.js';

const SIGSEGV: number = signalNumbers['SIGSEGV'] ?? 11;

function bit(name: string): bigint {
  return 1n << BigInt((signalNumbers[name] ?? 1) - 1);
}

const SEGMENTATION_FAULT = bit('SIGSEGV');
const OTHER_FAULTS = bit('SIGBUS') | bit('SIGILL') | bit('SIGFPE');

/** Below the stack pointer, behind what a function may use without moving it (psABI x86-64 3.2.2). */
const SCRATCH = 1024n;

/** A disposition: struct sigaction as the kernel has it, and in which width. */
export interface Disposition {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
}

function sizeOf(entry: Entry): number {
  return entry === 'i386' ? KERNEL_SIGACTION.size32 : KERNEL_SIGACTION.size;
}

/** Whether it is the default one: the handler, the first word, is SIG_DFL. */
function isDefault({ entry, bytes }: Disposition): boolean {
  return bytes.subarray(0, entry === 'i386' ? 4 : 8).every((byte) => byte === 0);
}

/** Whether it is SIG_IGN. */
export function isIgnored({ entry, bytes }: Disposition): boolean {
  return bytes.subarray(0, entry === 'i386' ? 4 : 8).every((byte, index) => byte === (index === 0 ? 1 : 0));
}

/** Notes the disposition that a waiting rt_sigaction(2) sets. */
export function noteDisposition(traced: TracedProcess, threadId: number, entry: Entry, address: bigint): void {
  const bytes = readMemory(threadId, address, sizeOf(entry));
  if (bytes !== undefined) traced.disposition = { entry, bytes };
}

/** A place that a stopped thread does not use, on its stack. */
function scratchOf(threadId: number): bigint | undefined {
  const pointer = readRegisters(threadId)?.getBigUint64(USER_REGS.rsp, true);
  return pointer === undefined ? undefined : (pointer - SCRATCH) & ~15n;
}

/** Asks a process that has just been traced for its disposition, by a thread of it that is stopped. */
export function askDisposition(traced: TracedProcess, threadId: number, asked: Entry): void {
  const scratch = scratchOf(threadId);
  if (scratch === undefined || hasOwnFilter(threadId)) return;
  // A 64-bit program that asked by the i386 entry has an instruction of its own for it, and none of the kernel's.
  const entry = traced.entries.of(threadId, asked) === undefined ? 'x86-64' : asked;
  const values = [BigInt(SIGSEGV), 0n, scratch, BigInt(KERNEL_SIGACTION.mask)];
  const [result] = callRemotely(threadId, entry, traced.entries, [{ name: 'rt_sigaction', values }]);
  if (result !== 0n) return;
  // Where the stack is not there, it is taken to be the default one.
  const bytes = promptly(() => readMemory(threadId, scratch, sizeOf(entry)), undefined);
  if (bytes !== undefined) traced.disposition = { entry, bytes };
}

/**
 * Puts back what the kernel has changed of a thread's signals, where a call of it was carried out.
 *
 * @param mask the signals that it blocks now: bit N - 1 for signal N
 */
export function restoreSignals(traced: TracedProcess, threadId: number, mask: bigint): void {
  const { disposition } = traced;
  const isHandled = disposition !== undefined && !isDefault(disposition) && !isIgnored(disposition);
  // A program with a handler pays for the look at it; one without has nothing to lose but the mask.
  const hasLostHandler = isHandled && (caughtSignals(threadId) & SEGMENTATION_FAULT) === 0n;
  const wasBlocked = hasLostHandler || (mask & (OTHER_FAULTS | SEGMENTATION_FAULT)) === OTHER_FAULTS;
  if (disposition !== undefined && (hasLostHandler || isIgnored(disposition))) {
    setDisposition(traced, threadId, disposition);
  }
  if (wasBlocked) writeSignalMask(threadId, mask | SEGMENTATION_FAULT);
}

function setDisposition(traced: TracedProcess, threadId: number, { entry, bytes }: Disposition): void {
  const scratch = scratchOf(threadId);
  if (scratch === undefined || hasOwnFilter(threadId)) return;
  if (!promptly(() => writeMemory(threadId, scratch, bytes), false)) return;
  const values = [BigInt(SIGSEGV), scratch, 0n, BigInt(KERNEL_SIGACTION.mask), BigInt(RESTORING)];
  callRemotely(threadId, entry, traced.entries, [{ name: 'rt_sigaction', values }]);
}
