/**
 * Requests for the executable half of a double mapping: the caller gets a view of the file that is not executable, and
 * pages of the supervisor's beside it that come to stand in its place (view.ts).
 *
 * @module
 */
import { readlinkSync } from 'node:fs';
import { errnoName } from '../../abi/errno.js';
import { MAP, PROT } from '../../abi/mman.js';
import { isError } from '../../linux/call_registers.js';
import { close, descriptorPath, fileIdentity } from '../../linux/descriptor.js';
import { hasOwnFilter } from '../../linux/proc.js';
import type { StoppingThread } from '../../linux/ptrace.js';
import { int32 } from '../call.js';
import { LONGEST_VIEW } from './own_memory.js';
import { type EmulationRequest, Refusal, type RequestContext, rounded, stopBehind, unfilled } from './request.js';
import { roomFor } from './room.js';
import { askDisposition } from './signals.js';
import type { TracedProcess } from './tracees.js';
import { View, ViewPages } from './view.js';

/** The unit of mmap2's offset. */
const MMAP2_UNIT = 4096n;

/** An mmap's arguments, whichever its name. */
function offsetOf({ name, notification }: EmulationRequest): bigint {
  const offset = notification.arguments[5];
  return name === 'mmap2' ? offset * MMAP2_UNIT : offset;
}

/** Whether a call is about an executable view of a file: one that is writable as well is never granted. */
export function isView({ name, notification }: EmulationRequest): boolean {
  if (name !== 'mmap' && name !== 'mmap2') return false;
  const [, , protection, flags] = notification.arguments;
  return (int32(flags) & MAP.MAP_ANONYMOUS) === 0 && (int32(protection) & PROT.PROT_WRITE) === 0;
}

/** Has the caller map the links of a view, where what loads them can have no byte of its choice. */
function mapLinks(
  thread: StoppingThread,
  view: bigint,
  size: number,
  descriptor: number,
  traced: TracedProcess,
): bigint | undefined {
  const length = BigInt(size);
  const room = roomFor(view, length, traced.memory.readNow(traced.processId));
  if (room === undefined) return undefined;
  const flags = BigInt(MAP.MAP_SHARED | MAP.MAP_FIXED_NOREPLACE | MAP.MAP_DENYWRITE);
  const links = thread.call('x86-64', 'mmap', [
    room,
    length,
    BigInt(PROT.PROT_READ),
    flags,
    BigInt(descriptor),
    length,
  ]);
  if (links === room) return links;
  if (links !== undefined && !isError(links)) thread.call('x86-64', 'munmap', [links, length]);
  return undefined;
}

/** Gives the caller a view of the supervisor's pages in place of one of a file that it writes. */
export function makeView(request: EmulationRequest, traced: TracedProcess, context: RequestContext): string | Refusal {
  const { listener } = context;
  const { notification, entry, name } = request;
  const [address, length, , flags, descriptor] = notification.arguments;
  const path = descriptorPath(notification.threadId, int32(descriptor));
  const identity = fileIdentity(path);
  if (typeof identity === 'number') return new Refusal('the file cannot be looked at');
  let fileName: string;
  try {
    fileName = readlinkSync(path);
  } catch {
    return new Refusal('the file cannot be looked at');
  }
  if (hasOwnFilter(notification.threadId)) {
    return new Refusal('the caller has a filter of its own, and may not make the calls that a view takes');
  }
  const written = { ...identity, name: fileName, offset: offsetOf(request), descriptor: int32(descriptor) };
  const size = Number(rounded(length));
  // Of the pages and of the links behind them.
  const gone = length <= LONGEST_VIEW ? context.ownMemory.take(traced.processId, 2 * size) : undefined;
  if (gone === undefined) {
    return new Refusal(context.ownMemory.refuse(traced.processId, `no executable view of ${length} bytes`));
  }
  let pages: ViewPages;
  try {
    pages = ViewPages.create(size, gone);
  } catch (error) {
    gone();
    throw error;
  }
  const source = pages.file.handOut();
  const number = listener.addDescriptor(notification.id, source);
  close(source);
  // The mapping holds it from here on: a program with many views costs no descriptors.
  pages.file[Symbol.dispose]();
  if (number < 0) {
    pages[Symbol.dispose]();
    return new Refusal(`the caller cannot be given a descriptor: ${errnoName(-number)}`);
  }
  const thread = stopBehind(listener, notification);
  if (thread instanceof Refusal) {
    pages[Symbol.dispose]();
    return thread;
  }
  if (!traced.memory.isInteresting) askDisposition(traced, notification.threadId, entry);
  // MAP_DENYWRITE, which the kernel ignores, has the filter let it be: who would answer is waiting for it.
  const aside = thread.call(entry, name, [
    0n,
    BigInt(size),
    BigInt(PROT.PROT_READ | PROT.PROT_EXEC),
    BigInt(MAP.MAP_SHARED | MAP.MAP_DENYWRITE),
    BigInt(number),
    0n,
  ]);
  const isAside = aside !== undefined && !isError(aside);
  // Without those pages the caller would have a view that nothing can be called in: its call fails as theirs did.
  const result = !isAside
    ? aside
    : thread.call(entry, name, [
        address,
        length,
        BigInt(PROT.PROT_READ),
        unfilled(flags),
        descriptor,
        notification.arguments[5],
      ]);
  if (isAside && result !== undefined && !isError(result)) {
    const links = entry === 'x86-64' ? mapLinks(thread, result, size, number, traced) : undefined;
    traced.memory.addView(new View(result, aside, links, pages, written));
  } else {
    pages[Symbol.dispose]();
    if (isAside) thread.call(entry, 'munmap', [aside, BigInt(size)]);
  }
  thread.call(entry, 'close', [BigInt(number)]);
  thread.resume(result);
  return 'a view of pages that the supervisor writes';
}
