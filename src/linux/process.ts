/**
 * This process: its limits (getrlimit(2)), its terminal (tcgetpgrp(3)), its end (_exit(2)).
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { PRCTL, RLIMIT } from '../abi/process.js';
import { TrampfdError } from '../error.js';
import { allocate, type NativeMemory, native, negatedErrno } from './libc.js';

const libcExit = native('void _exit(int)');
const libcGetrlimit = native('int getrlimit(int, uint64_t)');
const libcSetrlimit = native('int setrlimit(int, uint64_t)');
const libcTcgetpgrp = native('int tcgetpgrp(int)');
const libcTcsetpgrp = native('int tcsetpgrp(int, int)');
const libcGetpgid = native('int getpgid(int)');
const libcPrctl = native('int prctl(int, ulong, ulong, ulong, ulong)');
const libcDup2 = native('int dup2(int, int)');
const record = allocate(16);

/**
 * Ends the process now, with all of its threads, and runs nothing of Node.js any more: no turn of a loop, and no
 * restoring of terminal settings that the target may have changed on purpose.
 */
export function exitNow(status: number): never {
  libcExit(status);
  throw new Error('unreachable: _exit returned');
}

/**
 * Closes this process to others of the same user (PR_SET_DUMPABLE of prctl(2)): none may trace it, write its memory, or
 * take its descriptors. Neither does its end leave a core file, wherever core(5) would have it go.
 *
 * @throws TrampfdError as prctl(2) fails
 */
export function closeToOthers(): void {
  const result = negatedErrno(libcPrctl(PRCTL.PR_SET_DUMPABLE, 0, 0, 0, 0));
  if (result === 0) return;
  const name = errnoName(-result);
  throw new TrampfdError(
    name,
    `this process cannot be closed to others of its user (prctl(2): ${name}); a sandbox forbids it`,
  );
}

/** Takes {@link closeToOthers} back. */
export function openToOthers(): void {
  libcPrctl(PRCTL.PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/** A resource limit: soft and hard; RLIM_INFINITY is 2^64 - 1. */
export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** getrlimit(2). */
export function resourceLimit(resource: keyof typeof RLIMIT): ResourceLimit {
  libcGetrlimit(RLIMIT[resource], record.address);
  return { soft: record.view.getBigUint64(0, true), hard: record.view.getBigUint64(8, true) };
}

/** A limit as the kernel takes it: struct rlimit64. */
export function limitMemory({ soft, hard }: ResourceLimit): NativeMemory {
  const memory = allocate(16);
  memory.view.setBigUint64(0, soft, true);
  memory.view.setBigUint64(8, hard, true);
  return memory;
}

/** setrlimit(2): 0 or a negated error number. */
export function setResourceLimit(resource: keyof typeof RLIMIT, limit: ResourceLimit): number {
  record.view.setBigUint64(0, limit.soft, true);
  record.view.setBigUint64(8, limit.hard, true);
  return negatedErrno(libcSetrlimit(RLIMIT[resource], record.address));
}

/**
 * Whether a process is in the foreground of the terminal behind a descriptor, so that what is typed reaches it.
 *
 * @param processId - the process; 0, the default, is this one
 */
export function isForeground(terminal: number, processId = 0): boolean {
  return libcTcgetpgrp(terminal) === libcGetpgid(processId);
}

/** Puts a process's group into the foreground of the terminal behind a descriptor (tcsetpgrp(3)). */
export function bringToForeground(terminal: number, processId: number): void {
  libcTcsetpgrp(terminal, libcGetpgid(processId));
}

/** dup2(2): the new number, or a negated error number. */
export function duplicateOnto(descriptor: number, number: number): number {
  return negatedErrno(libcDup2(descriptor, number));
}

const libcGetpagesize = native('int getpagesize()');

/** Bytes of a page of this machine. */
export function pageSize(): number {
  return Number(libcGetpagesize());
}
