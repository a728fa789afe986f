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

/** Whether a stopped thread has made all of some calls. */
function haveMade(traced: TracedProcess, threadId: number, entry: Entry, calls: readonly RemoteCall[]): boolean {
  // A program that has given up calls by a filter of its own may be killed for them.
  if (hasOwnFilter(threadId)) return false;
  traced.systemCall ??= findSystemCall(threadId, entry);
  if (traced.systemCall === undefined) return false;
  const results = callRemotely(threadId, entry, traced.systemCall, calls);
  return results.length === calls.length && results.every((result) => !isError(result));
}

/** Puts the supervisor's pages in the place of a view that is called, by a stopped thread. */
export function place(traced: TracedProcess, threadId: number, view: View): void {
  const calls = view.placing();
  if (calls.length > 0 && haveMade(traced, threadId, 'x86-64', calls)) view.placed();
}

/** Makes what a process writes for its views its own, by a stopped thread of it. */
export function separate(traced: TracedProcess, threadId: number): void {
  const { memory } = traced;
  const views = memory.views.filter(({ isShared }) => isShared);
  const entry = views.length === 0 ? undefined : entryOf(threadId);
  if (entry === undefined) return;
  const lines = memory.read(threadId);
  for (const view of views) {
    const calls = view.separating(threadId, entry, lines);
    if (calls.length > 0 && haveMade(traced, threadId, entry, calls)) view.separated();
  }
}
