/**
 * Calls that a traced process is made to make about its views: to put the supervisor's pages in their place, and to make
 * what it writes its own.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import type { Entry } from '../../abi/syscalls.js';
import { isError, machineOf } from '../../linux/call_registers.js';
import { callRemotely, type RemoteCall } from '../../linux/injected_calls.js';
import type { MapsLine } from '../../linux/maps.js';
import { hasOwnFilter } from '../../linux/proc.js';
import { readRegisters } from '../../linux/tracee.js';
import type { TracedProcess } from './tracees.js';
import type { View } from './view.js';

function entryOf(threadId: number): Entry | undefined {
  const segment = readRegisters(threadId)?.getBigUint64(USER_REGS.cs, true);
  return segment === undefined ? undefined : machineOf(segment);
}

/** Calls that belong together, and what is noted when all of them were made. */
interface Step {
  readonly calls: readonly RemoteCall[];
  readonly made: () => void;
}

/** Has a stopped thread make the calls of all steps, one after the other; where one fails, the next steps are still made. */
function make(
  traced: TracedProcess,
  threadId: number,
  entry: Entry,
  steps: readonly Step[],
  call: typeof callRemotely = callRemotely,
): void {
  const wanted = steps.filter(({ calls }) => calls.length > 0);
  // A program that has given up calls by a filter of its own may be killed for them.
  if (wanted.length === 0 || hasOwnFilter(threadId)) return;
  // All with one stop; behind a call that fails it takes another.
  for (let rest = wanted; rest.length > 0; ) {
    const calls = rest.flatMap((step) => step.calls);
    const results = call(threadId, entry, traced.entries, calls);
    let left = results.filter((result) => !isError(result)).length;
    const failed = rest.findIndex((step) => {
      left -= step.calls.length;
      if (left < 0) return true;
      step.made();
      return false;
    });
    rest = failed < 0 ? [] : rest.slice(failed + 1);
  }
}

function separating(view: View, threadId: number, entry: Entry, lines: readonly MapsLine[]): Step {
  return { calls: view.separating(threadId, entry, lines), made: () => view.separated() };
}

/**
 * Makes a view that is called ready to be promoted, by the stopped thread that has called it: puts the supervisor's pages
 * in its place, and makes what the process writes for it its own. One is done though the other fails.
 *
 * @param lines the mappings before: what the program writes is mapped elsewhere, and there nothing changes when the pages
 *   come to their place
 * @param call has a thread make calls
 */
export function makeReady(
  traced: TracedProcess,
  threadId: number,
  view: View,
  lines: readonly MapsLine[],
  call: typeof callRemotely,
): void {
  const placing: Step = { calls: view.placing(), made: () => view.placed() };
  make(traced, threadId, 'x86-64', [placing, separating(view, threadId, 'x86-64', lines)], call);
}

/** Makes what a process writes for all of its views its own, by a stopped thread of it. */
export function separate(traced: TracedProcess, threadId: number): void {
  const { memory } = traced;
  const views = memory.views.filter(({ isShared }) => isShared);
  const entry = views.length === 0 ? undefined : entryOf(threadId);
  if (entry === undefined) return;
  const lines = memory.readNow(threadId);
  make(
    traced,
    threadId,
    entry,
    views.map((view) => separating(view, threadId, entry, lines)),
  );
}
