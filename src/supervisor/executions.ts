/**
 * Executions under way: threads that were let go on with execve(2) and are traced, so that each stops when the call is
 * done, before its new program has run an instruction.
 *
 * Which file it would be cannot be judged before: its name stands in memory, and links and folders change. What it has
 * become cannot change any more.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { monotonic } from '../linux/clock.js';
import { hasEnded } from '../linux/proc.js';
import { StoppingThread, seizeForStop } from '../linux/ptrace.js';
import { ptrace } from '../linux/ptrace_request.js';
import { kill, signalNumbers } from '../linux/signal.js';
import { StoppedImage } from '../linux/stopped_image.js';
import { stoppedNow } from '../linux/stops.js';
import { reapTracee, traceeChange } from '../linux/wait.js';
import type { Policy } from '../policy/kinds.js';
import { type Answer, type CallContext, isValid, letContinue, refuse } from './call.js';
import { type ImageFinding, inspectImage } from './image.js';
import { type Log, printable } from './log.js';
import { say } from './standard_error.js';

/** When a thread is traced that could not be yet, for another one of its process executes a program; in milliseconds. */
const PAUSE = 5;

/** How often a thread is asked before it is looked whether it has ended. */
const ASKED_BEFORE_LOOKING = 32;

/** Says what was found of a program, on standard error and in a log. */
export type ReportImage = (processId: number, finding: Exclude<ImageFinding, { readonly kind: 'clean' }>) => void;

/**
 * Looks at a program that stands before its first instruction; ends it where it must not run.
 *
 * @param threadId - of the stopped thread, traced by the calling one
 * @returns what was found
 */
export function judgeImage(
  threadId: number,
  processId: number,
  image: StoppedImage,
  policy: Policy,
  report: ReportImage,
): ImageFinding {
  const finding = inspectImage(processId, image, policy);
  // While it is stopped: with the last program of a run, this process ends as well.
  if (finding.kind !== 'clean') report(processId, finding);
  if (finding.kind === 'refused') kill(threadId, signalNumbers['SIGKILL'] ?? 9);
  return finding;
}

/** Reports to a log, and of a program that did not run to standard error too. */
export function reportImage(log: Log): ReportImage {
  return (processId, finding) => {
    if (finding.kind === 'mended') {
      if (log.enabled) log.write({ event: 'image-mended', processId, file: finding.file, memory: finding.memory });
      return;
    }
    const { file, reason } = finding;
    if (log.enabled) log.write({ event: 'image-refused', processId, file, reason });
    say(`${printable(file)}: ${reason}`);
  };
}

const untraceable: Answer = refuse(
  'EACCES',
  'the caller cannot be traced for the moment of its execve: a debugger has it, or a rule of the system forbids it',
);

/** An execution that waits for what comes of another one in its process. */
interface Waiting {
  readonly context: CallContext;
  readonly processId: number;
}

/** The executions of a run. All is done by one thread, which is the tracer. */
export class Executions {
  /** The id to ask for, and that of its process. */
  readonly #underWay = new Map<number, number>();
  readonly #policy: Policy;
  readonly #report: ReportImage;
  readonly #send: (context: CallContext, answer: Answer) => void;
  readonly #waiting: Waiting[] = [];
  #next = 0;
  #asked = 0;

  /** @param send - answers a call that had to wait */
  constructor(policy: Policy, report: ReportImage, send: (context: CallContext, answer: Answer) => void) {
    this.#policy = policy;
    this.#report = report;
    this.#send = send;
  }

  /** Whether there are any. */
  get areUnderWay(): boolean {
    return this.#underWay.size > 0 || this.#waiting.length > 0;
  }

  /** Whether one is under way in a process. */
  isOf(processId: number): boolean {
    for (const other of this.#underWay.values()) if (other === processId) return true;
    return false;
  }

  /**
   * Traces a thread that waits for the answer to its execve(2).
   *
   * @returns the answer; where another thread of its process executes a program, it is sent a little later
   */
  begin(context: CallContext, processId: number): Answer {
    const { threadId } = context.notification;
    const result = seizeForStop(threadId);
    if (result === -errnoNumbers.EINTR) {
      if (this.#waiting.length === 0) this.#next = monotonic() + PAUSE;
      this.#waiting.push({ context, processId });
      return { kind: 'later' };
    }
    if (result !== 0) return untraceable;
    if (!isValid(context)) {
      // Another thread may have its id, by an execution that was looked at.
      StoppingThread.interrupt(threadId)?.release();
      return letContinue;
    }
    this.#underWay.set(threadId, processId);
    return letContinue;
  }

  /** Looks which have stopped, judges what they have become, and lets them run. */
  look(): void {
    this.#asked += 1;
    if (this.#waiting.length > 0 && monotonic() >= this.#next) this.#beginAgain();
    for (const [threadId, processId] of [...this.#underWay]) {
      if (this.#isDone(threadId, processId)) this.#underWay.delete(threadId);
    }
  }

  #beginAgain(): void {
    for (const { context, processId } of this.#waiting.splice(0)) {
      // Mostly the other one has ended it.
      if (isValid(context)) this.#send(context, this.begin(context, processId));
    }
  }

  #isDone(threadId: number, processId: number): boolean {
    switch (traceeChange(threadId, threadId === processId)) {
      case 'stopped':
        return this.#judge(threadId, processId);
      case 'ended':
        return true;
      case 'unknown':
        // A process that was killed is unknown to who does not ask for its end.
        if (threadId === processId) return !hasEnded(processId) || reapTracee(processId);
        // It is its process's only thread now, and about to stop; or the process is gone.
        this.#underWay.set(processId, processId);
        return true;
      case 'none':
        return this.#asked % ASKED_BEFORE_LOOKING === 0 && this.#lookCloser(threadId, processId);
    }
  }

  #lookCloser(threadId: number, processId: number): boolean {
    // Another thread of ours that waits for any child may have been told of the stop.
    if (stoppedNow(threadId)) return this.#judge(threadId, processId);
    if (threadId !== processId || !hasEnded(threadId)) return false;
    // It was killed meanwhile. Its parent is told only when its tracer has been, and that of its other threads before.
    return reapTracee(processId);
  }

  #judge(threadId: number, processId: number): boolean {
    const image = new StoppedImage(threadId);
    // An error is the caller's own; what is to be restarted comes as a notification again.
    const finding = image.hasExecuted()
      ? judgeImage(threadId, processId, image, this.#policy, this.#report)
      : undefined;
    if (finding?.kind === 'refused') return reapTracee(threadId);
    // One that is being killed obeys no more; it stays ours until its end is told.
    return ptrace('PTRACE_DETACH', threadId) === 0;
  }
}
