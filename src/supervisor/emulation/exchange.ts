/**
 * Puts the supervisor's pages in the place of a program's pages of trampolines, and the program's back (own_page.ts): by
 * calls that the stopped thread is made to make.
 *
 * @module
 */
import { PROT } from '../../abi/mman.js';
import { SI_KERNEL } from '../../abi/process.js';
import { isError } from '../../linux/call_registers.js';
import { callRemotely, type RemoteCall } from '../../linux/injected_calls.js';
import { promptly } from '../../linux/late_call.js';
import { lineAt } from '../../linux/maps_search.js';
import { readMemory } from '../../linux/memory.js';
import { hasOwnFilter } from '../../linux/proc.js';
import type { Fault } from '../../linux/told.js';
import { assemblePage, isPromotedPage, PAGE_LENGTH, trampolinesOf } from '../../trampoline/promoted_page.js';
import { viewOf } from '../../trampoline/recognise.js';
import type { OwnPage } from './own_page.js';
import type { TracedProcess } from './tracees.js';

/** Has a stopped thread make calls; whether all of them were made and none has failed. */
function make(threadId: number, traced: TracedProcess, calls: readonly RemoteCall[]): boolean {
  const results = callRemotely(threadId, 'x86-64', traced.entries, calls);
  return results.length === calls.length && results.every((result) => !isError(result));
}

/** What a page holds; undefined where it cannot be read, or comes late. */
function readPage(threadId: number, { start }: OwnPage): Uint8Array | undefined {
  return promptly(() => readMemory(threadId, start, PAGE_LENGTH), undefined);
}

/** Has a stopped thread keep memory for a page, where there is nothing; whether it is kept. */
function reserve(threadId: number, traced: TracedProcess, page: OwnPage): boolean {
  const call = page.reserving();
  if (call === undefined) return true;
  const [result] = callRemotely(threadId, 'x86-64', traced.entries, [call]);
  if (result !== call.values[0]) return false;
  page.reserved();
  return true;
}

/**
 * Promotes the page of a trampoline that was called, where it is time, and the page holds nothing else.
 *
 * @returns whether it was promoted, for the first time
 */
export function promoteCalled(threadId: number, traced: TracedProcess, address: bigint): boolean {
  const { ownPages } = traced.memory;
  const page = ownPages.called(address);
  if (page === undefined || page.isPromoted || !page.called()) return false;
  if (traced.memory.isLarge) {
    page.giveUp();
    return false;
  }
  const before = readPage(threadId, page);
  const trampolines = before === undefined ? undefined : trampolinesOf(before, page.start);
  const lines = traced.memory.read(threadId);
  // A program that has given up calls by a filter of its own may be killed for them.
  if (before === undefined || trampolines === undefined || page.state(lines) !== 'own' || hasOwnFilter(threadId)) {
    page.postpone();
    return false;
  }
  let place = page.take(ownPages.pools, lines);
  if (place === undefined) {
    ownPages.prune(lines);
    place = page.take(ownPages.pools, lines);
  }
  if (place === undefined) {
    page.postpone();
    return false;
  }
  const { pool, index, distance } = place;
  const code = assemblePage(trampolines, distance);
  if (!page.isPoolThere(lines)) {
    page.leave();
    page.postpone();
    return false;
  }
  if (!isPromotedPage(viewOf(code), trampolines, distance)) {
    page.giveUp();
    return false;
  }
  const returned = ownPages.returning(lines);
  if (returned.length > 0) make(threadId, traced, returned);
  if (!reserve(threadId, traced, page)) {
    page.postpone();
    return false;
  }
  // From here on nobody writes to it who does not stop.
  if (!make(threadId, traced, page.freezing())) {
    page.giveUp();
    return false;
  }
  const frozen = readPage(threadId, page);
  if (frozen === undefined || Buffer.compare(frozen, before) !== 0) {
    make(threadId, traced, page.thawing());
    page.postpone();
    return false;
  }
  pool.write(index, code);
  if (!make(threadId, traced, page.promoting())) {
    make(threadId, traced, page.mending(traced.memory.readNow(threadId)));
    page.giveUp();
    return false;
  }
  return page.promoted(trampolines);
}

/** Puts the program's page back; whether it is. */
function demote(threadId: number, traced: TracedProcess, page: OwnPage, protection?: number): boolean {
  const isBack = make(threadId, traced, page.demoting(protection));
  if (isBack) page.demoted();
  return isBack;
}

/** Puts all pages of a memory back, by a stopped thread; whether they are. */
export function putAllBack(threadId: number, traced: TracedProcess): boolean {
  const { memory } = traced;
  const lines = memory.read(threadId);
  const promoted = memory.ownPages.promoted.filter((page) => ['promoted', 'closed'].includes(page.state(lines)));
  // Each is tried, though another cannot be.
  return promoted.map((page) => demote(threadId, traced, page)).every(Boolean);
}

/** The protection of a mapping, from its permissions in /proc/PID/maps. */
function protectionOf(permissions: string): number {
  return (permissions[0] === 'r' ? PROT.PROT_READ : 0) | (permissions[1] === 'w' ? PROT.PROT_WRITE : 0);
}

/**
 * Looks at a fault in a page that was promoted at some time.
 *
 * @param stoppedAt the address of the instruction
 * @returns whether the thread is to try again; not where the page is the program's own, and the fault is to be judged so
 */
export function settled(threadId: number, traced: TracedProcess, fault: Fault, stoppedAt: bigint): boolean {
  const { memory } = traced;
  // Of an instruction that no program may execute the kernel says no address (arch/x86/kernel/traps.c).
  const isExecution = fault.code === SI_KERNEL || fault.address === stoppedAt;
  const page = memory.ownPages.at(isExecution ? stoppedAt : fault.address);
  if (page === undefined) return false;
  if (isExecution && !page.isPromoted && fault.code !== SI_KERNEL) return false;
  const lines = memory.linesAt(threadId, page.room === undefined ? [page.start] : [page.start, page.room]);
  const tried = `${threadId} ${stoppedAt} ${fault.address}`;
  switch (page.state(lines)) {
    case 'promoted':
      // Where it may be executed by now, and was not when it was called.
      if (isExecution && fault.code !== SI_KERNEL) return page.mayRetry(tried) || demote(threadId, traced, page);
      return demote(threadId, traced, page);
    case 'closed': {
      // The program has protected it anew, which is to count for its own page.
      const line = lineAt(lines, page.start);
      return demote(threadId, traced, page, protectionOf(line?.permissions ?? ''));
    }
    case 'own':
      page.demoted();
      // Another thread's fault may have put it back meanwhile. As its own fault it would come again.
      return (!isExecution || fault.code === SI_KERNEL) && page.mayRetry(tried);
    case 'between':
      if (isExecution) return false;
      if (!make(threadId, traced, page.mending(lines))) return false;
      page.demoted();
      return true;
    case 'other':
      memory.ownPages.forget({ start: page.start, end: page.start + BigInt(PAGE_LENGTH) });
      return false;
  }
}
