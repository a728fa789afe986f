/**
 * Calls that may take as long as another process likes, made apart (apart.ts): each waited for a moment, and what is not
 * done by then left to itself, while another process makes the next ones.
 *
 * What is late is thrown (late_call.ts), and whoever has asked for it can be put off.
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import { type ApartCall, ApartProcess } from './apart.js';
import { monotonic } from './clock.js';
import { currentAttempt, Late, type Pending, promptly, tooMany } from './late_call.js';
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
/** How often a call is tried whose process was ended. */
const MOST_TRIES = 3;
/** The highest descriptor that there can be. */
const LAST_DESCRIPTOR = 0xffffffff;

/** A call that is under way and not waited for. */
class LateCall implements Pending {
  readonly key: string;
  readonly processId: number;
  readonly #apart: ApartProcess;
  readonly #collect: ((apart: ApartProcess) => unknown) | undefined;
  /** Whether nobody wants to know any more. */
  isForgotten = false;

  /** @param collect - gives what came of it; undefined where it is only known then that it is done, and to be tried anew */
  constructor(
    key: string,
    processId: number,
    apart: ApartProcess,
    collect: ((apart: ApartProcess) => unknown) | undefined,
  ) {
    this.key = key;
    this.processId = processId;
    this.#apart = apart;
    this.#collect = collect;
  }

  /** Whether there is no more to wait for. */
  get isDone(): boolean {
    return this.#apart.isFree || this.#apart.isGone;
  }

  /** What came of it, once it is done, and its process makes others; undefined where it is to be tried anew. */
  take(): { readonly value: unknown } | undefined {
    if (!this.#apart.isFree || this.#collect === undefined) {
      this.forget();
      return undefined;
    }
    const value = this.#collect(this.#apart);
    if (late.delete(this)) spare.push(this.#apart);
    return { value };
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

/** The calls of this thread that are late, and processes that make none now. */
const late = new Set<LateCall>();
const spare: ApartProcess[] = [];
/** Processes that were late, and until when that counts. */
const slow = new Map<number, number>();
let credit: number = MOST_AT_ONCE;
let counted = 0;
let before = 0;
let rest = 0;
let areGivenFiles = false;

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
  const known = currentAttempt()?.find(demand.key);
  if (known !== undefined) return known.value as T;
  for (let tries = 1; ; tries++) {
    const apart = takeProcess();
    const made = makeIn(apart, demand, true);
    if (made !== undefined) {
      spare.push(apart);
      return made.value;
    }
    // Somebody has ended it.
    if (tries === MOST_TRIES) throw tooMany('the process that reads the memory of programs was ended, again and again');
  }
}

/**
 * Makes a call in a process.
 *
 * @param isUsedAnew - whether that process is to make others when it is late and done
 * @returns undefined where that process has ended
 */
function makeIn<T>(apart: ApartProcess, demand: Demand<T>, isUsedAnew: boolean): { readonly value: T } | undefined {
  const calls = demand.calls(apart);
  const start = monotonic();
  // Whoever was late costs the others no wait again.
  const longest = slow.size === 0 || !isSlow(demand.threadId, start) ? patience(start) : LITTLE_PATIENCE;
  const isBurst = start - before < BURST && rest === 0;
  apart.lookFor(isBurst ? ROUNDS : 0);
  if (!apart.make(calls, longest) && !waits(apart, start + longest, start + LONGEST)) {
    credit -= monotonic() - start;
    if (apart.isGone) return undefined;
    throw isLate(demand, apart, isUsedAnew);
  }
  before = monotonic();
  if (rest > 0) rest -= 1;
  else if (isBurst && before - start > BURST) rest = REST;
  return { value: demand.collect(apart) };
}

/** Calls that are made by one process, which keeps what they open until the end. */
export class ApartSession implements Disposable {
  readonly #threadId: number;
  #apart: ApartProcess | undefined;

  /** @param threadId - a thread of the process that may make the calls late */
  constructor(threadId: number) {
    this.#threadId = threadId;
    this.#apart = takeProcess();
  }

  /**
   * Makes calls.
   *
   * @throws as {@link makeApart}; then it makes none any more
   */
  make<T>(what: string, calls: Demand<T>['calls'], collect: Demand<T>['collect']): T {
    const apart = this.#apart;
    this.#apart = undefined;
    if (apart === undefined) throw new RangeError('apart: a session that is over');
    const made = makeIn(apart, { key: () => what, threadId: this.#threadId, calls, collect }, false);
    if (made === undefined) throw tooMany('the process that reads the memory of programs was ended');
    this.#apart = apart;
    return made.value;
  }

  /** Closes what is open: also that may take long. */
  [Symbol.dispose](): void {
    const apart = this.#apart;
    if (apart === undefined) return;
    const first = apart.isGivenFiles ? 1 : 0;
    const calls = (): readonly ApartCall[] => [{ call: 'close_range', arguments: [first, LAST_DESCRIPTOR, 0] }];
    promptly(() => {
      this.make('closing files', calls, () => undefined);
      spare.push(apart);
    }, undefined);
    this.#apart = undefined;
  }
}

/** Waits on, until a time; or where it waits for nothing but a processor, until a later one. */
function waits(apart: ApartProcess, until: number, last: number): boolean {
  for (;;) {
    const now = monotonic();
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
function isLate<T>({ key, threadId, collect }: Demand<T>, apart: ApartProcess, isUsedAnew: boolean): Error {
  const processId = processOf(threadId) ?? threadId;
  slow.set(processId, monotonic() + REMEMBERED);
  sweep();
  const pending = new LateCall(key(), processId, apart, isUsedAnew ? collect : undefined);
  late.add(pending);
  const ofOne = [...late].filter((one) => one.processId === processId).length;
  if (late.size <= MOST_LATE && ofOne <= MOST_OF_ONE) return new Late(pending);
  pending.forget();
  return tooMany(
    `process ${processId} has ${ofOne - 1} reads of its memory under way that take long, and may not have more`,
  );
}

/** A process that makes no calls now. */
function takeProcess(): ApartProcess {
  const free = spare.pop();
  if (free?.isGivenFiles === areGivenFiles) return free;
  free?.kill();
  sweep();
  if (late.size > 2 * MOST_LATE) throw tooMany(`${late.size} reads of memory are under way that take long`);
  const started = ApartProcess.start(areGivenFiles);
  if (typeof started !== 'number') return started;
  const name = errnoName(-started);
  throw new TrampfdError(name, `no process can be started to read the memory of programs (${name})`, {
    syscall: 'clone',
    errno: -started,
  });
}

/** Has the processes to come be ones that can be given open files. */
export function giveFiles(): void {
  areGivenFiles = true;
}

/** Starts what makes calls apart, before there are any. Where it cannot be started, the first call says so. */
export function prepareApart(): void {
  if (spare.length > 0) return;
  const started = ApartProcess.start();
  if (typeof started !== 'number') spare.push(started);
}
