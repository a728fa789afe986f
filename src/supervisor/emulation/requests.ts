/**
 * Requests for executable memory that are granted without X.
 *
 * The caller waits for the answer to its call. Its process is traced, the call answered with an error, and before the
 * program goes on its thread makes the call that it may make, by the same instruction, and gets that one's result. Nothing
 * of the request can change in between: it was read from the caller's registers, and the call that is made has no X,
 * whatever memory looks like meanwhile.
 *
 * A compiler of code would fail of what it gets here, and cannot go on as one that is refused may. Those that are known
 * (policy/runtimes.ts) are refused. So is libffi, which then goes its second way: one file, mapped twice. Its executable
 * view becomes pages of the supervisor's (view.ts), and its closures run at native speed.
 *
 * @module
 */
import { readlinkSync } from 'node:fs';
import { MAP, PROT } from '../../abi/mman.js';
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import { close, descriptorPath, fileIdentity } from '../../linux/descriptor.js';
import type { Listener, Notification } from '../../linux/listener.js';
import { hasOwnFilter, type MapsLine, mappings, processOf } from '../../linux/proc.js';
import { isError, StoppingThread } from '../../linux/ptrace.js';
import { kill, signalNumbers } from '../../linux/signal.js';
import { protectedRange, type Range } from '../../policy/memory.js';
import { isTrampolineMaker, secondWayOf } from '../../policy/runtimes.js';
import { int32 } from '../call.js';
import { filesOf, placesOf } from '../caller.js';
import { type CodePlace, codePlaceName, functionOf } from '../functions.js';
import type { Log } from '../log.js';
import type { RefusedRuntimes } from '../refused_runtimes.js';
import { hexadecimal, loggedNotification } from '../report.js';
import { handPool, placePool, putPagesBack } from './give_pool.js';
import { reportUntraceable } from './report.js';
import { type EmulationShared, hasTakenOver, takeRegisters } from './shared.js';
import { askDisposition, noteDisposition } from './signals.js';
import type { TracedProcess } from './tracees.js';
import { View, ViewPages } from './view.js';

/** A request, as it was received. Plain data: it goes from thread to thread. */
export interface EmulationRequest {
  readonly kind: /** Executable memory, or an executable view of a file. */
    | 'memory'
    /** execve(2), whose program is to be looked at. */
    | 'execution'
    /** A program of the run that stands before its first instruction, and waits in a call that is not its own. */
    | 'parked'
    /** rt_sigaction(2) of SIGSEGV, which is noted and carried out. */
    | 'disposition';
  readonly notification: Notification;
  readonly entry: Entry;
  readonly name: SyscallName;
}

/** What requests are answered with. */
export interface RequestContext {
  readonly shared: EmulationShared;
  readonly listener: Listener;
  readonly log: Log;
  readonly refusedRuntimes: RefusedRuntimes;
  readonly pageSize: number;
  readonly tracedOf: (threadId: number) => TracedProcess | undefined;
  readonly attach: (processId: number) => TracedProcess | undefined;
  readonly attachExecuting: (processId: number, threadId: number) => boolean;
}

/** Why a request is refused: a sentence for the log. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The unit of mmap2's offset. */
const MMAP2_UNIT = 4096n;

/** An mmap's arguments, whichever its name. */
function offsetOf({ name, notification }: EmulationRequest): bigint {
  const offset = notification.arguments[5];
  return name === 'mmap2' ? offset * MMAP2_UNIT : offset;
}

/** The protection without X. What could be executed could be read. */
function withoutExecution(protection: bigint): bigint {
  return (protection & ~BigInt(PROT.PROT_EXEC)) | BigInt(PROT.PROT_READ);
}

/** The caller's thread, stopped behind its call, which has failed. */
function stopBehind(listener: Listener, { threadId, id }: Notification): StoppingThread | Refusal {
  const thread = StoppingThread.interrupt(threadId);
  if (thread === undefined) return new Refusal('the caller cannot be stopped behind its call');
  // Where nothing more happens, it is refused.
  listener.answerError(id, 'EACCES');
  return thread.stopped() === undefined ? new Refusal('the caller is gone') : thread;
}

/** Whether the function that has called the C library for new memory is one that is known. */
function isOfKnown({ threadId }: Notification, places: readonly CodePlace[]): boolean {
  return places.some((place) => isTrampolineMaker(functionOf(threadId, place)?.name ?? ''));
}

/** Has the caller make its call without X. */
function makeWithout(
  request: EmulationRequest,
  traced: TracedProcess,
  { listener }: RequestContext,
  places: readonly CodePlace[],
): string | Refusal {
  const { notification, entry, name } = request;
  const values = [...notification.arguments];
  const protection = values[2] ?? 0n;
  values[2] = withoutExecution(protection);
  const { ownPages } = traced.memory;
  const isNew = name === 'mmap' || name === 'mmap2';
  const isWritable = (int32(protection) & PROT.PROT_WRITE) !== 0;
  const mayBePromoted = isNew && isWritable && entry === 'x86-64' && !hasOwnFilter(notification.threadId);
  const isKnown = mayBePromoted && isOfKnown(notification, places);
  const [address, length] = notification.arguments;
  const handed = mayBePromoted && ownPages.needPool(address) ? handPool(listener, notification.id) : undefined;
  const thread = stopBehind(listener, notification);
  if (thread instanceof Refusal) {
    handed?.pool[Symbol.dispose]();
    return thread;
  }
  const protectedBefore = isNew ? undefined : (protectedRange(address, length) as Range | undefined);
  if (protectedBefore !== undefined && entry === 'x86-64') putPagesBack(thread, ownPages, protectedBefore);
  if (!traced.memory.isInteresting) askDisposition(traced, notification.threadId, entry);
  const result = thread.call(entry, name, values);
  const range = isNew && result !== undefined ? { start: result, end: result + rounded(length) } : protectedBefore;
  const isMade = result !== undefined && !isError(result);
  if (handed !== undefined) placePool(thread, handed, ownPages, isMade ? result + rounded(length) : 0n);
  if (isMade) {
    if (range !== undefined) {
      traced.memory.grant(range);
      if (mayBePromoted) ownPages.grant(range, isKnown);
      else ownPages.forget(range);
    }
    if ((int32(protection) & PROT.PROT_GROWSDOWN) !== 0 || isOnStack(traced, notification.threadId, range))
      traced.memory.grantStack();
  }
  thread.resume(result);
  return 'memory that is not executable';
}

function rounded(length: bigint): bigint {
  return ((length + 4095n) / 4096n) * 4096n;
}

function isOnStack({ memory }: TracedProcess, threadId: number, range: Range | undefined): boolean {
  if (range === undefined) return false;
  const stack = memory.read(threadId).find(({ name }) => name === '[stack]');
  return stack !== undefined && stack.start < range.end && stack.end > range.start;
}

/** The mappings that a call of mprotect(2) is about; undefined where no program has memory there. */
function protectedMappings({ notification }: EmulationRequest): readonly MapsLine[] | undefined {
  const range = protectedRange(notification.arguments[0], notification.arguments[1]);
  if (range === undefined) return [];
  if (range === 'tagged') return undefined;
  return mappings(notification.threadId)?.filter((line) => line.start < range.end && line.end > range.start);
}

/** Whether a mapping is a program's own memory: anonymous, heap or stack. */
function isOwnMemory({ name, permissions }: MapsLine): boolean {
  return permissions[3] === 'p' && !name.startsWith('/') && !name.startsWith('[v');
}

/** Gives the caller a view of the supervisor's pages in place of one of a file that it writes. */
function makeView(request: EmulationRequest, traced: TracedProcess, context: RequestContext): string | Refusal {
  const { listener, pageSize } = context;
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
  const pages = ViewPages.create(size, pageSize);
  const source = pages.file.handOut();
  const number = listener.addDescriptor(notification.id, source);
  close(source);
  if (number < 0) {
    pages[Symbol.dispose]();
    return new Refusal('the caller has no room for a descriptor');
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
    BigInt(size + pageSize),
    BigInt(PROT.PROT_READ | PROT.PROT_EXEC),
    BigInt(MAP.MAP_SHARED | MAP.MAP_DENYWRITE),
    BigInt(number),
    0n,
  ]);
  const isAside = aside !== undefined && !isError(aside);
  if (isAside) thread.call(entry, 'mprotect', [aside + BigInt(size), BigInt(pageSize), BigInt(PROT.PROT_READ)]);
  const result = thread.call(entry, name, [
    address,
    length,
    BigInt(PROT.PROT_READ),
    flags,
    descriptor,
    notification.arguments[5],
  ]);
  if (isAside && result !== undefined && !isError(result)) {
    traced.memory.addView(new View(result, aside, pages, written));
  } else {
    pages[Symbol.dispose]();
    if (isAside) thread.call(entry, 'munmap', [aside, BigInt(size + pageSize)]);
  }
  thread.call(entry, 'close', [BigInt(number)]);
  thread.resume(result);
  return 'a view of pages that the supervisor writes';
}

/** Whether a call is about an executable view of a file: one that is writable as well is never granted. */
function isView({ name, notification }: EmulationRequest): boolean {
  if (name !== 'mmap' && name !== 'mmap2') return false;
  const [, , protection, flags] = notification.arguments;
  return (int32(flags) & MAP.MAP_ANONYMOUS) === 0 && (int32(protection) & PROT.PROT_WRITE) === 0;
}

/** What mmap(2) may be asked for that is granted without X: memory that is of no file. */
function isAnonymous({ notification }: EmulationRequest): boolean {
  return (int32(notification.arguments[3]) & MAP.MAP_ANONYMOUS) !== 0;
}

/** Takes the run's program over, which was started by another thread and waits before its first instruction. */
function takeOver({ notification }: EmulationRequest, context: RequestContext): Refusal | undefined {
  const { threadId } = notification;
  const traced = context.attach(threadId);
  const thread = traced === undefined ? undefined : stopBehind(context.listener, notification);
  if (traced === undefined || thread === undefined || thread instanceof Refusal) {
    // It waits in a call that is not its own, and could go nowhere from there.
    kill(threadId, signalNumbers['SIGKILL'] ?? 9);
    return new Refusal("the run's program cannot be traced");
  }
  traced.memory.grantStack();
  thread.resumeWith(takeRegisters(context.shared));
  hasTakenOver(context.shared);
  return undefined;
}

/** Notes the disposition of SIGSEGV that a process sets, where it is traced. */
function letSetDisposition({ notification, entry }: EmulationRequest, context: RequestContext): undefined {
  const { id, threadId, arguments: values } = notification;
  const traced = context.tracedOf(threadId);
  if (traced !== undefined) noteDisposition(traced, threadId, entry, values[1]);
  context.listener.letContinue(id);
}

/** Lets a program be executed, traced, so that it is looked at before its first instruction. */
function letExecute(
  { notification }: EmulationRequest,
  { listener, attachExecuting }: RequestContext,
): Refusal | undefined {
  const { threadId, id } = notification;
  const processId = processOf(threadId);
  if (processId === undefined || !attachExecuting(processId, threadId)) {
    // Of two threads that execute a program at a time, one is ended by the other.
    if (processId === undefined || !listener.isValid(id)) return new Refusal('the caller is gone');
    return new Refusal(reportUntraceable(threadId, processId));
  }
  listener.letContinue(id);
  return undefined;
}

/**
 * Answers a request.
 *
 * @returns why it is refused, where it is and was not answered yet
 */
export function answerRequest(request: EmulationRequest, context: RequestContext): Refusal | undefined {
  const { notification, entry, name } = request;
  if (request.kind === 'execution') return letExecute(request, context);
  if (request.kind === 'parked') return takeOver(request, context);
  if (request.kind === 'disposition') return letSetDisposition(request, context);
  const { log, listener, refusedRuntimes, attach } = context;
  const logged = loggedNotification(notification, entry);
  const { processId } = logged;
  const { caller, places } = placesOf(notification, entry === 'i386' ? 4 : 8);
  const way = secondWayOf(filesOf(caller));
  if (!isView(request)) {
    if (way === 'compiles') {
      refusedRuntimes.look(notification, entry);
      return new Refusal('the caller compiles code, which is never granted');
    }
    if (way === 'maps twice') return new Refusal('the caller has another way: a file that is mapped twice');
    if ((name === 'mmap' || name === 'mmap2') && !isAnonymous(request)) {
      return new Refusal('memory of a file is granted to nobody as writable and executable');
    }
  } else if (way === 'compiles') {
    return new Refusal('the caller compiles code, which is never granted');
  }
  if (name === 'mprotect' || name === 'pkey_mprotect') {
    const lines = protectedMappings(request);
    const ownPages = context.tracedOf(notification.threadId)?.memory.ownPages;
    if (lines?.every((line) => isOwnMemory(line) || ownPages?.isInPlace(line) === true) !== true) {
      // Nobody compiles into what is shared: a table, whose program is not to be blamed for a compiler that it has.
      if (lines?.every(({ permissions }) => permissions[3] === 'p')) refusedRuntimes.look(notification, entry);
      return new Refusal(`${name} makes memory of a file executable, or shared memory`);
    }
  }
  if (!listener.isValid(notification.id)) return new Refusal('the caller is gone');
  const traced = attach(processId);
  if (traced === undefined) {
    return new Refusal(reportUntraceable(notification.threadId, processId));
  }
  const wasInteresting = traced.memory.isInteresting;
  const memory = isView(request) ? makeView(request, traced, context) : makeWithout(request, traced, context, places);
  if (memory instanceof Refusal) return memory;
  if (log.enabled) {
    if (!wasInteresting) log.write({ event: 'attached', ...logged });
    const names = caller.file === null ? [caller.address, ...caller.stack] : [caller.file, ...caller.stack];
    const from = names.map((otherwise, index) => {
      const place = places[index - (names.length - places.length)];
      return place === undefined ? otherwise : codePlaceName(processId, place, otherwise);
    });
    const values = hexadecimal(notification.arguments);
    log.write({ event: 'granted-without-execution', ...logged, arguments: values, memory, caller: from.join(' <- ') });
  }
  return undefined;
}
