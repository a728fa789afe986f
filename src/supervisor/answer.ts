/**
 * From a notification to its answer: which call it is, what the policy says of it, what the trampoline service answers,
 * and sending that. Whatever goes wrong on the way, the call is denied.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { AUDIT_ARCH } from '../abi/seccomp.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { isTooMany, Late } from '../linux/late_call.js';
import type { Notification } from '../linux/listener.js';
import { firstMatch } from '../policy/evaluate.js';
import { isEmulated, isJudged, isRefused, type WxRule, wxRules } from '../policy/wx.js';
import { type Answer, type CallContext, letContinue, refuse, type Supervision } from './call.js';
import { answerAffinity } from './calls/affinity.js';
import { answerCopy } from './calls/copy.js';
import { answerCreate } from './calls/create.js';
import { answerDeviceCommand } from './calls/device_command.js';
import { answerExecute } from './calls/execute.js';
import { answerFilter } from './calls/filter.js';
import { answerMakeSocket } from './calls/make_socket.js';
import { answerMap } from './calls/map.js';
import { answerMemfdCreate } from './calls/memfd_create.js';
import { answerOldMmap } from './calls/old_mmap.js';
import { answerRead } from './calls/read.js';
import { answerResourceLimit } from './calls/resource_limit.js';
import { answerSeek } from './calls/seek.js';
import { answerServing } from './calls/serve_pages.js';
import { answerShareMemory } from './calls/share_memory.js';
import { answerSignalAction } from './calls/signal_action.js';
import { answerWrite } from './calls/write.js';
import { messageOf, sayFailure } from './failure.js';
import { type NotifiedName, notifiedCalls } from './notified_calls.js';
import { hexadecimal, loggedNotification, reportRefusable } from './report.js';

/** What answers each of the calls that are notified. */
const answers: Readonly<Record<NotifiedName, (context: CallContext) => Answer>> = {
  create: answerCreate,
  write: answerWrite,
  read: answerRead,
  seek: answerSeek,
  oldMmap: answerOldMmap,
  map: answerMap,
  copy: answerCopy,
  copyByFcntl: answerCopy,
  memfdCreate: answerMemfdCreate,
  makeSocket: answerMakeSocket,
  deviceCommand: answerDeviceCommand,
  execute: answerExecute,
  shareMemory: answerShareMemory,
  signalAction: answerSignalAction,
  affinity: answerAffinity,
  resourceLimit: answerResourceLimit,
  filter: answerFilter,
  servePages: answerServing,
};

/** A notified call, and which of its names the number is. */
interface ServedCall {
  readonly name: SyscallName;
  readonly answer: (context: CallContext) => Answer;
}

/** Calls by number: looked up for every notification. */
const served: Readonly<Record<Entry, ReadonlyMap<number, ServedCall>>> = {
  'x86-64': servedCalls('x86-64'),
  i386: servedCalls('i386'),
};

function servedCalls(entry: Entry): ReadonlyMap<number, ServedCall> {
  const calls = new Map<number, ServedCall>();
  for (const kind of Object.keys(notifiedCalls) as NotifiedName[]) {
    for (const name of notifiedCalls[kind].names[entry]) {
      const number = syscallNumber(entry, name);
      if (number !== undefined) calls.set(number, { name, answer: answers[kind] });
    }
  }
  return calls;
}

function entryOf(architecture: number): Entry | undefined {
  if (architecture === AUDIT_ARCH.AUDIT_ARCH_X86_64) return 'x86-64';
  return architecture === AUDIT_ARCH.AUDIT_ARCH_I386 ? 'i386' : undefined;
}

/** Decides one notification. */
function decide(supervision: Supervision, notification: Notification): Answer {
  const { policy, serviceRules: service, refusedRuntimes, judgements } = supervision;
  const entry = entryOf(notification.architecture);
  const number = notification.number >>> 0;
  const call = { entry, number, arguments: notification.arguments };
  // The run's program, which waits to be taken over.
  if (entry !== undefined && supervision.emulation !== undefined && supervision.isHeld(notification.threadId)) {
    if (number === syscallNumber(entry, 'process_madvise')) {
      supervision.emulation.hand({ kind: 'parked', notification, entry, name: 'process_madvise' });
      return { kind: 'later' };
    }
  }
  const rule = firstMatch(wxRules, call) as WxRule | undefined;
  const found = entry === undefined ? undefined : served[entry].get(number);
  if (rule !== undefined && entry !== undefined && isEmulated(policy, rule) && supervision.emulation !== undefined) {
    if (!supervision.waitsKillable) {
      return refuse(
        'EACCES',
        'the kernel does not keep a call that waits for another (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)',
      );
    }
    supervision.emulation.hand({ kind: 'memory', notification, entry, name: rule.call });
    return { kind: 'later' };
  }
  if (rule !== undefined && entry !== undefined && isRefused(policy, rule)) {
    refusedRuntimes.look(notification, entry);
    return refuse('EACCES', rule.sentence);
  }
  if (rule !== undefined && entry !== undefined && isJudged(policy, rule)) {
    if (policy.reports) reportRefusable(supervision, notification, entry, rule);
    judgements.begin({ supervision, notification, entry, name: rule.call });
    return { kind: 'later' };
  }
  const isUnjudged = rule === undefined && found === undefined;
  if (policy.reports && (rule !== undefined || isUnjudged)) {
    reportRefusable(supervision, notification, entry, rule);
    // Notified for the report alone, the call is none of the service's: a mmap of anonymous memory, say.
    if (isUnjudged || firstMatch(service, call) === undefined) return letContinue;
  }
  if (entry === undefined || found === undefined) return refuse('EACCES', 'a call that no rule has notified');
  return found.answer({ supervision, notification, entry, name: found.name });
}

/** Sends an answer, and settles what hangs on it. */
export function send(supervision: Supervision, notification: Notification, answer: Answer): void {
  const { listener, log } = supervision;
  const { id } = notification;
  let isTold: boolean;
  switch (answer.kind) {
    case 'later':
      return;
    case 'continue':
      answer.around?.before();
      isTold = listener.letContinue(id);
      answer.around?.after(isTold);
      return;
    case 'value':
      isTold = listener.answerValue(id, answer.value);
      answer.after?.(isTold);
      return;
    case 'error':
      // Before the answer: with it the program may end, and this process too.
      if (log.enabled) {
        log.write({
          event: 'refused',
          ...loggedNotification(notification, entryOf(notification.architecture)),
          arguments: hexadecimal(notification.arguments),
          errno: answer.errno,
          reason: answer.reason,
        });
      }
      listener.answerError(id, answer.errno);
      return;
    case 'descriptor': {
      const isSplit = answer.number === undefined && supervision.waitsKillable;
      const result = isSplit
        ? listener.addDescriptor(id, answer.source, answer.closeOnExec)
        : listener.answerDescriptor(id, answer);
      answer.settle(result >= 0);
      // The caller goes on only now, when this thread is about to receive again: until a call is received, a signal ends it.
      if (isSplit && result >= 0) listener.answerValue(id, BigInt(result));
      if (result === -errnoNumbers.EINVAL) {
        const reason = 'the kernel cannot hand a descriptor to a program in one step (SECCOMP_ADDFD_FLAG_SEND)';
        send(supervision, notification, refuse('ENOSYS', reason));
      } else if (result < 0 && result !== -errnoNumbers.ENOENT) {
        const limit = 'the limit of open files is lower than when the program was started';
        send(
          supervision,
          notification,
          refuse(answer.aboveLimit, `${answer.number ?? 'another'} cannot be had: ${limit}`),
        );
      }
    }
  }
}

/**
 * Answers one notification.
 *
 * @throws Late where memory or a file that the answer depends on is not there yet: then nothing was done
 */
export function answerNotification(supervision: Supervision, notification: Notification): void {
  let answer: Answer;
  try {
    answer = decide(supervision, notification);
  } catch (error) {
    if (error instanceof Late) throw error;
    const isTooLate = isTooMany(error);
    const reason = isTooLate ? error.message : `the supervisor failed: ${messageOf(error)}`;
    sayFailure(reason);
    answer = refuse(isTooLate ? 'EFAULT' : 'EACCES', reason);
  }
  send(supervision, notification, answer);
}
