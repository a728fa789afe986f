/**
 * Calls that may take as long as another process likes, made apart (apart.ts): each waited for a moment, and what is not
 * done by then left to itself, while another process makes the next ones.
 *
 * What is late is thrown as {@link Late}. Whoever was asked for something can then be put off, and asked anew when the call
 * is done: an {@link Attempt} remembers what came of the calls that it has made before.
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import { type ApartCall, ApartProcess } from './apart.js';
import { processOf } from './proc.js';

/** How long a call is waited for, in milliseconds: at most; of a process that was late lately; while one only waits for a processor. */
const PATIENCE = 5;
const LITTLE_PATIENCE = 0.2;
const LONGEST = 500;
/**
 * How much of the time may be spent on waiting for what is late: a twentieth, and so many milliseconds at once. When that is
 * used up there is little patience with anybody: a call that nothing holds up does not need more.
 */
const SHARE = 0.05;
const MOST_AT_ONCE = 100;
/** For how long a process counts as one that was late, in milliseconds. */
const REMEMBERED = 10_000;
/** Calls that may be late at a time: of all, and of one process. */
const MOST_LATE = 32;
const MOST_OF_ONE = 2;
/** Calls that follow each other within so many milliseconds are looked for without sleep, for as long. */
const BURST = 0.1;
/** Rounds of looking that a processor makes in that time, about. */
const ROUNDS = 3000;
/** After a call that took as long though it was looked for, calls are waited for asleep: so many. */
const REST = 256;

/** A call that is under way and not waited for. */
export class Pending {
  readonly key: string;
  readonly processId: number;
  readonly #apart: ApartProcess;
  readonly #collect: (apart: ApartProcess) => unknown;
  /** Whether nobody wants to know any more. */
  isForgotten = false;

  constructor(key: string, processId: number, apart: ApartProcess, collect: (apart: ApartProcess) => unknown) {
    this.key = key;
    this.processId = processId;
    this.#apart = apart;
    this.#collect = collect;
  }

  get isDone(): boolean {
    return this.#apart.isFree;
  }

  /** What came of it, once it is done; its process then makes others. */
  take(): unknown {
    const value = this.#collect(this.#apart);
    if (late.delete(this)) spare.push(this.#apart);
    return value;
  }

  /** Nobody wants to know. Its process is ended, as soon as it can be. */
  forget(): void {
    if (this.isForgotten) return;
    this.isForgotten = true;
    this.#apart.kill();
  }

  /** Whether its process was ended. */
  get isGone(): boolean {
    return this.isForgotten && this.#apart.isGone;
  }
}

/** Thrown where a call was not done in time. */
export class Late extends Error {
  readonly pending: Pending;

  constructor(pending: Pending) {
    super(`${pending.key} takes long: another process, or a disk, has yet to deliver the memory or the file`);
    this.pending = pending;
  }
}

/** The calls of this thread that are late, and processes that make none now. */
const late = new Set<Pending>();
const spare: ApartProcess[] = [];
/** Processes that were late, and until when that counts. */
const slow = new Map<number, number>();
let credit: number = MOST_AT_ONCE;
let counted = performance.now();
let before = 0;
let rest = 0;
let current: Attempt | undefined;

/** What somebody has asked for, and what came of the calls made apart for it so far. */
export class Attempt {
  readonly #results = new Map<string, unknown>();
  #pending: Pending | undefined;

  /**
   * Tries it.
   *
   * @throws Late where it is to be tried anew once {@link Attempt.isReady}; nothing may have been done by then that cannot
   *   be done twice
   */
  run<T>(action: () => T): T {
    const outer = current;
    current = this;
    try {
      return action();
    } catch (error) {
      if (error instanceof Late) this.#pending = error.pending;
      throw error;
    } finally {
      current = outer;
    }
  }

  /** Whether a new try can come further than the last. */
  get isReady(): boolean {
    const pending = this.#pending;
    if (pending === undefined) return true;
    if (!pending.isDone) return false;
    this.#pending = undefined;
    this.#results.set(pending.key, pending.take());
    return true;
  }

  /** What came of a call that was late. */
  find(key: () => string): { readonly value: unknown } | undefined {
    if (this.#results.size === 0) return undefined;
    const name = key();
    return this.#results.has(name) ? { value: this.#results.get(name) } : undefined;
  }

  /** It is wanted no more. */
  forget(): void {
    this.#pending?.forget();
    this.#pending = undefined;
  }
}

/** Does something that can be done without, where it is late. */
export function promptly<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Late) error.pending.forget();
    else if (!(error instanceof TrampfdError) || error.code !== 'ERR_TRAMPFD_LATE') throw error;
    return otherwise;
  }
}

/** A call that is made apart. */
export interface Demand<T> {
  /** Names it among those of an attempt: the same name is the same call. */
  readonly key: () => string;
  /** A thread of the process that may make it late. */
  readonly threadId: number;
  /** Puts what the calls are given into the memory that they use. */
  readonly calls: (apart: ApartProcess) => readonly ApartCall[];
  readonly collect: (apart: ApartProcess) => T;
}

/**
 * Makes it.
 *
 * @throws Late where it is not done in time; TrampfdError ERR_TRAMPFD_LATE where too many are late already, EAGAIN and the
 *   like where no process can be started
 */
export function makeApart<T>(demand: Demand<T>): T {
  const known = current?.find(demand.key);
  if (known !== undefined) return known.value as T;
  const apart = takeProcess();
  const calls = demand.calls(apart);
  const start = performance.now();
  // Whoever was late costs the others no wait again.
  const longest = slow.size === 0 || !isSlow(demand.threadId, start) ? patience(start) : LITTLE_PATIENCE;
  const isBurst = start - before < BURST && rest === 0;
  apart.lookFor(isBurst ? ROUNDS : 0);
  if (!apart.make(calls, longest) && !waits(apart, start + longest, start + LONGEST)) {
    credit -= performance.now() - start;
    throw isLate(demand, apart);
  }
  before = performance.now();
  if (rest > 0) rest -= 1;
  else if (isBurst && before - start > BURST) rest = REST;
  const value = demand.collect(apart);
  spare.push(apart);
  return value;
}

/** Waits on, until a time; or where it waits for nothing but a processor, until a later one. */
function waits(apart: ApartProcess, until: number, last: number): boolean {
  for (;;) {
    const now = performance.now();
    // A signal, perhaps, has ended the wait.
    if (now >= last || (now >= until && !apart.isRunning)) return apart.isFree;
    if (apart.await(LITTLE_PATIENCE)) return true;
  }
}

function patience(now: number): number {
  credit = Math.min(MOST_AT_ONCE, credit + (now - counted) * SHARE);
  counted = now;
  return Math.max(LITTLE_PATIENCE, Math.min(PATIENCE, credit));
}

function isSlow(threadId: number, now: number): boolean {
  const until = slow.get(processOf(threadId) ?? threadId);
  if (until !== undefined && until > now) return true;
  for (const [processId, end] of slow) if (end <= now) slow.delete(processId);
  return false;
}

/** Takes away those whose processes were ended. */
function sweep(): void {
  for (const pending of late) if (pending.isGone) late.delete(pending);
}

/** Leaves a call to itself. */
function isLate<T>({ key, threadId, collect }: Demand<T>, apart: ApartProcess): Error {
  const processId = processOf(threadId) ?? threadId;
  slow.set(processId, performance.now() + REMEMBERED);
  sweep();
  const pending = new Pending(key(), processId, apart, collect);
  late.add(pending);
  const ofOne = [...late].filter((one) => one.processId === processId).length;
  if (late.size <= MOST_LATE && ofOne <= MOST_OF_ONE) return new Late(pending);
  pending.forget();
  return tooMany(
    `process ${processId} has ${ofOne - 1} reads of its memory under way that take long, and may not have more`,
  );
}

function tooMany(reason: string): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_LATE', reason);
}

/** A process that makes no calls now. */
function takeProcess(): ApartProcess {
  const free = spare.pop();
  if (free !== undefined) return free;
  sweep();
  if (late.size > 2 * MOST_LATE) throw tooMany(`${late.size} reads of memory are under way that take long`);
  const started = ApartProcess.start();
  if (typeof started !== 'number') return started;
  const name = errnoName(-started);
  throw new TrampfdError(name, `no process can be started to read the memory of programs (${name})`, {
    syscall: 'clone',
    errno: -started,
  });
}

/** Starts what makes calls apart, before there are any. Where it cannot be started, the first call says so. */
export function prepareApart(): void {
  if (spare.length > 0) return;
  const started = ApartProcess.start();
  if (typeof started !== 'number') spare.push(started);
}
