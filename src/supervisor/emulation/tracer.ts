/**
 * The tracing thread's work: requests for executable memory, and what waitpid(2) tells of those that are traced.
 *
 * @module
 */
import { PTRACE_STOP } from '../../abi/ptrace.js';
import { beginAnew } from '../../linux/begin_anew.js';
import { ownThreadId, signalStops } from '../../linux/bell.js';
import { callRemotely } from '../../linux/injected_calls.js';
import { tracedBy } from '../../linux/proc.js';
import { signalNumbers } from '../../linux/signal.js';
import { type Told, tellAgain, writeRegisters } from '../../linux/told.js';
import { eventMessage, leaveSystemCall, listen } from '../../linux/tracee.js';
import { Burst } from './burst.js';
import { lookAtExecuted } from './executed.js';
import { JobControl } from './job_control.js';
import { KnownCodes } from './known_code.js';
import { LateTraps } from './late_traps.js';
import { OrderedThreads } from './ordered_threads.js';
import { separate } from './placing.js';
import { Pruning } from './pruning.js';
import type { ThreadOrder } from './remote_thread.js';
import { reportUnrecognised } from './report.js';
import { endStranded } from './request.js';
import { giveChildrenBack, isAsked, isTracing, setStopped, takeChildren } from './shared.js';
import { ToldInTurn } from './told_in_turn.js';
import { type TracedProcess, Tracees } from './tracees.js';
import type { TracerContext } from './tracer_context.js';
import { carriedOut, type TrapContext } from './traps.js';

const { SIGSEGV = 11, SIGTRAP = 5 } = signalNumbers;

/** See the module. */
export class Tracer {
  readonly #context: TracerContext;
  readonly #tracees: Tracees;
  readonly #traps: TrapContext;
  readonly #burst = new Burst();
  readonly #jobControl: JobControl;
  readonly #ordered = new OrderedThreads();
  readonly #late = new LateTraps();
  readonly #turns: ToldInTurn;
  told: number | undefined; // The thread that is dealt with.
  readonly #pruning = new Pruning();

  constructor(context: TracerContext) {
    this.#context = context;
    const { log, tally } = context;
    this.#traps = { log, tally, known: new KnownCodes(), call: callRemotely, report: reportUnrecognised };
    this.#tracees = new Tracees();
    this.#turns = new ToldInTurn(context.shared, this.#tracees, (threadId) => this.#ordered.has(threadId));
    this.#jobControl = new JobControl(context.shared, context.tellMain);
  }

  /** Whether something is traced. */
  get traces(): boolean {
    return this.#tracees.areAny;
  }

  /** Whether some thread waits for its memory. */
  get hasLate(): boolean {
    return this.#late.areAny;
  }

  /** The traced process of a thread. */
  tracedOf(threadId: number): TracedProcess | undefined {
    return this.#tracees.of(threadId);
  }

  /** Traces a process; undefined where it cannot be, and `later` where it is to be tried again. */
  attach(processId: number): TracedProcess | 'later' | undefined {
    return this.#tracing(() => this.#tracees.attach(processId));
  }

  /** Traces a thread that is about to execute a program; false where it cannot be, and `later` as above. */
  attachExecuting(processId: number, threadId: number): boolean | 'later' {
    return this.#tracing(() => this.#tracees.attachExecuting(processId, threadId));
  }

  /** Whether another thread of a process is about to execute a program, so that this one has to wait for what comes of it. */
  isExecuting(processId: number, threadId: number): boolean {
    return this.#tracees.isExecuting(processId, threadId);
  }

  /** Has every thread run on the processors that it may run on by itself. */
  endBurst(): void {
    this.#burst.end();
  }

  /** Begins to trace something, where that does not fail. */
  #tracing<T>(attach: () => T): T {
    const { shared } = this.#context;
    if (!isTracing(shared)) {
      this.#pruning.begin();
      takeChildren(shared);
      signalStops(false);
    }
    try {
      return attach();
    } finally {
      this.#endIfOver();
    }
  }

  /**
   * Does something with a thread for the receiving thread.
   *
   * @returns undefined where it cannot be done
   */
  carryOut(order: ThreadOrder): bigint | undefined {
    return this.#ordered.carryOut(order, this.#tracees.of(order.threadId) !== undefined);
  }

  /**
   * Waits until something is told, or the bell rings, and does what is to be done. Traps follow each other in here.
   *
   * @param isPressed whether something else is to be done: then no more than one thing is done, and nothing waited for
   */
  wait(isPressed: boolean): void {
    this.told = undefined;
    const { shared } = this.#context;
    let told = this.#turns.toldAfter(undefined, isPressed);
    for (let threadId = this.#trapped(told); threadId !== undefined; threadId = this.#trapped(told)) {
      const isLeaving = this.#tracees.of(threadId)?.isLeaving === true;
      if (isLeaving) this.#burst.end();
      else this.#burst.trapped(threadId);
      // Where one waits for its memory, it is looked after between two traps.
      if (isLeaving || isPressed || this.#late.areAny || isAsked(shared)) {
        writeRegisters(threadId);
        this.#tracees.proceed(threadId);
        this.#endIfOver();
        return;
      }
      told = this.#turns.toldAfter(threadId, false);
    }
    if (this.#isLate(told)) this.#burst.end();
    else this.#tell(told);
  }

  /** Goes on with threads that waited for their memory. */
  lookAtLate(): void {
    for (const threadId of this.#late.ready()) {
      const told: Told = { kind: 'stop', threadId, event: 0, signal: SIGSEGV };
      if (!tellAgain(threadId)) this.#late.forget(threadId);
      else if (this.#trapped(told) !== undefined) {
        writeRegisters(threadId);
        this.#tracees.proceed(threadId);
      } else if (!this.#isLate(told)) this.#tell(told);
    }
  }

  #isLate(told: Told): boolean {
    return typeof told !== 'string' && told.kind === 'stop' && this.#late.has(told.threadId);
  }

  /** The thread that has called a trampoline, which has been carried out: it is to go on. */
  #trapped(told: Told): number | undefined {
    if (typeof told === 'string' || told.kind !== 'stop') return undefined;
    const { threadId, event, signal } = told;
    this.told = threadId;
    if (event !== 0 || signal !== SIGSEGV || this.#ordered.has(threadId)) return undefined;
    const traced = this.#tracees.of(threadId);
    if (traced === undefined) return undefined;
    return this.#late.try(threadId, () => carriedOut(this.#traps, threadId, traced)) === true ? threadId : undefined;
  }

  #tell(told: Told): void {
    if (told === 'nothing') return;
    if (told === 'interrupted') {
      this.#burst.rang();
      return;
    }
    if (told === 'nobody' || told === 'untold') {
      this.#burst.end();
      this.#turns.forgetAll();
      // All have ended, and somebody else was told: nobody is left to be traced. One that has not would stand for ever.
      this.#tracees.forgetAll((threadId) => endStranded(threadId, 'its stops are not told'));
      // Children that are traced since their first instruction, and that nobody was told of, would stand as well.
      if (told === 'untold') for (const id of tracedBy(ownThreadId())) endStranded(id, 'its stops are not told');
      this.#endIfOver();
      return;
    }
    // Whatever else becomes of a thread, it becomes of it as if there had been no burst.
    if (this.#burst.isOf(told.threadId)) this.#burst.end();
    if (told.kind === 'stop') this.#stopped(told);
    else this.#changed(told);
  }

  /** Forgets what has executed a program untraced, while others of its process were being traced. */
  forgetReplaced(): void {
    this.#tracees.forgetReplaced();
    this.#endIfOver();
  }

  /** Lets go of those that have no memory that they are traced for. */
  prune(): void {
    this.#pruning.prune(this.#tracees, this.#context);
  }

  #endIfOver(): void {
    const { shared, tellMain } = this.#context;
    if (this.#tracees.areAny || !isTracing(shared)) return;
    signalStops(true);
    setStopped(shared, false);
    giveChildrenBack(shared);
    tellMain(undefined);
  }

  #changed({ threadId, change }: Extract<Told, { readonly kind: 'change' }>): void {
    if (change.kind === 'exited' || change.kind === 'killed') {
      const traced = this.#tracees.of(threadId);
      // First of all: it is told once, and of the run's program nobody would know else that it has ended.
      if (traced === undefined || traced.processId === threadId) this.#context.tellMain(change);
      this.#tracees.remove(threadId);
      this.#ordered.delete(threadId);
      this.#turns.forget(threadId);
      this.#late.forget(threadId);
      this.#jobControl.forget(threadId);
      this.#endIfOver();
      return;
    }
    this.#context.tellMain(change);
  }

  #stopped({ threadId, event, signal }: Extract<Told, { readonly kind: 'stop' }>): void {
    // It stands until the receiving thread has it go on: at the stop behind its call, and those of calls that it makes there.
    if (this.#ordered.has(threadId)) return;
    const traced = this.#tracees.of(threadId) ?? this.#adoptEarly(threadId, event, signal);
    if (traced === undefined) return;
    switch (event) {
      case 0:
        if ((signal & 0x80) === 0) beginAnew(threadId);
        // Bit 7 marks the stops of system calls, which are nobody's here.
        this.#tracees.proceed(threadId, (signal & 0x80) !== 0 ? 0 : signal);
        break;
      case PTRACE_STOP.PTRACE_EVENT_STOP:
        if (signal === SIGTRAP) {
          this.#jobControl.continued(traced.processId);
          if (traced.isNew) separate(traced, threadId);
          traced.isNew = false;
          this.#tracees.proceed(threadId);
        } else if (traced.isLeaving) {
          this.#tracees.proceed(threadId);
        } else {
          listen(threadId);
          if (threadId === traced.processId) this.#jobControl.stopped(threadId, signal);
        }
        break;
      case PTRACE_STOP.PTRACE_EVENT_CLONE:
      case PTRACE_STOP.PTRACE_EVENT_FORK:
      case PTRACE_STOP.PTRACE_EVENT_VFORK:
        this.#made(threadId, traced);
        this.#tracees.proceed(threadId);
        break;
      case PTRACE_STOP.PTRACE_EVENT_EXEC:
        // The thread may have had another id.
        if (this.#burst.isOf(eventMessage(threadId))) this.#burst.end(threadId);
        this.#turns.forget(threadId);
        if (lookAtExecuted(traced, this.#tracees, this.#context)) this.#tracees.proceed(threadId);
        break;
      default:
        this.#tracees.proceed(threadId);
    }
    this.#endIfOver();
  }

  /** Takes in what a thread has made. A new process has a copy of the memory, and is to have one of what is shared too. */
  #made(threadId: number, traced: TracedProcess): void {
    const madeId = eventMessage(threadId);
    this.#burst.made(madeId, threadId);
    const made = this.#tracees.adopt(madeId, threadId);
    if (made === undefined || made === traced || made.memory === traced.memory) return;
    if (!traced.memory.views.some(({ isShared }) => isShared)) return;
    if (leaveSystemCall(threadId)) separate(traced, threadId);
  }

  /** A stop of what is not known: new, and not told of yet; or a child that is not traced, stopped by job control. */
  #adoptEarly(threadId: number, event: number, signal: number): TracedProcess | undefined {
    // execve(2) has given a thread the id of its process.
    if (event === PTRACE_STOP.PTRACE_EVENT_EXEC) return this.#tracees.of(eventMessage(threadId));
    if (event !== 0) return this.#tracees.adopt(threadId, undefined);
    this.#context.tellMain({ kind: 'stopped', processId: threadId, signal });
    return undefined;
  }
}
