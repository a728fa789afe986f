/**
 * The old mmap(2) of i386 (number 90), whose six arguments stand in memory, where another thread could change them after
 * any check. It is carried out as mmap2(2): the arguments are read once, and the caller's thread makes that call with them
 * in its registers, where the filter judges them like those of any other program.
 *
 * For that the thread is traced from before the answer to its call until mmap2 is done (linux/ptrace.ts). The filter may
 * not have that mmap2 notified, for whoever answers is waiting for it. So what would be notified is judged here first, as
 * its own handler judges it, and then carries two flags that the kernel ignores and nobody sets together: they tell the
 * filter that it was. A program may set them too: then a table's mapping is the kernel's to carry out, without EINVAL and
 * EEXIST, as one with MAP_DENYWRITE is at an ordinary number (map.ts).
 *
 * Where the thread cannot be traced (a debugger has it, or the kernel has no SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), `wx` refuses the call. A file
 * system that lets mmap2 wait makes all wait that the supervisor answers, in this run.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { syscallNumbers } from '../../abi/syscalls.js';
import { isError } from '../../linux/call_registers.js';
import { readMemory } from '../../linux/memory.js';
import { firstMatch } from '../../policy/evaluate.js';
import { allows } from '../../policy/kinds.js';
import { isEmulated, isRefused, type WxRule, wxRules } from '../../policy/wx.js';
import { type Answer, type CallContext, int32, isValid, letContinue, refuse, stopBehindCall } from '../call.js';
import { notifiedCalls } from '../notified_calls.js';
import { JUDGED } from '../own_calls.js';
import { reportRefusable } from '../report.js';
import { refuseMemory } from '../unreachable.js';
import { settleMapping } from '../user/map.js';
import { answerMap } from './map.js';

/** Six words: address, length, protection, flags, descriptor, offset in bytes. */
const ARGUMENT_COUNT = 6;
/** The unit of mmap2's offset; an offset that is no multiple of it is EINVAL (sys_mmap of i386 in the kernel). */
const UNIT = 4096n;

/** The same call as mmap2, or why there is none. */
function asMmap2(context: CallContext): CallContext | Answer {
  const { notification } = context;
  const [address] = notification.arguments;
  const bytes = readMemory(notification.threadId, address, 4 * ARGUMENT_COUNT);
  if (bytes === undefined)
    return refuseMemory(
      notification.threadId,
      address,
      `the arguments of mmap at 0x${address.toString(16)} cannot be read`,
    );
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = Array.from({ length: ARGUMENT_COUNT }, (_, index) => BigInt(view.getUint32(4 * index, true)));
  const [at = 0n, length = 0n, protection = 0n, flags = 0n, descriptor = 0n, offset = 0n] = words;
  if (offset % UNIT !== 0n) return refuse('EINVAL', `mmap at offset ${offset}, which is no multiple of ${UNIT}`);
  return {
    ...context,
    name: 'mmap2',
    notification: {
      ...notification,
      number: syscallNumbers.i386.mmap2,
      arguments: [at, length, protection, flags, descriptor, offset / UNIT],
    },
  };
}

export function answerOldMmap(context: CallContext): Answer {
  const { supervision } = context;
  const { policy } = supervision;
  const converted = asMmap2(context);
  if ('kind' in converted) return converted;
  const { notification } = converted;
  const [, , , flags, descriptor] = notification.arguments;

  const call = { entry: 'i386', number: notification.number, arguments: notification.arguments } as const;
  const rule = firstMatch(wxRules, call) as WxRule | undefined;
  if (
    rule !== undefined &&
    isEmulated(policy, rule) &&
    supervision.emulation !== undefined &&
    supervision.waitsKillable
  ) {
    supervision.emulation.hand({ kind: 'memory', notification, entry: 'i386', name: 'mmap2' });
    return { kind: 'later' };
  }
  if (rule !== undefined && isRefused(policy, rule)) return refuse('EACCES', rule.sentence);
  if (rule !== undefined) {
    // The filter would have mmap2 notified, or does not care: it is let go on as it is.
    if (policy.reports)
      reportRefusable(supervision, { ...notification, number: context.notification.number }, 'i386', rule);
    return letContinue;
  }

  const isJudged =
    allows(policy, 'exectramp') && firstMatch(notifiedCalls.map.rules(supervision.window), call) !== undefined;
  const judged = isJudged ? answerMap(converted) : letContinue;
  if (judged.kind !== 'continue') return judged;
  const found = isJudged ? supervision.tables.find(notification.threadId, int32(descriptor)) : undefined;
  const user = typeof found === 'object' && found.kind === 'user' ? found : undefined;
  const thread = stopBehindCall(supervision, notification.threadId);
  if (thread === undefined) {
    const reason = 'the arguments of the old mmap stand in memory, and the caller cannot be traced; use mmap2';
    return allows(policy, 'execmem') ? letContinue : refuse('EACCES', reason);
  }
  const values = notification.arguments.with(3, isJudged ? flags | BigInt(JUDGED) : flags);
  return {
    kind: 'value',
    // What the program gets where the rest never comes, as when the supervisor is killed right here.
    value: BigInt(-errnoNumbers.EACCES),
    after(isTold) {
      if (!isTold || thread.stopped() === undefined) return thread.release();
      const result = thread.call('i386', 'mmap2', values);
      if (user !== undefined && result !== undefined && !isError(result)) {
        settleMapping(converted, user, thread, result);
      }
      thread.release(result);
    },
  };
}
