/**
 * execve(2) and execveat(2) where files are judged: carried out by the kernel, with a look at the new program before it
 * runs (executions.ts).
 *
 * The call is let go on, and its path may be another one by then. Nothing depends on it: what may be executed at all is
 * what the mounts allow, and what it has become is looked at when it is there.
 *
 * Where trampolines are emulated, the thread that traces does that, for it may go on tracing. Where files are not judged,
 * it is asked only for programs whose files ask for an executable stack, or cannot be read, in runs whose own program does
 * (policy/wx.ts).
 *
 * @module
 */
import { processOf } from '../../linux/proc.js';
import { allows } from '../../policy/kinds.js';
import { type Answer, type CallContext, letContinue, refuse } from '../call.js';
import { reportUntraceable } from '../emulation/report.js';
import { mayAskForExecutableStack, mayAskForMore } from '../program_file.js';
import { executedName } from '../program_path.js';

/**
 * Where no thread can be stopped behind its call, a program is judged by the file that the call names; who wanted it looked
 * at was told at the start. The file or its name may be changed until the kernel reads them.
 */
function byName(context: CallContext): Answer {
  if (!mayAskForMore(context)) return letContinue;
  const { notification, name } = context;
  const processId = processOf(notification.threadId) ?? notification.threadId;
  const program = executedName(notification, name);
  return refuse('EACCES', reportUntraceable(notification.threadId, processId, 'execution', program));
}

export function answerExecute(context: CallContext): Answer {
  const { supervision, notification } = context;
  const { executions, waitsKillable } = supervision;
  const { threadId } = notification;
  // The process that becomes the run's program is traced already, by who started it.
  if (supervision.isHeld(threadId)) return letContinue;
  if (supervision.emulation !== undefined && waitsKillable && !supervision.looksByName) {
    // A program that asks for an executable stack is traced before it begins, and its stack made one that is not.
    if (allows(supervision.policy, 'execfile') && !mayAskForExecutableStack(context)) return letContinue;
    supervision.emulation.hand({ kind: 'execution', notification, entry: context.entry, name: context.name });
    return { kind: 'later' };
  }
  if (executions === undefined) return letContinue;
  if (supervision.looksByName || !waitsKillable) return byName(context);
  const processId = processOf(threadId);
  return processId === undefined ? refuse('EACCES', 'the caller is gone') : executions.begin(context, processId);
}
