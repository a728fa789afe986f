/**
 * The thread that traces: it is started when a program of the run first asks for executable memory.
 *
 * ptrace(2) is between two threads, so one thread of ours does all of it that lasts. It waits in waitpid(2), where a trap
 * wakes it at once.
 *
 * @module
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BellTimer, listenToBell, ownThreadId } from '../../linux/bell.js';
import { prepareBounded } from '../../linux/bounded_call.js';
import { monotonic } from '../../linux/clock.js';
import { writeByFile } from '../../linux/handed_memory.js';
import { Attempt, isTooMany, Late } from '../../linux/late_call.js';
import { Listener, type NotificationSizes } from '../../linux/listener.js';
import { tellOfLost } from '../../linux/lost_process.js';
import { processOf } from '../../linux/proc.js';
import { askServed } from '../../linux/served.js';
import { leaveSignalsToOthers } from '../../linux/signal.js';
import { prepareToBeTold } from '../../linux/told.js';
import { allows, type Policy } from '../../policy/kinds.js';
import { reportImage } from '../executions.js';
import { messageOf, sayFailure, tellTo } from '../failure.js';
import { FairQueue } from '../fair_queue.js';
import { type LogTarget, openLog } from '../log.js';
import { RefusedRuntimes } from '../refused_runtimes.js';
import { hexadecimal, loggedNotification } from '../report.js';
import { OwnMemory } from './own_memory.js';
import { isAnswered, type PendingRequests } from './pending.js';
import type { ThreadOrder } from './remote_thread.js';
import { type EmulationRequest, endStranded, Refusal, type RequestContext } from './request.js';
import { answerRequest } from './requests.js';
import {
  areServed,
  type EmulationShared,
  hasReplied,
  hasTold,
  isEnding,
  setTracer,
  takeAsked,
  untilAsked,
} from './shared.js';
import { giveSign } from './signs.js';
import { Tally } from './tally.js';
import { Tracer } from './tracer.js';
import { warmUp } from './warm_up.js';

/** What the thread is started with. */
export interface TraceData {
  readonly shared: EmulationShared;
  readonly pending: PendingRequests;
  readonly listener: number;
  readonly sizes: NotificationSizes;
  readonly policy: Policy;
  readonly pageSize: number;
  readonly log: LogTarget | undefined;
  /** Where requests arrive. */
  readonly requests: MessagePort;
  /** Where the main thread hears of children. */
  readonly changes: MessagePort;
}

/** So many turns may fail, one after the other. */
const MOST_FAILURES = 8;

/** When requests are asked again that wait for what comes of others, in milliseconds. */
const PAUSE = 5;

/** What came of a request so far, where it is to be asked again. */
const attempts = new WeakMap<EmulationRequest, Attempt>();

/** Answers a request; false where it is to be asked again. */
function answer(request: EmulationRequest, context: RequestContext): boolean {
  let refusal: Refusal | 'later' | undefined;
  const attempt = attempts.get(request) ?? new Attempt();
  if (!attempt.isReady) {
    if (context.listener.isValid(request.notification.id)) return false;
    attempt.forget();
  }
  try {
    const failure = request.kind === 'serving' ? undefined : context.failure;
    refusal = failure ?? attempt.run(() => answerRequest(request, context));
  } catch (error) {
    // Until the call is answered, nothing was done that cannot be done again.
    if (error instanceof Late && context.listener.isValid(request.notification.id)) {
      attempts.set(request, attempt);
      return false;
    }
    attempt.forget();
    const reason = messageOf(error);
    refusal = new Refusal(isTooMany(error) ? reason : `the supervisor failed: ${reason}`);
    sayFailure(refusal.reason);
    const { id, threadId } = request.notification;
    // It was answered, and is stopped behind its call: nobody knows any more what was to be done there.
    if (!context.listener.isValid(id) && context.tracedOf(threadId) !== undefined) endStranded(threadId, reason);
  }
  if (refusal === 'later') return false;
  if (request.place !== undefined) isAnswered(context.pending, request.place);
  if (refusal === undefined) return true;
  const { notification, entry } = request;
  const { log, listener } = context;
  if (log.enabled) {
    log.write({
      event: 'refused',
      ...loggedNotification(notification, entry),
      arguments: hexadecimal(notification.arguments),
      errno: 'EACCES',
      reason: refusal.reason,
    });
  }
  listener.answerError(notification.id, 'EACCES');
  return true;
}

/**
 * Makes ready what tracing needs; why nothing can be traced, where that fails. Then whoever asks is refused, which is said
 * once.
 */
function prepare(pageSize: number): Refusal | undefined {
  try {
    listenToBell();
    prepareToBeTold();
    prepareBounded();
    warmUp(pageSize);
    return undefined;
  } catch (error) {
    const reason = `nothing can be traced: ${messageOf(error)}`;
    sayFailure(`${reason}; programs are refused what they would have to be traced for`);
    return new Refusal(reason);
  }
}

function trace({
  shared,
  pending,
  listener,
  sizes,
  policy,
  pageSize,
  log: target,
  requests,
  changes,
}: TraceData): void {
  leaveSignalsToOthers();
  askServed(() => areServed(shared));
  if (allows(policy, 'execfile')) writeByFile();
  const log = openLog(target);
  tellOfLost(tellTo(log));
  const tally = new Tally();
  const tracer = new Tracer({
    shared,
    policy,
    log,
    tally,
    reportImage: reportImage(log),
    tellMain: (change) => changes.postMessage(change),
  });
  const context: RequestContext = {
    shared,
    pending,
    listener: new Listener(listener, sizes),
    log,
    refusedRuntimes: new RefusedRuntimes(policy, log),
    pageSize,
    ownMemory: new OwnMemory(),
    tracedOf: (threadId) => tracer.tracedOf(threadId),
    attach: (processId) => tracer.attach(processId),
    endBurst: () => tracer.endBurst(),
    isExecuting: (processId, threadId) => tracer.isExecuting(processId, threadId),
    attachExecuting: (processId, threadId) => tracer.attachExecuting(processId, threadId),
    failure: prepare(pageSize),
  };
  setTracer(shared, ownThreadId());
  const reply = (order: ThreadOrder): void => {
    let result: bigint | undefined;
    try {
      result = tracer.carryOut(order);
    } finally {
      requests.postMessage(result);
      hasReplied(shared);
    }
  };
  /** Requests that wait for what comes of others, and when they are asked again. */
  const waiting: EmulationRequest[] = [];
  let again = 0;
  let isTimed = false;
  let timer: BellTimer | undefined;
  /** What is to be answered, each process in its turn. */
  const asked = new FairQueue<EmulationRequest>();
  const add = (request: EmulationRequest): void => {
    const { threadId } = request.notification;
    asked.add(processOf(threadId) ?? threadId, request);
  };
  const askAgain = (): void => {
    for (const request of waiting.splice(0)) add(request);
    tracer.forgetReplaced();
    tracer.lookAtLate();
    timer?.stop();
    isTimed = false;
  };
  const areWaiting = (): boolean => waiting.length > 0 || tracer.hasLate;
  const startTimer = (): void => {
    timer ??= BellTimer.create();
    timer?.start(PAUSE);
    again = monotonic() + PAUSE;
    isTimed = true;
  };
  /** One turn: a request, then what is told of those that are traced. */
  const turn = (): void => {
    giveSign(shared);
    if (takeAsked(shared)) {
      for (;;) {
        const next = receiveMessageOnPort(requests) as { readonly message: EmulationRequest | ThreadOrder } | undefined;
        if (next === undefined) break;
        if ('threadId' in next.message) reply(next.message);
        else add(next.message);
      }
      if (isEnding(shared)) {
        tally.tell(log);
        hasTold(shared);
      }
    }
    if (isTimed && monotonic() >= again) askAgain();
    const request = asked.take();
    if (request !== undefined) {
      if (!answer(request, context)) waiting.push(request);
      tracer.prune();
    }
    if (areWaiting() && !isTimed) startTimer();
    // Without a timer nothing would end a wait for those that are traced.
    if (tracer.traces) tracer.wait(asked.size > 0 || (areWaiting() && timer === undefined));
    else if (asked.size === 0) untilAsked(shared, areWaiting() ? PAUSE : undefined);
  };
  for (let failures = 0; ; ) {
    try {
      turn();
      failures = 0;
    } catch (error) {
      failures += 1;
      // Nothing can be traced any more: the main thread notices the end of this one.
      if (failures === MOST_FAILURES) throw error;
      // Whoever stands still would stand for ever; the others are served on.
      const reason = `tracing failed: ${messageOf(error)}`;
      log.write({ event: 'failed', reason });
      sayFailure(reason);
      if (tracer.told !== undefined) endStranded(tracer.told, reason);
    }
  }
}

if (parentPort !== null) trace(workerData as TraceData);
