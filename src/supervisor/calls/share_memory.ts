/**
 * vfork(2), and clone(2) with CLONE_VM, where memory is looked at (judgements.ts): refused to a process that has its
 * memory from another, for what it makes would have it as well, and nobody's wait would tell.
 *
 * The call is let go on: its flags are in a register, and that a process has its memory from another is so from its
 * beginning, or never.
 *
 * @module
 */
import { hasForeignMemory } from '../../linux/shared_memory.js';
import { type Answer, type CallContext, letContinue, loggedCall, refuse } from '../call.js';

export function answerShareMemory(context: CallContext): Answer {
  const { processId, threadId } = loggedCall(context);
  if (!hasForeignMemory(threadId, processId)) return letContinue;
  return refuse('EAGAIN', 'a child of vfork makes a thread or another child before it has executed a program');
}
