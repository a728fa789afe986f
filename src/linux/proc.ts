/**
 * What proc(5) tells of processes.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isThreadOf } from './signal.js';
import { fieldOf, statusField, statusOf } from './status.js';

/** The text of a file of /proc without its newline, or undefined where there is none. */
export function procText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

/** The id of the process that a thread belongs to, or undefined where the thread is gone. */
export function processOf(threadId: number): number | undefined {
  if (isThreadOf(threadId, threadId)) return threadId;
  const processId = statusField(threadId, 'Tgid');
  return processId === undefined ? undefined : Number(processId);
}

/** The user and group that files which a thread makes belong to (proc(5): the fourth of Uid and Gid). */
export function fileOwnerOf(threadId: number): { readonly user: number; readonly group: number } | undefined {
  const status = statusOf(threadId);
  if (status === undefined) return undefined;
  const [user, group] = ['Uid', 'Gid'].map((name) => fieldOf(status, name)?.split('\t')[3]);
  return user === undefined || group === undefined ? undefined : { user: Number(user), group: Number(group) };
}

/** The id of the thread that traces a thread (proc(5): TracerPid); 0 where none does, or it is gone; undefined where that cannot be read. */
export function tracerOf(threadId: number): number | undefined {
  try {
    return Number(fieldOf(readFileSync(`/proc/${threadId}/status`, 'latin1'), 'TracerPid') ?? 0);
  } catch (error) {
    return isGone(error) ? 0 : undefined;
  }
}

/** How many seccomp filters a thread has (proc(5): Seccomp_filters, Linux 5.9); undefined where that is not told. */
export function seccompFilters(threadId: number | 'self'): number | undefined {
  const count = statusField(threadId, 'Seccomp_filters');
  return count === undefined ? undefined : Number(count);
}

/** How many filters this process had once. None is ever taken away; by one more, a thread only seems to have its own. */
let ours: number | undefined;

/**
 * Whether a thread of a run has a filter of its own beside the run's: it may have given up calls, and be killed for one
 * that it has not made itself. What cannot be told counts as one.
 */
export function hasOwnFilter(threadId: number): boolean {
  const filters = seccompFilters(threadId);
  ours ??= seccompFilters('self');
  return filters === undefined || ours === undefined || filters > ours + 1;
}

/** The signals that a process ignores: bit N - 1 for signal N (proc(5): SigIgn). */
export function ignoredSignals(processId: number): bigint {
  return BigInt(`0x${statusField(processId, 'SigIgn') ?? '0'}`);
}

/** The signals that a process has handlers for: bit N - 1 for signal N (proc(5): SigCgt); all where that cannot be read. */
export function caughtSignals(threadId: number): bigint {
  return BigInt(`0x${statusField(threadId, 'SigCgt') ?? 'f'.repeat(16)}`);
}

/** The process that a process is a child of, or undefined where it is gone (proc(5): PPid). */
export function parentOf(processId: number): number | undefined {
  const parent = statusField(processId, 'PPid');
  return parent === undefined ? undefined : Number(parent);
}

/** The processes that are children of a process, as far as they can be seen. */
export function childrenOf(processId: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((id) => id > 0 && parentOf(id) === processId);
}

/** Name of a thread's program, as /proc/TID/comm has it; empty where the thread is gone. */
export function commandName(threadId: number): string {
  try {
    return readFileSync(`/proc/${threadId}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

/**
 * The state of a thread by its letter, as /proc/ID/status has it. Not of /proc/ID/stat: who reads that may wait while the process
 * executes a program (proc/array.c: exec_update_lock), which may take as long as the server of a file likes.
 *
 * @throws the error of Node.js where it cannot be read
 */
function stateOf(threadId: number): string | undefined {
  return fieldOf(readFileSync(`/proc/${threadId}/status`, 'latin1'), 'State')?.[0];
}

/** Whether a process is stopped by a signal (proc(5): its state is T). */
export function isStopped(processId: number): boolean {
  try {
    return stateOf(processId) === 'T';
  } catch {
    return false;
  }
}

/** Whether reading a file of a thread has failed because the thread is gone, and for no other reason. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}

/**
 * Whether a thread has ended: it is gone, or only waits to be reaped (the state is Z or X). One of which that cannot be
 * read has not: whoever takes a thread for ended does without it.
 */
export function hasEnded(threadId: number): boolean {
  try {
    return /^[ZX]/.test(stateOf(threadId) ?? '');
  } catch (error) {
    return isGone(error);
  }
}

/** The processor that a thread which executes no program was on last (proc(5): the thirty-ninth field of stat); undefined where it is gone. */
export function processorOf(threadId: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${threadId}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[36]);
  } catch {
    return undefined;
  }
}

/**
 * Ids of a process's threads; empty where it is gone.
 *
 * @throws the error of Node.js where they cannot be read: a thread that nobody knows of would be one that nobody stops
 */
export function threadsOf(processId: number): readonly number[] {
  try {
    return readdirSync(`/proc/${processId}/task`).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Numbers of a thread's open descriptors; empty where the thread is gone. */
export function openDescriptors(threadId: number | 'self'): readonly number[] {
  try {
    return readdirSync(`/proc/${threadId}/fd`).map(Number);
  } catch {
    return [];
  }
}

/** The processes that a thread of this process traces, by its id. */
export function tracedBy(tracer: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => tracerOf(id) === tracer);
}
