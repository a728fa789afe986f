/**
 * How the main thread and the receiving thread meet: both start at once, as starting takes long; the one waits for the
 * listener, the other for the one that receives from it.
 *
 * @module
 */

/** Shared memory: what was said last, the listener's descriptor, whether its filter waits killable, the held process, whether the receiver waits. */
export type Rendezvous = Int32Array<SharedArrayBuffer>;

const STATE = 0;
const DESCRIPTOR = 1;
const KILLABLE = 2;
const HELD = 3;
const READY = 4;

const WAITING = 0;
const OFFERED = 1;
const TAKEN = 2;
const CANCELLED = 3;

/** A rendezvous where nobody is yet. */
export function createRendezvous(): Rendezvous {
  return new Int32Array(new SharedArrayBuffer(20));
}

function change(rendezvous: Rendezvous, state: number): void {
  Atomics.store(rendezvous, STATE, state);
  Atomics.notify(rendezvous, STATE);
}

/** A listener, and what its filter does (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV). */
export interface OfferedListener {
  readonly listener: number;
  readonly waitsKillable: boolean;
}

/** The main thread's side: hands the listener over; settles when it is about to be received from. */
export async function offerListener(rendezvous: Rendezvous, offered: OfferedListener): Promise<void> {
  Atomics.store(rendezvous, DESCRIPTOR, offered.listener);
  Atomics.store(rendezvous, KILLABLE, offered.waitsKillable ? 1 : 0);
  change(rendezvous, OFFERED);
  const taken = Atomics.waitAsync(rendezvous, STATE, OFFERED);
  if (taken.async) await taken.value;
}

/**
 * The main thread's side: names the process that is about to become the run's program and is traced by that thread, or
 * none any more (0).
 */
export function setHeld(rendezvous: Rendezvous, processId: number): void {
  Atomics.store(rendezvous, HELD, processId);
}

/** The receiving thread's side: that process, or 0. */
export function heldProcess(rendezvous: Rendezvous): number {
  return Atomics.load(rendezvous, HELD);
}

/** The main thread's side: settles when the receiving thread has started, and only waits for a listener. */
export async function untilReceiverWaits(rendezvous: Rendezvous): Promise<void> {
  const ready = Atomics.waitAsync(rendezvous, READY, 0);
  if (ready.async) await ready.value;
}

/** The main thread's side, where there will be no listener. */
export function cancel(rendezvous: Rendezvous): void {
  change(rendezvous, CANCELLED);
}

/** The receiving thread's side: blocks until there is a listener; undefined where there will be none. */
export function takeListener(rendezvous: Rendezvous): OfferedListener | undefined {
  Atomics.store(rendezvous, READY, 1);
  Atomics.notify(rendezvous, READY);
  Atomics.wait(rendezvous, STATE, WAITING);
  if (Atomics.load(rendezvous, STATE) !== OFFERED) return undefined;
  change(rendezvous, TAKEN);
  return {
    listener: Atomics.load(rendezvous, DESCRIPTOR),
    waitsKillable: Atomics.load(rendezvous, KILLABLE) === 1,
  };
}
