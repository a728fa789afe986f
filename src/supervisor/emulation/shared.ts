/**
 * What the main thread, the receiving thread and the tracing thread know in common.
 *
 * Who waits for children: waitpid(2) tells any thread of a process of any child, and of the stops of what another thread
 * of it traces; whoever is told first takes it. So while something is traced, the tracing thread alone waits, and tells
 * the main thread what it would have been told.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { monotonic } from '../../linux/clock.js';

/**
 * Shared memory: who waits for children, whether there is something for the tracer, its thread id, whether the program is
 * stopped, whether the run is over, whether the run's program was taken over, whether an order was replied to, whether the
 * tracer waits for its tracees, whether it has failed, whether pages may be delivered by others; the signs of life of both
 * (signs.ts); and the registers that the program goes on with.
 */
export type EmulationShared = Int32Array<SharedArrayBuffer>;

const WAITER = 0;
const ASKED = 1;
const TRACER = 2;
const STOPPED = 3;
const OVER = 4;
const TAKEN_OVER = 5;
const REPLIED = 6;
const WAITING = 7;
const LOST = 8;
const SERVED = 9;
/** Where the registers stand, in bytes. */
const REGISTERS = 64;

/** Values of {@link WAITER}: nobody does now, the main thread does now, the tracing thread does for as long as it traces. */
const NOBODY = 0;
const MAIN = 1;
const TRACING = 2;

/** Values of {@link OVER}. */
const RUNNING = 0;
const ENDING = 1;
const TOLD = 2;

export function createShared(): EmulationShared {
  return new Int32Array(new SharedArrayBuffer(REGISTERS + USER_REGS.size));
}

/** The main thread's side: looks for changes of children, where that is its task now. */
export function lookForChildren(shared: EmulationShared, look: () => void): void {
  if (Atomics.compareExchange(shared, WAITER, NOBODY, MAIN) !== NOBODY) return;
  try {
    look();
  } finally {
    Atomics.store(shared, WAITER, NOBODY);
    Atomics.notify(shared, WAITER);
  }
}

/** The tracing thread's side: from here on it is told of children, and nobody else. */
export function takeChildren(shared: EmulationShared): void {
  while (Atomics.compareExchange(shared, WAITER, NOBODY, TRACING) === MAIN) Atomics.wait(shared, WAITER, MAIN, 1);
}

/** The tracing thread's side: it traces nothing any more. */
export function giveChildrenBack(shared: EmulationShared): void {
  Atomics.store(shared, WAITER, NOBODY);
}

/** Whether the tracing thread is told of children. */
export function isTracing(shared: EmulationShared): boolean {
  return Atomics.load(shared, WAITER) === TRACING;
}

/** The tracing thread's side: says whether the program is in a stop of job control. */
export function setStopped(shared: EmulationShared, isStopped: boolean): void {
  Atomics.store(shared, STOPPED, isStopped ? 1 : 0);
}

/** The main thread's side: whether it is, where it is traced. */
export function isTracedStopped(shared: EmulationShared): boolean {
  return Atomics.load(shared, STOPPED) === 1;
}

/** The tracing thread's side: it can be asked, and woken by a signal to this thread. */
export function setTracer(shared: EmulationShared, threadId: number): void {
  Atomics.store(shared, TRACER, threadId);
}

/** The main thread's side: the tracer's thread id; 0 where it is not ready yet. */
export function tracerThread(shared: EmulationShared): number {
  return Atomics.load(shared, TRACER);
}

/** The main thread's side: the tracer has failed, and does nothing any more. Whoever waits for it goes on. */
export function loseTracer(shared: EmulationShared): void {
  Atomics.store(shared, LOST, 1);
  Atomics.compareExchange(shared, WAITER, TRACING, NOBODY);
  for (const word of [WAITER, ASKED, REPLIED, TAKEN_OVER, OVER]) Atomics.notify(shared, word);
}

/** Whether the tracer has failed. */
export function isLost(shared: EmulationShared): boolean {
  return Atomics.load(shared, LOST) === 1;
}

/** How often it is looked whether the tracer has failed, while it is waited for, in milliseconds. */
const REPLY_LOOK = 100;

/** The main thread's side: as {@link ask}, without a wait. A bell that comes too early for the tracer is lost. */
export function remind(shared: EmulationShared, wake: (threadId: number) => void): void {
  Atomics.store(shared, ASKED, 1);
  Atomics.notify(shared, ASKED);
  if (isTracing(shared)) wake(Atomics.load(shared, TRACER));
}

/** The receiving thread's side: there is something for the tracer. */
export function ask(shared: EmulationShared, wake: (threadId: number) => void): void {
  Atomics.store(shared, ASKED, 1);
  Atomics.notify(shared, ASKED);
  // It may be about to wait for its tracees, where nothing but a signal reaches it, and one that comes before is lost. If
  // it is doing something, it looks before it waits, and nobody has to wait for it here.
  while (Atomics.load(shared, ASKED) === 1 && isTracing(shared) && Atomics.load(shared, WAITING) === 1) {
    wake(Atomics.load(shared, TRACER));
    Atomics.wait(shared, ASKED, 1, 1);
  }
}

/** The receiving thread's side: waits for the reply to an order; false where there will be none. */
export function awaitReply(shared: EmulationShared): boolean {
  while (Atomics.load(shared, REPLIED) === 0) {
    if (isLost(shared)) return false;
    Atomics.wait(shared, REPLIED, 0, REPLY_LOOK);
  }
  Atomics.store(shared, REPLIED, 0);
  return true;
}

/** The tracing thread's side: it has replied to an order. */
export function hasReplied(shared: EmulationShared): void {
  Atomics.store(shared, REPLIED, 1);
  Atomics.notify(shared, REPLIED);
}

/**
 * The tracing thread's side: it is about to wait for its tracees, or has waited. Whether there is something to be taken
 * must be looked at in between.
 */
export function setWaiting(shared: EmulationShared, isWaiting: boolean): void {
  Atomics.store(shared, WAITING, isWaiting ? 1 : 0);
}

/** The tracing thread's side: whether there is something that it has not taken. */
export function isAsked(shared: EmulationShared): boolean {
  return Atomics.load(shared, ASKED) === 1;
}

/** The tracing thread's side: whether there is something, which it takes now. */
export function takeAsked(shared: EmulationShared): boolean {
  if (Atomics.exchange(shared, ASKED, 0) === 0) return false;
  Atomics.notify(shared, ASKED);
  return true;
}

/** The tracing thread's side, where it traces nothing: sleeps until there is something, or for so many milliseconds. */
export function untilAsked(shared: EmulationShared, longest: number = Number.POSITIVE_INFINITY): void {
  Atomics.wait(shared, ASKED, 0, longest);
}

/** Says that from here on pages of programs may be delivered by others (linux/served.ts). */
export function setServed(shared: EmulationShared): void {
  Atomics.store(shared, SERVED, 1);
}

/** Whether they may. */
export function areServed(shared: EmulationShared): boolean {
  return Atomics.load(shared, SERVED) === 1;
}

/** How long the main thread waits until the run's program was taken over, in milliseconds. */
const TAKING_OVER = 10_000;

/** The main thread's side: leaves the registers that the run's program is to go on with, once it was taken over. */
export function leaveRegisters(shared: EmulationShared, registers: Uint8Array): void {
  new Uint8Array(shared.buffer, REGISTERS, USER_REGS.size).set(registers);
}

/** The main thread's side: waits until the run's program was taken over; false where it was not. */
export async function untilTakenOver(shared: EmulationShared): Promise<boolean> {
  // A tracer that fails tells of it.
  const taken = isLost(shared) ? undefined : Atomics.waitAsync(shared, TAKEN_OVER, 0, TAKING_OVER);
  if (taken?.async === true) await taken.value;
  return Atomics.load(shared, TAKEN_OVER) === 1;
}

/** The tracing thread's side: the registers of a program that it takes over. */
export function takeRegisters(shared: EmulationShared): Uint8Array {
  return new Uint8Array(shared.buffer, REGISTERS, USER_REGS.size).slice();
}

/** The tracing thread's side: it has. */
export function hasTakenOver(shared: EmulationShared): void {
  Atomics.store(shared, TAKEN_OVER, 1);
  Atomics.notify(shared, TAKEN_OVER);
}

/** How long the main thread waits for the last words of a run, in milliseconds: on a busy machine the other may wait for a processor. */
const LAST_WORDS = 1000;
const BETWEEN_REMINDERS = 2;

/** The main thread's side: has the tracing thread, where there is one, write what there is to say at the end. */
export function endRun(shared: EmulationShared, wake: (threadId: number) => void): void {
  if (Atomics.load(shared, TRACER) === 0 || isLost(shared)) return;
  Atomics.store(shared, OVER, ENDING);
  for (const until = monotonic() + LAST_WORDS; monotonic() < until; ) {
    remind(shared, wake);
    if (Atomics.wait(shared, OVER, ENDING, BETWEEN_REMINDERS) !== 'timed-out') return;
  }
}

/** The tracing thread's side: whether the run is over, and it has not said its last words. */
export function isEnding(shared: EmulationShared): boolean {
  return Atomics.load(shared, OVER) === ENDING;
}

/** The tracing thread's side: it has. */
export function hasTold(shared: EmulationShared): void {
  if (Atomics.compareExchange(shared, OVER, ENDING, TOLD) !== RUNNING) Atomics.notify(shared, OVER);
}
