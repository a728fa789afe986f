/**
 * The processes that are traced because they have trampolines of their own, and their threads.
 *
 * A process is traced with all of its threads, and what they make is followed. It is let go of when it executes a program,
 * or has no memory any more that it was traced for.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { ownThreadId } from '../../linux/bell.js';
import { monotonic } from '../../linux/clock.js';
import { KernelEntries } from '../../linux/kernel_entry.js';
import { hasEnded, hasOwnFilter, parentOf, processOf, threadsOf, tracerOf } from '../../linux/proc.js';
import { detach, follow, interrupt, proceed } from '../../linux/tracee.js';
import { findMemory, giveMemory, hasMemoryOf, makerOf, memoryFrom, sharesWithMaker } from './made_memory.js';
import { TracedMemory } from './memory.js';
import { type Disposition, isIgnored } from './signals.js';

/** A process that is traced. */
export interface TracedProcess {
  readonly processId: number;
  memory: TracedMemory;
  /** Whether its threads are let go of as each of them stops. */
  isLeaving: boolean;
  readonly threads: Set<number>;
  readonly entries: KernelEntries;
  /** What SIGSEGV does to it, once that is known; default otherwise. */
  disposition: Disposition | undefined;
  /** Whether it was made by fork(2) of a traced one, and has not run yet. */
  isNew: boolean;
  /** Whether it was told of before the thread that has made it was, so that its memory was found without that. */
  isEarly: boolean;
}

/** One whose threads are not known yet. */
export function tracedProcess(processId: number, memory: TracedMemory): TracedProcess {
  return {
    processId,
    memory,
    isLeaving: false,
    threads: new Set(),
    entries: new KernelEntries(),
    disposition: undefined,
    isNew: false,
    isEarly: false,
  };
}

/** How often threads are looked for that appeared while others were seized, and how long one may be another tracer's of ours. */
const MOST_LOOKS = 1000;
const PATIENCE = 200;
/** How long threads are seized at once, in milliseconds: others wait meanwhile. */
const SLICE = 10;

/** All of them. One thread, the tracer, has it. */
export class Tracees {
  readonly #processes = new Map<number, TracedProcess>();
  readonly #threads = new Map<number, TracedProcess>();
  readonly #tracer: number = ownThreadId();

  get areAny(): boolean {
    return this.#threads.size > 0;
  }

  get areSeveral(): boolean {
    return this.#processes.size > 1;
  }

  get processes(): Iterable<TracedProcess> {
    return this.#processes.values();
  }

  /** The process of a thread that is traced. */
  of(threadId: number): TracedProcess | undefined {
    return this.#threads.get(threadId);
  }

  /**
   * Traces a process, if it is not yet.
   *
   * @returns it; or undefined where another tracer has it, or the system forbids it; or that it is to be tried again, for a
   *   thread of it executes a program: what is told of those that are traced, their end above all, must be taken before.
   */
  attach(processId: number): TracedProcess | 'later' | undefined {
    const known = this.#known(processId);
    const traced = known ?? this.#begin(processId);
    if (known?.isLeaving === true && !known.memory.isInteresting) this.#findAgain(known);
    traced.isLeaving = false;
    let seized: 'all' | 'later' | 'none' = 'none';
    try {
      seized = this.#seizeAll(traced);
    } finally {
      // What is thrown says that its threads cannot be known: then it is not traced.
      if (seized === 'none' && (known === undefined || traced.threads.size === 0)) this.leave(traced);
      else if (seized === 'later' && traced.threads.size === 0) this.leave(traced);
    }
    return seized === 'all' ? traced : seized === 'later' ? 'later' : undefined;
  }

  /** Begins to trace a process, with those that have its memory as far as they can be traced now: nobody waits for them. */
  #begin(processId: number): TracedProcess {
    const { known, untraced } = findMemory(processId, this.#processes);
    const memory = known?.share() ?? new TracedMemory();
    const traced = tracedProcess(processId, memory);
    this.#processes.set(processId, traced);
    for (const otherId of untraced) {
      const other = tracedProcess(otherId, memory);
      for (const threadId of threadsOf(otherId)) if (follow(threadId) === 0) this.#add(other, threadId);
      if (other.threads.size === 0) continue;
      memory.share();
      this.#processes.set(otherId, other);
    }
    return traced;
  }

  /** One that was traced for something else may have the memory of another. */
  #findAgain(traced: TracedProcess): void {
    const { known = traced.memory } = findMemory(traced.processId, this.#processes);
    if (known !== traced.memory) giveMemory(traced, known.share());
  }

  /** A process that is traced, and was not replaced meanwhile. */
  #known(processId: number): TracedProcess | undefined {
    const known = this.#processes.get(processId);
    if (known !== undefined) this.#forgetReplaced(known);
    return this.#processes.get(processId);
  }

  /**
   * Forgets the first thread of a process where another one has its id. One that is not traced has executed a program then:
   * of the end of a first thread, which comes of that, nobody is told. The ends of all others have been.
   *
   * @returns whether it was
   */
  #forgetReplaced({ processId, threads }: TracedProcess): boolean {
    const tracer = tracerOf(processId);
    if (!threads.has(processId) || tracer === undefined || tracer === this.#tracer) return false;
    this.remove(processId);
    return true;
  }

  /** Forgets what has executed a program untraced while others of its process were being traced. */
  forgetReplaced(): void {
    for (const traced of this.#processes.values()) this.#forgetReplaced(traced);
  }

  /**
   * Traces a thread that is about to execute a program, if its process is not traced yet.
   *
   * @returns whether it is traced, or is to be tried again, as for {@link Tracees.attach}
   */
  attachExecuting(processId: number, threadId: number): boolean | 'later' {
    const known = this.#known(processId);
    if (known?.threads.has(threadId) === true) {
      known.isLeaving = false;
      return true;
    }
    const traced = known ?? tracedProcess(processId, new TracedMemory());
    const result = follow(threadId);
    if (result === -errnoNumbers.EINTR) return 'later';
    if (result !== 0 && tracerOf(threadId) !== this.#tracer) return false;
    this.#processes.set(processId, traced);
    if (known === undefined) traced.isLeaving = true;
    // Behind the call it is let go of, where it has not executed a program that is to be traced.
    if (traced.isLeaving) interrupt(threadId);
    this.#add(traced, threadId);
    return true;
  }

  /** Whether a process is traced for an execution by another thread of it: this one cannot be traced before that is over. */
  isExecuting(processId: number, threadId: number): boolean {
    const known = this.#processes.get(processId);
    return known?.isLeaving === true && known.threads.size > 0 && !known.threads.has(threadId);
  }

  /** Until they are all traced, there may be new ones. */
  #seizeAll(traced: TracedProcess): 'all' | 'later' | 'none' {
    const [until, slice] = [monotonic() + PATIENCE, monotonic() + SLICE];
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const others = threadsOf(traced.processId).filter((threadId) => !traced.threads.has(threadId));
      if (looks > 0 && this.#forgetReplaced(traced)) return 'later';
      if (others.length === 0) return 'all';
      for (const threadId of others) {
        const result = follow(threadId);
        if (result === -errnoNumbers.EINTR) return 'later';
        // One that a traced thread has made is traced from its start, and was not told of yet.
        if (result === 0 || tracerOf(threadId) === this.#tracer) {
          this.#add(traced, threadId);
          // What a thread takes from here on is told (late_filter.ts).
          if (hasOwnFilter(threadId)) traced.memory.ownPages.keepOwn(traced.processId);
          if (monotonic() > slice) return 'later';
        } else if (result === -errnoNumbers.ESRCH || hasEnded(threadId)) continue;
        // The receiving thread may have it for a moment.
        else if (monotonic() > until) return 'none';
      }
      // Those that have ended, and have not been waited for, can be seized no more.
      if (others.every((threadId) => traced.threads.has(threadId) || hasEnded(threadId))) return 'all';
    }
    return 'none';
  }

  #add(traced: TracedProcess, threadId: number): void {
    traced.threads.add(threadId);
    this.#threads.set(threadId, traced);
  }

  /**
   * Takes in what a traced thread has made.
   *
   * @param makerId the thread, which is stopped; undefined where the own first stop of what it has made came before
   */
  adopt(threadId: number, makerId: number | undefined): TracedProcess | undefined {
    const maker = makerId === undefined ? undefined : this.#threads.get(makerId);
    const known = this.#threads.get(threadId);
    if (known !== undefined) {
      if (known.isEarly && maker !== undefined && makerId !== undefined) this.#correct(known, maker, threadId, makerId);
      return known;
    }
    const processId = processOf(threadId);
    // One may have ended, and been told of, before its maker's event is: nothing more is heard of it.
    if (processId === undefined || (maker !== undefined && hasEnded(threadId))) return undefined;
    const of = this.#processes.get(processId);
    if (of !== undefined) {
      this.#add(of, threadId);
      return of;
    }
    const parent = maker ?? makerOf(threadId, processId, this.#processes);
    const isEarlySharer = makerId === undefined && parent !== undefined && hasMemoryOf(threadId, parent);
    const isSharing = makerId === undefined ? isEarlySharer : sharesWithMaker(threadId, makerId);
    const made = tracedProcess(processId, memoryFrom(parent, isSharing));
    made.disposition = parent?.disposition;
    made.isNew = parent !== undefined && !isSharing;
    made.isEarly = maker === undefined;
    this.#processes.set(processId, made);
    this.#add(made, threadId);
    return made;
  }

  /** Its maker is known now: nothing could be compared before, or its parent is not its maker. */
  #correct(known: TracedProcess, maker: TracedProcess, threadId: number, makerId: number): void {
    known.isEarly = false;
    if (known === maker || known.memory === maker.memory) return;
    const isSharing = sharesWithMaker(threadId, makerId);
    if (!isSharing && parentOf(known.processId) === maker.processId) return;
    giveMemory(known, memoryFrom(maker, isSharing));
    known.isNew &&= !isSharing;
  }

  /** A thread is traced no more. */
  remove(threadId: number): void {
    const traced = this.#threads.get(threadId);
    if (traced === undefined) return;
    this.#threads.delete(threadId);
    traced.threads.delete(threadId);
    if (traced.threads.size > 0) return;
    this.#processes.delete(traced.processId);
    traced.memory.leave(traced.processId);
  }

  /** Traces none any more; `end` is told of each thread that was. */
  forgetAll(end: (threadId: number) => void): void {
    for (const { threads } of this.#processes.values()) {
      for (const threadId of threads) {
        end(threadId);
        this.remove(threadId);
      }
    }
  }

  /** A process has executed a program: it has one thread, with the process's id, and another memory. */
  executed(traced: TracedProcess): void {
    for (const threadId of [...traced.threads]) if (threadId !== traced.processId) this.#threads.delete(threadId);
    traced.threads.clear();
    this.#add(traced, traced.processId);
    giveMemory(traced, new TracedMemory());
    traced.isEarly = false;
    traced.entries.forget();
    // What was caught is not any more; a program that ignores it is begun with it ignored.
    if (traced.disposition !== undefined && !isIgnored(traced.disposition)) traced.disposition = undefined;
  }

  /** Begins to let go of a process: each thread of it when it stops. */
  leave(traced: TracedProcess): void {
    traced.isLeaving = true;
    for (const threadId of traced.threads) interrupt(threadId);
    if (traced.threads.size > 0) return;
    this.#processes.delete(traced.processId);
    traced.memory.leave(traced.processId);
  }

  /** Lets a stopped thread go on, or lets go of it. */
  proceed(threadId: number, signal = 0): void {
    if (this.#threads.get(threadId)?.isLeaving !== true) {
      proceed(threadId, signal);
      return;
    }
    detach(threadId, signal);
    this.remove(threadId);
  }
}
