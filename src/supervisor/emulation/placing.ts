/**
 * Calls that a traced process is made to make about its views: to put the supervisor's pages in their place, and to make
 * what it writes its own.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import type { Entry } from '../../abi/syscalls.js';
import { hasOwnFilter } from '../../linux/proc.js';
import { isError } from '../../linux/ptrace.js';
import { callRemotely, findSystemCall, type RemoteCall } from '../../linux/remote_call.js';
import { readRegisters } from '../../linux/tracee.js';
import type { TracedProcess } from './tracees.js';
import type { View } from './view.js';

/** The code segment of a 32-bit program (asm/segment.h: __USER32_CS). */
const USER32_CS = 0x23n;

function entryOf(threadId: number): Entry | undefined {
  const segment = readRegisters(threadId)?.getBigUint64(USER_REGS.cs, true);
  if (segment === undefined) return undefined;
  return segment === USER32_CS ? 'i386' : 'x86-64';
}

/**
 * Has a stopped thread make calls, one after the other, until one fails.
 *
 * @returns how many it made
 */
function made(traced: TracedProcess, threadId: number, entry: Entry, calls: readonly RemoteCall[]): number {
  // A program that has given up calls by a filter of its own may be killed for them.
  if (calls.length === 0 || hasOwnFilter(threadId)) return 0;
  traced.systemCall ??= findSystemCall(threadId, entry);
  if (traced.systemCall === undefined) return 0;
  return callRemotely(threadId, entry, traced.systemCall, calls).filter((result) => !isError(result)).length;
}

/** Puts the supervisor's pages in the place of a view that is called, by a stopped thread. */
export function place(traced: TracedProcess, threadId: number, view: View): void {
  const calls = view.placing();
  if (calls.length > 0 && made(traced, threadId, 'x86-64', calls) === calls.length) view.placed();
}

/** Makes what a process writes for its views its own, by a stopped thread of it. */
export function separate(traced: TracedProcess, threadId: number): void {
  const { memory } = traced;
  const views = memory.views.filter(({ isShared }) => isShared);
  const entry = views.length === 0 ? undefined : entryOf(threadId);
  if (entry === undefined) return;
  const lines = memory.read(threadId);
  const wanted = views
    .map((view) => ({ view, calls: view.separating(threadId, entry, lines) }))
    .filter(({ calls }) => calls.length > 0);
  // All with one stop; behind one that fails, the others are still to be made.
  for (let rest = wanted; rest.length > 0; ) {
    const calls = rest.flatMap((one) => one.calls);
    let left = made(traced, threadId, entry, calls);
    const failed = rest.findIndex(({ view, calls: own }) => {
      left -= own.length;
      if (left < 0) return true;
      view.separated();
      return false;
    });
    rest = failed < 0 ? [] : rest.slice(failed + 1);
  }
}
