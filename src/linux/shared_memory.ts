/**
 * Which processes share their memory: children of vfork(2) and of clone(2) with CLONE_VM, told by kcmp(2).
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { errnoNumbers } from '../abi/errno.js';
import { KCMP } from '../abi/process.js';
import { PF } from '../abi/ptrace.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import type { ApartProcess } from './apart.js';
import { makeApart } from './apart_pool.js';
import { promptly } from './late_call.js';
import { native, negatedErrno } from './libc.js';
import { childrenOf, hasEnded, parentOf, threadsOf } from './proc.js';
import { isServed } from './served.js';
import { flagsOf } from './thread_flags.js';

const libcSyscall = native('long syscall(long, long, long, long, long, long)');

/** What stands for a comparison that takes long. */
const LATE = -errnoNumbers.EINTR;

/**
 * kcmp(2) of the memory of two threads: 0 where they have one, or a negated error number.
 *
 * The kernel has it wait while one of them executes a program, until the old memory is gone (kcmp.c: exec_update_lock). A file
 * of a server that is unmapped or closed by that may have it take for ever, and no signal but SIGKILL ends the wait.
 */
function compare(threadId: number, otherThreadId: number): number {
  const { kcmp } = syscallNumbers['x86-64'];
  if (!isServed()) return negatedErrno(libcSyscall(kcmp, threadId, otherThreadId, KCMP.KCMP_VM, 0, 0));
  try {
    const demand = {
      key: () => `comparing the memory of threads ${threadId} and ${otherThreadId}`,
      threadId: otherThreadId,
      calls: () => [{ call: 'kcmp', arguments: [threadId, otherThreadId, KCMP.KCMP_VM, 0, 0] }] as const,
      collect: (apart: ApartProcess) => apart.result(0),
    };
    return promptly(() => makeApart(demand), LATE);
  } catch (error) {
    // No process can be started that compares.
    if (error instanceof TrampfdError) return LATE;
    throw error;
  }
}

/**
 * Whether two threads have one memory. What cannot be compared is gone, or of another user, and so is its memory; unless
 * nothing can be compared here, as a sandbox refuses the call, or it takes long: then they may have.
 */
function isOneMemory(threadId: number, otherThreadId: number): boolean {
  return haveOneMemory(threadId, otherThreadId, true) ?? true;
}

/**
 * Whether two threads have one memory; undefined where the system compares nothing (kcmp(2): CONFIG_KCMP, or a sandbox).
 *
 * @param whenLate - what is answered where one executes a program, and that takes long: then it has memory of its own
 */
export function haveOneMemory(threadId: number, otherThreadId: number, whenLate = false): boolean | undefined {
  const order = compare(threadId, otherThreadId);
  if (order === LATE) return whenLate;
  if (order >= 0 || order === -errnoNumbers.ESRCH || compare(threadId, threadId) === 0) return order === 0;
  return undefined;
}

/** Links of /proc/PID/task beside its threads: itself and its parent folder. */
const LINKS_OF_FOLDER = 2;

/** Whether a process may have threads beside its first one, which may have ended before them. */
function mayHaveThreads(processId: number): boolean {
  try {
    return statSync(`/proc/${processId}/task`).nlink > LINKS_OF_FOLDER + 1;
  } catch {
    return true;
  }
}

function sharesMemory(threadId: number, processId: number): boolean {
  // A first thread that has ended has no memory.
  return (
    isOneMemory(threadId, processId) ||
    (mayHaveThreads(processId) && threadsOf(processId).some((other) => isOneMemory(threadId, other)))
  );
}

/**
 * Whether a process has its memory from another one that still has it: it was made by vfork(2), or by clone(2) with
 * CLONE_VM, and has not executed a program since.
 *
 * Mostly the other one is its parent. That may have ended, with the memory left to several such children; so all
 * processes are looked at. None can be overlooked as long as no process that this is true of makes another one.
 *
 * @param threadId - of a thread of it that has not ended
 */
export function hasForeignMemory(threadId: number, processId: number): boolean {
  // Memory is a process's own from its execve(2) on.
  const flags = flagsOf(threadId);
  if (flags !== undefined && (flags & PF.PF_FORKNOEXEC) === 0) return false;
  const parent = parentOf(processId);
  if (parent !== undefined && sharesMemory(threadId, parent)) return true;
  return readdirSync('/proc')
    .map(Number)
    .some((id) => id > 0 && id !== processId && parentOf(id) !== processId && sharesMemory(threadId, id));
}

/** Whether a process was begun with the memory of another one, shared or copied, and has executed no program since. */
export function hasInheritedMemory(threadId: number): boolean {
  const flags = flagsOf(threadId);
  return flags === undefined || (flags & PF.PF_FORKNOEXEC) !== 0;
}

/** Threads that are asked one by one for what they have made, at most. */
const MOST_ASKED = 256;

/** The processes that a process's threads have made (proc(5): /proc/PID/task/TID/children; looked for where that is not told). */
function madeBy(processId: number): readonly number[] {
  const made: number[] = [];
  const threadIds = threadsOf(processId);
  if (threadIds.length > MOST_ASKED) return childrenOf(processId);
  for (const threadId of threadIds) {
    try {
      const text = readFileSync(`/proc/${processId}/task/${threadId}/children`, 'latin1');
      made.push(...text.split(' ').filter(Boolean).map(Number));
    } catch {
      // A thread that has ended meanwhile, or a kernel without CONFIG_PROC_CHILDREN.
      if (!existsSync('/proc/thread-self/children')) return childrenOf(processId);
    }
  }
  return made;
}

/** A thread that has memory: the first one may have ended before the others. */
function runningThread(processId: number): number {
  return hasEnded(processId) ? (threadsOf(processId).find((id) => !hasEnded(id)) ?? processId) : processId;
}

/**
 * The processes that have one memory with a process, as far as they are its parent or its children, or theirs.
 *
 * @returns their ids, without its own; none where nothing can be compared
 */
export function sharersOf(processId: number): readonly number[] {
  const found = new Set([processId]);
  for (const id of found) {
    const parent = hasInheritedMemory(id) ? parentOf(id) : undefined;
    const near = parent === undefined ? madeBy(id) : [parent, ...madeBy(id)];
    if (near.length === 0) continue;
    const threadId = runningThread(id);
    for (const other of near) if (haveOneMemory(threadId, runningThread(other)) === true) found.add(other);
  }
  found.delete(processId);
  return [...found];
}
