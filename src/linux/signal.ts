/**
 * Signals: signal(2), kill(2), tgkill(2), and the sets of signals that /proc prints (proc(5), signal(7)).
 *
 * @module
 */
import { constants as osConstants } from 'node:os';
import { allocate, native, negatedErrno } from './libc.js';

const libcSignal = native('int64_t signal(int, int64_t)');
const libcKill = native('int kill(int, int)');
const libcPthreadSigmask = native('int pthread_sigmask(int, uint64_t, void *)');
const libcTgkill = native('int tgkill(int, int, int)');

/** Dispositions of signal(2) (signal.h): SIG_DFL and SIG_IGN. */
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** The number of a signal of this system, by its name. */
export const signalNumbers: Readonly<Record<string, number>> = osConstants.signals;

/** The name of a signal, or `signal N` for one without a name. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(signalNumbers)) {
    if (value === number) return name;
  }
  return `signal ${number}`;
}

/** Sets a signal's disposition for this process. */
export function setDisposition(signal: number, disposition: typeof SIG_DFL | typeof SIG_IGN): void {
  libcSignal(signal, disposition);
}

/** kill(2): 0 or a negated error number. */
export function kill(processId: number, signal: number): number {
  return negatedErrno(libcKill(processId, signal));
}

/** sigset_t of the C library (signal.h): 1024 bits. */
const SIGSET_BYTES = 128;
/** The first argument of pthread_sigmask(3) (signal.h). */
const SIG_BLOCK = 0;
/** Signals that a thread causes by what it executes: blocked, they would end the process. */
const OWN_FAULTS: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'];

/** Has other threads of this process take the signals that come to it: the calling thread takes none any more. */
export function leaveSignalsToOthers(): void {
  const set = allocate(SIGSET_BYTES);
  set.bytes.fill(0xff);
  for (const name of OWN_FAULTS) {
    const bit = (signalNumbers[name] ?? 0) - 1;
    set.bytes[bit >> 3] = (set.bytes[bit >> 3] ?? 0) & ~(1 << (bit & 7));
  }
  libcPthreadSigmask(SIG_BLOCK, set.address, null);
}

/** Blocks a signal in the calling thread. */
export function blockSignal(name: NodeJS.Signals): void {
  const set = allocate(SIGSET_BYTES);
  set.view.setBigUint64(0, 1n << BigInt((signalNumbers[name] ?? 1) - 1), true);
  libcPthreadSigmask(SIG_BLOCK, set.address, null);
}

/** Whether a thread belongs to a process, asked of the kernel by tgkill(2) with signal 0. */
export function isThreadOf(processId: number, threadId: number): boolean {
  return libcTgkill(processId, threadId, 0) === 0;
}
