/**
 * Judging mprotect(2) where a policy allows some kinds of memory and denies others. Which kind it is about no register
 * tells, and what the memory is could change after a look. So all other threads of the process are held still, the memory
 * is looked at, and the caller makes its call while they stand. No other process shares the memory then: a thread that
 * waits for a child of vfork(2) cannot be held before that is over, and nothing else is let to share (policy/sharing.ts).
 *
 * Threads that take long to stop are let go again, and the call is judged a little later; calls of others are answered
 * meanwhile. What cannot be judged within five seconds is refused.
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { addressSpaceOf } from '../linux/address_space.js';
import { isError } from '../linux/call_registers.js';
import { monotonic } from '../linux/clock.js';
import { Late } from '../linux/late_call.js';
import type { MapsLine } from '../linux/maps.js';
import { StoppingThread } from '../linux/ptrace.js';
import { hasForeignMemory } from '../linux/shared_memory.js';
import { mappingsWithOwnPages } from '../linux/smaps.js';
import { ThreadHolder } from '../linux/threads.js';
import { allows } from '../policy/kinds.js';
import { type FoundKind, kindsOfRange, protectedRange } from '../policy/memory.js';
import { type Answer, type CallContext, int32, isValid, loggedCall, refuse } from './call.js';
import type { Executions } from './executions.js';
import { messageOf, sayFailure } from './failure.js';
import { hexadecimal } from './report.js';

/** How long a call waits to be judged, and how long after a try it is tried again, at first and at most; milliseconds. */
const PATIENCE = 5000;
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 32;

/** A call that waits to be judged. */
interface Waiting {
  readonly context: CallContext;
  readonly processId: number;
  readonly until: number;
  next: number;
  pause: number;
}

/** Why a call is not judged now, or how. */
type Attempt =
  | 'later'
  /** It was carried out. */
  | 'done'
  | Answer;

function describe({ mapping, kind }: FoundKind): string {
  const { start, end, name } = mapping;
  return `${kind} (${name || 'anonymous'} at ${start.toString(16)}-${end.toString(16)})`;
}

/** Which kinds a call is about, by the memory as it is; undefined where that cannot be read. */
function foundKinds(context: CallContext, processId: number): readonly FoundKind[] | Answer {
  const [address, length, protection] = context.notification.arguments;
  const range = protectedRange(address, length);
  if (range === undefined) return [];
  if (range === 'tagged') return refuse('EACCES', 'an address with a tag is not judged; give it without');
  using space = addressSpaceOf(processId);
  if (space === undefined) return refuse('EACCES', "the caller's memory cannot be looked at");
  let own: ReadonlySet<bigint> | undefined;
  let isRead = true;
  const hasOwnPages = ({ start }: MapsLine): boolean => {
    own ??= mappingsWithOwnPages(processId);
    isRead &&= own !== undefined;
    return own?.has(start) === true;
  };
  const judged = space.within(range).map((line) => ({
    start: line.start,
    end: line.end,
    name: line.name,
    isWritable: line.permissions[1] === 'w',
    isShared: line.permissions[3] === 's',
    hasOwnPages: () => hasOwnPages(line),
  }));
  const found = kindsOfRange(judged, range, int32(protection));
  return isRead ? found : refuse('EACCES', "the caller's memory cannot be looked at");
}

/** The calls of a run that wait to be judged. All is done by one thread, which is the tracer. */
export class Judgements {
  readonly #waiting: Waiting[] = [];
  readonly #holder: ThreadHolder;
  readonly #send: (context: CallContext, answer: Answer) => void;

  /**
   * @param send - answers a call that was judged
   * @param executions - those that are looked at, by the same thread
   */
  constructor(send: (context: CallContext, answer: Answer) => void, executions: Executions | undefined) {
    this.#send = send;
    this.#holder = new ThreadHolder((processId) => executions?.isOf(processId) === true);
  }

  /** Whether there is something to look after. */
  get areUnderWay(): boolean {
    return this.#waiting.length > 0 || this.#holder.lingers;
  }

  /** Takes a call that is to be judged. */
  begin(context: CallContext): void {
    const { processId } = loggedCall(context);
    const now = monotonic();
    this.#waiting.push({ context, processId, until: now + PATIENCE, next: now, pause: FIRST_PAUSE });
    this.look();
  }

  /** Judges those whose time has come. */
  look(): void {
    this.#holder.look();
    for (const waiting of [...this.#waiting]) {
      if (monotonic() < waiting.next) continue;
      const attempt = this.#try(waiting);
      if (attempt === 'later') {
        waiting.next = monotonic() + waiting.pause;
        waiting.pause = Math.min(2 * waiting.pause, LONGEST_PAUSE);
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      if (attempt !== 'done') this.#send(waiting.context, attempt);
    }
  }

  /** Whatever goes wrong on the way, the call is refused. */
  #try(waiting: Waiting): Attempt {
    try {
      return this.#attempt(waiting);
    } catch (error) {
      if (error instanceof Late) {
        error.pending.forget();
        if (monotonic() <= waiting.until) return 'later';
      }
      const reason = `the supervisor failed: ${messageOf(error)}`;
      sayFailure(reason);
      return refuse('EACCES', reason);
    }
  }

  #attempt({ context, processId, until }: Waiting): Attempt {
    if (!isValid(context)) return 'done';
    const { supervision, notification } = context;
    const { threadId } = notification;
    const isLast = monotonic() > until;
    if (!supervision.waitsKillable) {
      return refuse(
        'EACCES',
        'the kernel does not keep a call that waits to be judged (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)',
      );
    }
    // Those that wait to be judged themselves stand as still as any.
    const still = new Set(this.#waiting.map((other) => other.context.notification.threadId));
    const unheld = this.#holder.hold(processId, still);
    if (unheld === 'busy' && !isLast) return 'later';
    if (unheld !== undefined)
      return refuse('EACCES', 'not all threads of the caller can be stopped to look at its memory');
    try {
      if (hasForeignMemory(threadId, processId)) {
        return refuse('EACCES', 'the memory is also of another process, which could change it meanwhile');
      }
      return this.#judgeHeld(context, processId);
    } finally {
      this.#holder.release();
    }
  }

  /** Judges a call whose process is held still, and has it made where it may be. */
  #judgeHeld(context: CallContext, processId: number): Attempt {
    const { supervision, notification } = context;
    const { policy, listener, log, refusedRuntimes } = supervision;
    const found = foundKinds(context, processId);
    if ('kind' in found) return found;
    if (!isValid(context)) return 'done';
    const denied = found.filter(({ kind }) => !allows(policy, kind));
    if (denied.length > 0) {
      refusedRuntimes.look(notification, context.entry);
      return refuse('EACCES', `${context.name} makes memory executable: ${denied.map(describe).join(', ')}`);
    }
    const thread = StoppingThread.seize(notification.threadId, true);
    if (thread === undefined) return refuse('EACCES', 'the caller cannot be stopped behind its call');
    const result = listener.letContinue(notification.id) ? thread.stopped() : undefined;
    // While it stands: behind it the program may end, and this process too.
    if (log.enabled && result !== undefined) {
      log.write({
        event: 'made-executable',
        ...loggedCall(context),
        arguments: hexadecimal(notification.arguments),
        memory: found.map(describe),
        errno: isError(result) ? errnoName(-Number(result)) : null,
      });
    }
    thread.release();
    return 'done';
  }
}
