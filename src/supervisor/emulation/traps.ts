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
import { readAtMost, writeMemory } from '../../linux/memory.js';
import { faultOf, readRegisters, writeRegisters } from '../../linux/tracee.js';
import { apply, stackWrite } from '../../trampoline/apply.js';
import { longestLegacyForm, nearestForm, recogniseLegacy } from '../../trampoline/legacy.js';
import type { LegacyForm, RecognisedCode } from '../../trampoline/legacy_form.js';
import { isPromotable } from '../../trampoline/promoted.js';
import { isPagePromotable } from '../../trampoline/promoted_page.js';
import { callPlace } from '../caller.js';
import type { Log } from '../log.js';
import { promoteCalled, settled } from './exchange.js';
import { place, separate } from './placing.js';
import { reportUnrecognised } from './report.js';
import { restoreSignals } from './signals.js';
import type { Tally } from './tally.js';
import type { TracedProcess } from './tracees.js';

/** The code segment of a 32-bit program (asm/segment.h: __USER32_CS). */
const USER32_CS = 0x23n;

/** Registers of a state, and where each stands in struct user_regs_struct. */
const REGISTERS = {
  'x86-64': {
    rip: USER_REGS.rip,
    rsp: USER_REGS.rsp,
    eflags: USER_REGS.eflags,
    r10: USER_REGS.r10,
    r11: USER_REGS.r11,
  },
  i386: {
    eip: USER_REGS.rip,
    esp: USER_REGS.rsp,
    eflags: USER_REGS.eflags,
    eax: USER_REGS.rax,
    ecx: USER_REGS.rcx,
    edx: USER_REGS.rdx,
    ebx: USER_REGS.rbx,
    ebp: USER_REGS.rbp,
    esi: USER_REGS.rsi,
    edi: USER_REGS.rdi,
  },
} as const;

type Machine = keyof typeof REGISTERS;

/** A trampoline loads nothing from memory here: what its code would have loaded was read with it. */
function noMemory(): never {
  throw new RangeError('a trampoline that was recognised loads constants alone');
}

function targetOf({ trampoline }: RecognisedCode): bigint | undefined {
  const { target, loads } = trampoline;
  if ('address' in target) return target.address;
  const from = loads.find(({ register }) => register === target.register)?.from;
  return from?.kind === 'constant' ? from.value : undefined;
}

/** Puts the registers and the stack into the state behind a call; false where the stack cannot be written. */
function carryOut(threadId: number, { trampoline }: RecognisedCode, machine: Machine, state: DataView): boolean {
  const places: Readonly<Record<string, number>> = REGISTERS[machine];
  const before: Record<string, bigint> = {};
  for (const [name, at] of Object.entries(places)) before[name] = state.getBigUint64(at, true);
  const after = apply(trampoline, before, noMemory, machine);
  const write = stackWrite(trampoline, before, machine);
  if (write !== undefined && !writeMemory(threadId, write.address, write.data)) return false;
  for (const [name, at] of Object.entries(places)) {
    const value = after[name];
    if (value !== undefined && value !== before[name]) state.setBigUint64(at, value, true);
  }
  return writeRegisters(threadId);
}

/** What traps are looked at with. */
export interface TrapContext {
  readonly log: Log;
  readonly tally: Tally;
}

/**
 * Looks at a SIGSEGV that a thread is about to be given.
 *
 * @returns whether it was the call of a trampoline, and has been carried out: the signal is not to be given
 */
export function carriedOut(context: TrapContext, threadId: number, traced: TracedProcess): boolean {
  const { log, tally } = context;
  const fault = faultOf(threadId);
  // What somebody sends is no fault of the thread's (sigaction(2): si_code).
  if (fault === undefined || fault.code <= 0) return false;
  const state = readRegisters(threadId);
  if (state === undefined) return false;
  const machine: Machine = state.getBigUint64(USER_REGS.cs, true) === USER32_CS ? 'i386' : 'x86-64';
  const stoppedAt = state.getBigUint64(USER_REGS.rip, true);
  const { memory, processId } = traced;
  if (settled(threadId, traced, fault, stoppedAt)) {
    restoreSignals(traced, threadId);
    return true;
  }
  const view = memory.viewAt(stoppedAt);
  const address = view?.entryOf(stoppedAt) ?? memory.ownPages.at(stoppedAt)?.startOf(stoppedAt) ?? stoppedAt;
  if (view === undefined && (fault.address !== stoppedAt || !memory.isGranted(threadId, stoppedAt))) return false;
  state.setBigUint64(USER_REGS.rip, address, true);
  const written = view === undefined ? address : view.writtenAt(address, memory.read(threadId));
  const bytes = written === undefined ? new Uint8Array() : readAtMost(threadId, written, longestLegacyForm).slice();
  const code = recogniseLegacy(bytes, address, machine);
  const target = code && targetOf(code);
  const refuse = (reason: string): false => {
    if (address !== stoppedAt) writeRegisters(threadId);
    view?.demote(address);
    reportUnrecognised(log, threadId, traced, { address, bytes, machine, reason });
    return false;
  };
  if (code === undefined || target === undefined) return refuse(describeNearest(bytes, machine));
  if (memory.executableAt(threadId, target) === undefined) {
    return refuse(`its target 0x${target.toString(16)} is no executable memory`);
  }
  const caller = callPlace(threadId, state.getBigUint64(USER_REGS.rsp, true), machine === 'i386' ? 4 : 8, (place) =>
    memory.executableAt(threadId, place),
  );
  const moved =
    view === undefined || written === undefined ? code : relocated(code, view.start, view.end, written - address);
  if (!carryOut(threadId, moved, machine, state)) return false;
  restoreSignals(traced, threadId);
  if (tally.emulated(code.form, caller) && log.enabled) {
    log.write({
      event: 'emulated',
      processId,
      threadId,
      kind: code.form,
      address: `0x${address.toString(16)}`,
      caller,
    });
  }
  if (view === undefined && machine === 'x86-64' && isPagePromotable(code.form)) {
    if (promoteCalled(threadId, traced, address)) tellPromoted(context, threadId, traced, code.form, address, caller);
  }
  if (view !== undefined && written !== undefined && machine === 'x86-64' && isPromotable(code.form, code.length)) {
    place(traced, threadId, view);
    separate(traced, threadId);
    if (view.promote(address, written, code.form, code.length)) {
      tellPromoted(context, threadId, traced, code.form, address, caller);
    }
  }
  return true;
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

/** What a form's context says about a view, it is to say about what the program writes: nobody can read the view. */
function relocated(code: RecognisedCode, start: bigint, end: bigint, distance: bigint): RecognisedCode {
  const loads = code.trampoline.loads.map((load) => {
    if (load.from.kind !== 'constant') return load;
    const { value } = load.from;
    return value >= start && value < end
      ? { ...load, from: { kind: 'constant' as const, value: value + distance } }
      : load;
  });
  const { push } = code.trampoline;
  const pushed = push !== undefined && push >= start && push < end ? { push: push + distance } : {};
  return { ...code, trampoline: { ...code.trampoline, loads, ...pushed } };
}

function describeNearest(bytes: Uint8Array, machine: Machine): string {
  if (bytes.length === 0) return 'nothing can be read there';
  const nearest = nearestForm(bytes, machine);
  return nearest === undefined
    ? 'it is like no trampoline that is known'
    : `the nearest trampoline is ${nearest.form}, from which it differs at byte ${nearest.differsAt}`;
}
