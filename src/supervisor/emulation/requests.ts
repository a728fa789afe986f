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
import { MAP, PROT } from '../../abi/mman.js';
import { addressSpaceOf } from '../../linux/address_space.js';
import { isError } from '../../linux/call_registers.js';
import { promptly } from '../../linux/late_call.js';
import type { Notification } from '../../linux/listener.js';
import type { MapsLine } from '../../linux/maps.js';
import { hasOwnFilter } from '../../linux/proc.js';
import { protectedRange, type Range } from '../../policy/memory.js';
import { isTrampolineMaker } from '../../policy/runtimes.js';
import { int32 } from '../call.js';
import { codeWriterOf } from '../code_writer.js';
import { type CodePlace, codePlaceName, functionOf } from '../functions.js';
import { hexadecimal, loggedNotification } from '../report.js';
import { handPool, placePool, putPagesBack } from './give_pool.js';
import { letTakeFilter } from './late_filter.js';
import { isView, makeView } from './make_view.js';
import { letExecute, letSeeProcessors, letSetDisposition, takeOver } from './program_requests.js';
import { reportUntraceable } from './report.js';
import { type EmulationRequest, Refusal, type RequestContext, rounded, stopBehind, unfilled } from './request.js';
import { askDisposition } from './signals.js';
import type { TracedProcess } from './tracees.js';

/** The protection without X. What could be executed could be read. */
function withoutExecution(protection: bigint): bigint {
  return (protection & ~BigInt(PROT.PROT_EXEC)) | BigInt(PROT.PROT_READ);
}

/** Whether the function that has called the C library for new memory is one that is known. */
function isOfKnown({ threadId }: Notification, places: readonly CodePlace[]): boolean {
  return places.some((place) => isTrampolineMaker(functionOf(threadId, place)?.name ?? ''));
}

/** Has the caller make its call without X. */
function makeWithout(
  request: EmulationRequest,
  traced: TracedProcess,
  { listener, ownMemory }: RequestContext,
  places: readonly CodePlace[],
): string | Refusal {
  const { notification, entry, name } = request;
  const values = [...notification.arguments];
  const protection = values[2] ?? 0n;
  values[2] = withoutExecution(protection);
  const { ownPages } = traced.memory;
  const isNew = name === 'mmap' || name === 'mmap2';
  if (isNew) values[3] = unfilled(values[3] ?? 0n);
  const isOwn = (int32(notification.arguments[3]) & MAP.MAP_PRIVATE) !== 0;
  const isWritable = (int32(protection) & PROT.PROT_WRITE) !== 0;
  const mayBePromoted = isNew && isOwn && isWritable && entry === 'x86-64' && !hasOwnFilter(notification.threadId);
  const isKnown = mayBePromoted && isOfKnown(notification, places);
  const [address, length] = notification.arguments;
  const handed =
    mayBePromoted && ownPages.needsPool ? handPool(listener, notification.id, traced.processId, ownMemory) : undefined;
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
  if (handed !== undefined) placePool(thread, handed, ownPages);
  if (isMade) {
    if (range !== undefined) {
      traced.memory.grant(range);
      if (mayBePromoted) ownPages.grant(range, isKnown);
      else ownPages.forget(range);
    }
    if ((int32(protection) & PROT.PROT_GROWSDOWN) !== 0 || isOnStack(notification.threadId, range))
      traced.memory.grantStack();
  }
  thread.resume(result);
  return 'memory that is not executable';
}

function isOnStack(threadId: number, range: Range | undefined): boolean {
  if (range === undefined) return false;
  return promptly(() => {
    using space = addressSpaceOf(threadId);
    return space?.within(range).some(({ name }) => name === '[stack]') === true;
  }, false);
}

/** The mappings that a call of mprotect(2) is about; undefined where no program has memory there. */
function protectedMappings({ notification }: EmulationRequest): readonly MapsLine[] | undefined {
  const range = protectedRange(notification.arguments[0], notification.arguments[1]);
  if (range === undefined) return [];
  if (range === 'tagged') return undefined;
  using space = addressSpaceOf(notification.threadId);
  return space?.within(range);
}

/** Whether a mapping is a program's own memory: anonymous, heap or stack. */
function isOwnMemory({ name, permissions }: MapsLine): boolean {
  return permissions[3] === 'p' && !name.startsWith('/') && !name.startsWith('[v');
}

/** What mmap(2) may be asked for that is granted without X: memory that is of no file. */
function isAnonymous({ notification }: EmulationRequest): boolean {
  return (int32(notification.arguments[3]) & MAP.MAP_ANONYMOUS) !== 0;
}

/**
 * Answers a request.
 *
 * @returns why it is refused, where it is and was not answered yet; or that it is to be asked again a little later
 */
export function answerRequest(request: EmulationRequest, context: RequestContext): Refusal | 'later' | undefined {
  const { notification, entry, name } = request;
  if (request.kind === 'execution') return letExecute(request, context);
  if (request.kind === 'parked') return takeOver(request, context);
  if (request.kind === 'disposition') return letSetDisposition(request, context);
  if (request.kind === 'filter') return letTakeFilter(request, context);
  if (request.kind === 'affinity') return letSeeProcessors(request, context);
  if (request.kind === 'serving') return void context.listener.letContinue(notification.id);
  const { log, listener, refusedRuntimes, attach } = context;
  const logged = loggedNotification(notification, entry);
  const { processId } = logged;
  const { caller, places, writes } = codeWriterOf(notification, entry);
  if (!isView(request)) {
    if (writes === 'compiles') {
      refusedRuntimes.look(notification, entry);
      return new Refusal('the caller compiles code, which is never granted');
    }
    if (writes === 'maps twice') return new Refusal('the caller has another way: a file that is mapped twice');
    if ((name === 'mmap' || name === 'mmap2') && !isAnonymous(request)) {
      return new Refusal('memory of a file is granted to nobody as writable and executable');
    }
  } else if (writes === 'compiles') {
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
  if (traced === 'later') return 'later';
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
