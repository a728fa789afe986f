/**
 * Requests about programs and their signals: an execution that is to be looked at, the run's program that is to be taken
 * over, what SIGSEGV is to do, and where threads may run.
 *
 * @module
 */
import { processOf } from '../../linux/proc.js';
import { kill, signalNumbers } from '../../linux/signal.js';
import { executedName } from '../program_path.js';
import { reportUntraceable } from './report.js';
import { type EmulationRequest, Refusal, type RequestContext, stopBehind } from './request.js';
import { hasTakenOver, takeRegisters } from './shared.js';
import { noteDisposition } from './signals.js';

/** Takes the run's program over, which was started by another thread and waits before its first instruction. */
export function takeOver({ notification }: EmulationRequest, context: RequestContext): Refusal | 'later' | undefined {
  const { threadId } = notification;
  const traced = context.attach(threadId);
  if (traced === 'later') return 'later';
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
export function letSetDisposition({ notification, entry }: EmulationRequest, context: RequestContext): undefined {
  const { id, threadId, arguments: values } = notification;
  const traced = context.tracedOf(threadId);
  if (traced !== undefined) noteDisposition(traced, threadId, entry, values[1]);
  context.listener.letContinue(id);
}

/** Lets a program be executed, traced, so that it is looked at before its first instruction. */
export function letExecute(
  { notification, name }: EmulationRequest,
  { listener, isExecuting, attachExecuting }: RequestContext,
): Refusal | 'later' | undefined {
  const { threadId, id } = notification;
  const processId = processOf(threadId);
  // Of two threads that execute a program at a time, one is ended by the other, or goes on when that has failed.
  if (processId !== undefined && listener.isValid(id) && isExecuting(processId, threadId)) return 'later';
  const isTraced = processId !== undefined && attachExecuting(processId, threadId);
  if (isTraced === 'later') return 'later';
  if (processId === undefined || !isTraced) {
    // Of two threads that execute a program at a time, one is ended by the other.
    if (processId === undefined || !listener.isValid(id)) return new Refusal('the caller is gone');
    return new Refusal(reportUntraceable(threadId, processId, 'execution', executedName(notification, name)));
  }
  listener.letContinue(id);
  return undefined;
}

/** Lets a program see its threads as they are without a burst. */
export function letSeeProcessors(
  { notification }: EmulationRequest,
  { listener, endBurst }: RequestContext,
): undefined {
  endBurst();
  listener.letContinue(notification.id);
}
