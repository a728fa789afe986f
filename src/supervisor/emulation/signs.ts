/**
 * Signs of life: the main thread notices a thread that lives and does nothing any more, as it waits in the kernel for what may never
 * come. Nothing is known by which that would come about, but the kernel has more locks than anybody knows of; and without
 * it, all programs would wait, and nobody would be told why.
 *
 * The tracing thread is asked for a sign, and gives one between two turns. The receiving one, which cannot be woken, says
 * whether it rests, and counts what it does. Nothing is imported here that takes time to load.
 *
 * @module
 */
import type { EmulationShared } from './shared.js';

/** Words of the shared memory. */
const ASKED = 10;
const GIVEN = 11;
const RESTS = 12;
const DONE = 13;

/** The tracing thread's side: it is about to begin a turn. */
export function giveSign(shared: EmulationShared): void {
  const asked = Atomics.load(shared, ASKED);
  if (asked !== Atomics.load(shared, GIVEN)) Atomics.store(shared, GIVEN, asked);
}

/** The main thread's side: whether it has given the sign that it was asked for last. */
function hasGivenSign(shared: EmulationShared): boolean {
  return Atomics.load(shared, ASKED) === Atomics.load(shared, GIVEN);
}

/** The receiving thread's side: it rests from now on, until there is something to be done. */
export function rest(shared: EmulationShared): void {
  Atomics.store(shared, RESTS, 1);
}

/** The receiving thread's side: it does something. */
export function work(shared: EmulationShared): void {
  Atomics.add(shared, DONE, 1);
  Atomics.store(shared, RESTS, 0);
}

/**
 * How often is looked for signs, in milliseconds, and how often none may be seen: what takes longest by rights takes a tenth of that.
 * The receiving thread may be waiting for the tracing one, so it has more time.
 */
const INTERVAL = 5000;
const MOST_MISSED = { trace: 3, receive: 6 } as const;

/** A thread that is watched. */
type Watched = keyof typeof MOST_MISSED;

/** Looks again and again until something was missed too often; `missed` says whether it was missed once more. */
function look(thread: Watched, missed: () => boolean, tell: () => void): () => void {
  let count = 0;
  // A machine that stands still, or a supervisor that is stopped, has no time pass here but that to the next look.
  const timer = setInterval(() => {
    count = missed() ? count + 1 : 0;
    if (count < MOST_MISSED[thread]) return;
    clearInterval(timer);
    tell();
  }, INTERVAL);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * The main thread's side: watches the tracing one.
 *
 * @param wake - has it begin a turn
 * @returns what ends the watch
 */
export function watchTracer(shared: EmulationShared, wake: () => void, hangs: () => void): () => void {
  return look(
    'trace',
    () => {
      const isMissed = !hasGivenSign(shared);
      if (!isMissed) Atomics.add(shared, ASKED, 1);
      wake();
      return isMissed;
    },
    hangs,
  );
}

/** The main thread's side: watches the receiving one. It returns what ends the watch. */
export function watchReceiver(shared: EmulationShared, hangs: () => void): () => void {
  let before = -1;
  return look(
    'receive',
    () => {
      const done = Atomics.load(shared, DONE);
      const isMissed = done > 0 && done === before && Atomics.load(shared, RESTS) === 0;
      before = done;
      return isMissed;
    },
    hangs,
  );
}

/** What is said of a thread that hangs. */
export function hanging(thread: Watched): string {
  return `it has done nothing for ${(INTERVAL * MOST_MISSED[thread]) / 1000} s`;
}
