/**
 * A call into memory that is not executable, where its program asked for memory that is: the code there is recognised,
 * its target looked at, and the call carried out on the thread's registers.
 *
 * What is not recognised is the program's fault, as it would be without any of this: a SIGSEGV at that address. Nothing is
 * read into bytes beyond the forms that are known (trampoline/legacy.ts).
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { machineOf } from '../../linux/call_registers.js';
import type { callRemotely } from '../../linux/injected_calls.js';
import { readAtMost } from '../../linux/memory.js';
import { stoppedNow } from '../../linux/stops.js';
import { lastTrap, type Trap, writeRegisters } from '../../linux/told.js';
import { longestLegacyForm, nearestForm } from '../../trampoline/legacy.js';
import type { LegacyForm } from '../../trampoline/legacy_form.js';
import { isPromotable } from '../../trampoline/promoted.js';
import { isPagePromotable } from '../../trampoline/promoted_page.js';
import { fileName } from '../caller.js';
import type { Log } from '../log.js';
import { promoteCalled, settled } from './exchange.js';
import { carryOut, type KnownCodes, type Machine, relocated } from './known_code.js';
import type { TracedMemory } from './memory.js';
import { makeReady } from './placing.js';
import type { reportUnrecognised } from './report.js';
import { restoreSignals } from './signals.js';
import type { Tally } from './tally.js';
import type { TracedProcess } from './tracees.js';

/** What traps are looked at with. */
export interface TrapContext {
  readonly log: Log;
  readonly tally: Tally;
  readonly known: KnownCodes;
  /** Has a thread make calls, by which the supervisor's pages come to their place. */
  readonly call: typeof callRemotely;
  /** Tells of a call that is not carried out. */
  readonly report: typeof reportUnrecognised;
}

/**
 * Looks at a SIGSEGV that a thread is about to be given, which was told of last.
 *
 * @returns whether it was the call of a trampoline, and the registers of the trap are those behind it: the thread is to
 *   go on with them, and without the signal
 */
export function carriedOut(context: TrapContext, threadId: number, traced: TracedProcess): boolean {
  const { log, tally } = context;
  const trap = lastTrap();
  // What somebody sends is no fault of the thread's (sigaction(2): si_code).
  if (trap === undefined || trap.code <= 0) return false;
  const { registers: state, signalMask } = trap;
  const machine = machineOf(state.getBigUint64(USER_REGS.cs, true));
  const stoppedAt = state.getBigUint64(USER_REGS.rip, true);
  const { memory, processId } = traced;
  if (settled(threadId, traced, trap, stoppedAt)) {
    restoreSignals(traced, threadId, signalMask);
    return true;
  }
  if (machine === undefined) {
    // Such a segment may begin anywhere: where the thread stands nobody here knows. Where it has failed is known.
    const { address: called } = trap;
    if (memory.isGranted(threadId, called)) {
      const reason = 'the caller runs in a code segment of its own (modify_ldt), where no trampoline is emulated';
      context.report(log, threadId, traced, {
        address: called,
        bytes: readWritten(threadId, called),
        machine: 'i386',
        reason,
      });
    }
    return false;
  }
  const view = memory.viewAt(stoppedAt);
  const address = view?.entryOf(stoppedAt) ?? memory.ownPages.at(stoppedAt)?.startOf(stoppedAt) ?? stoppedAt;
  if (view === undefined && (trap.address !== stoppedAt || !memory.isGranted(threadId, stoppedAt))) return false;
  if (address !== stoppedAt) state.setBigUint64(USER_REGS.rip, address, true);
  const lines = view === undefined ? [] : memory.read(threadId);
  const written = view === undefined ? address : view.writtenAt(address, lines);
  const bytes = written === stoppedAt ? trap.bytes : readWritten(threadId, written);
  const known = context.known.find(bytes, address, machine);
  const refuse = (reason: string): false => {
    if (address !== stoppedAt) writeRegisters(threadId);
    view?.demote(address);
    const shown = bytes.slice(0, longestLegacyForm);
    // Of a thread that is ended in its stop, as by an execve(2) of another, the memory is gone when it is looked at.
    if (!stoppedNow(threadId)) return false;
    context.report(log, threadId, traced, { address, bytes: shown, machine, reason });
    return false;
  };
  if (known === undefined) return refuse(describeNearest(bytes, machine));
  const { form, length } = known.code;
  if (memory.executableAt(threadId, known.target) === undefined) {
    return refuse(`its target 0x${known.target.toString(16)} is no executable memory`);
  }
  const caller = callerOf(trap, machine, threadId, memory);
  const moved =
    view === undefined || written === undefined ? known : relocated(known, view.start, view.end, written - address);
  if (!carryOut(threadId, moved, state)) return false;
  restoreSignals(traced, threadId, signalMask);
  if (tally.emulated(form, caller) && log.enabled) {
    log.write({ event: 'emulated', processId, threadId, kind: form, address: `0x${address.toString(16)}`, caller });
  }
  if (view === undefined && machine === 'x86-64' && isPagePromotable(form)) {
    if (promoteCalled(threadId, traced, address)) tellPromoted(context, threadId, traced, form, address, caller);
  }
  if (view !== undefined && written !== undefined && machine === 'x86-64' && isPromotable(form, length)) {
    makeReady(traced, threadId, view, lines, context.call);
    if (view.promote(address, written, form, length)) {
      tellPromoted(context, threadId, traced, form, address, caller);
    }
  }
  return true;
}

function readWritten(threadId: number, written: bigint | undefined): Uint8Array {
  return written === undefined ? new Uint8Array() : readAtMost(threadId, written, longestLegacyForm).slice();
}

/** The name of what a trampoline was called from: the word on top of the stack is where its target returns to. */
function callerOf({ stackTop }: Trap, machine: Machine, threadId: number, memory: TracedMemory): string {
  if (stackTop === undefined) return fileName(undefined);
  return memory.codeNameAt(threadId, machine === 'i386' ? BigInt.asUintN(32, stackTop) : stackTop);
}

function tellPromoted(
  { log, tally }: TrapContext,
  threadId: number,
  { processId }: TracedProcess,
  kind: LegacyForm,
  address: bigint,
  caller: string,
): void {
  tally.promoted(kind, caller);
  if (log.enabled) {
    log.write({ event: 'promoted', processId, threadId, kind, address: `0x${address.toString(16)}` });
  }
}

function describeNearest(bytes: Uint8Array, machine: Machine): string {
  if (bytes.length === 0) return 'nothing can be read there';
  const nearest = nearestForm(bytes, machine);
  return nearest === undefined
    ? 'it is like no trampoline that is known'
    : `the nearest trampoline is ${nearest.form}, from which it differs at byte ${nearest.differsAt}`;
}
