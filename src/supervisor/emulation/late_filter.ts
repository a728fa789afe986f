/**
 * A program that takes a seccomp(2) filter of its own when pages of it are promoted already, as a sandbox does that starts
 * its libraries first.
 *
 * A page that the program writes to is put back by calls that the writing thread is made to make, and its filter may kill
 * it for those. So the thread that asks for the filter puts all pages back before, and then makes its own call again. No
 * page of the memory is promoted from then on, whichever thread calls in it, as any of them may write there: calls are
 * emulated, which takes no call of the program's. It is one thread that promotes and that lets filters be taken, this one,
 * so neither comes in the middle of the other.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { commandName } from '../../linux/proc.js';
import { readRegisters } from '../../linux/tracee.js';
import { sayFailure } from '../failure.js';
import { putAllBack } from './exchange.js';
import { type EmulationRequest, type Refusal, type RequestContext, stopBehind } from './request.js';

/** Bytes of an instruction that enters the kernel: `syscall`, `int $0x80`, and what a return from `sysenter` comes to. */
const ENTERING = 2n;

/** Lets a thread take a filter, with no page of its memory promoted. */
export function letTakeFilter({ notification }: EmulationRequest, context: RequestContext): Refusal | undefined {
  const { listener, tracedOf } = context;
  const { threadId, id, number } = notification;
  const traced = tracedOf(threadId);
  const ownPages = traced?.memory.ownPages;
  const isFirst = traced !== undefined && ownPages?.keepOwn(traced.processId) === true;
  if (traced === undefined || !isFirst || ownPages?.areAnyPromoted !== true) {
    listener.letContinue(id);
    return undefined;
  }
  const thread = stopBehind(listener, notification);
  if ('reason' in thread) return thread;
  if (!putAllBack(threadId, traced)) {
    sayFailure(
      `${commandName(threadId)}[${traced.processId}]: pages of trampolines cannot be put back before the program takes a seccomp filter: if the filter forbids mremap and mprotect, the next write to them ends the program (run it with --no-emulation)`,
    );
  }
  const registers = readRegisters(threadId);
  if (registers === undefined) {
    thread.resume();
    return undefined;
  }
  registers.setBigUint64(USER_REGS.rip, registers.getBigUint64(USER_REGS.rip, true) - ENTERING, true);
  registers.setBigUint64(USER_REGS.rax, BigInt(number >>> 0), true);
  thread.resumeWith(new Uint8Array(registers.buffer, registers.byteOffset, USER_REGS.size).slice());
  return undefined;
}
