/**
 * Signals that reach the supervisor in the program's stead, and stops that it must share.
 *
 * The program is in the supervisor's process group, as it must be for pipelines and job control. So what a terminal
 * sends, it sends to both, and passing it on would deliver it twice; what somebody sends to the supervisor's process id
 * alone is passed on. Node.js does not tell who sent a signal; whether this group is the terminal's foreground group
 * tells it as well for the signals that a terminal sends.
 *
 * @module
 */
import { closeSync, constants, openSync } from 'node:fs';
import { childrenOf } from '../linux/proc.js';
import { bringToForeground, exitNow, isForeground } from '../linux/process.js';
import { blockSignal, kill, SIG_DFL, SIG_IGN, setDisposition, signalNumbers } from '../linux/signal.js';

/** Signals that a terminal sends to its foreground group. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH']);

/** Signals that end or stop a process unless it cares: a supervisor must not end before its program. */
const PASSED_ON: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGTSTP',
  'SIGCONT',
  'SIGWINCH',
  'SIGURG',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGXCPU',
  'SIGXFSZ',
];

/** Signals by which a person ends a process, which is not to wait then for anything. */
const ENDING: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/** Signals that the kernel sends to a whole background group that uses its terminal: the program has its own. */
const SWALLOWED: readonly NodeJS.Signals[] = ['SIGTTIN', 'SIGTTOU'];

/** The real-time signals that the C library leaves to programs. Node.js handles none of them, and would die of each. */
const REAL_TIME = { first: 34, last: 64 };

/** Does something with our terminal; undefined where there is none. */
function withTerminal<T>(use: (terminal: number) => T): T | undefined {
  let terminal: number;
  try {
    // Of a line without a carrier the opening would wait for one.
    terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  try {
    return use(terminal);
  } finally {
    closeSync(terminal);
  }
}

/** Whether a process is in the foreground group of our terminal; 0, the default, is this process. */
function inForeground(processId = 0): boolean {
  return withTerminal((terminal) => isForeground(terminal, processId)) === true;
}

/** How long a program may take to be executed when a signal has come that ends it, in milliseconds. */
const PATIENCE = 700;

/** Passes this process's signals on to the program, from before its start until its end. */
export class PassedSignals {
  #begun = false;
  /** Signals that were ignored from the start: this process is never ended by one. */
  readonly #ignored: ReadonlySet<NodeJS.Signals>;
  /** Signals that are never handled here. */
  readonly #own: ReadonlySet<NodeJS.Signals>;
  #processId: number | undefined;
  #ended = false;
  /** What came before there was a program. */
  readonly #early: number[] = [];
  /**
   * A stop that this process shares with the program: there is none, the program is still in it as far as we know, or
   * the program was seen to be continued.
   */
  #stop: 'none' | 'shared' | 'over' = 'none';
  /** Whether the program's group was in the foreground when it was stopped; it may be another than ours. */
  #hadTerminal = false;
  #look: () => void = () => undefined;

  /**
   * Begins to keep signals for the program.
   *
   * @param ignored - signals that were ignored from the start (bit N - 1 for signal N): the program is started with them
   * ignored, and gets them all the same, for it may handle them later
   * @param own - signals that are not for the program, in the same form
   */
  constructor(ignored: bigint, own: bigint) {
    const namesIn = (set: bigint): ReadonlySet<NodeJS.Signals> =>
      new Set(
        [...PASSED_ON, ...SWALLOWED].filter((name) => ((set >> BigInt((signalNumbers[name] ?? 64) - 1)) & 1n) === 1n),
      );
    this.#ignored = namesIn(ignored);
    this.#own = namesIn(own);
    // A file that may not be as large is an error like any other.
    setDisposition(signalNumbers['SIGXFSZ'] ?? 25, SIG_IGN);
    this.#handle(PASSED_ON.filter((name) => !ENDING.includes(name) && !this.#ignored.has(name)));
    for (const name of SWALLOWED) if (!this.#ignored.has(name)) process.on(name, () => undefined);
    // A sentence of ours must not stop the job, nor be begun again for ever, where a terminal lets no background group write.
    blockSignal('SIGTTOU');
    for (let number = REAL_TIME.first; number <= REAL_TIME.last; number++) setDisposition(number, SIG_IGN);
    // The first process of a pid namespace is not ended by a signal that it does not handle (pid_namespaces(7)).
    if (process.pid === 1) this.begin();
  }

  /**
   * Keeps the signals that end a process for the program as well. Until then they do to this one what they do: a start that
   * takes long, or waits for somebody, is ended by them.
   */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#handle(ENDING.filter((name) => !this.#ignored.has(name)));
  }

  #handle(names: Iterable<NodeJS.Signals>): void {
    for (const name of names) {
      if (this.#own.has(name)) continue;
      process.on(name, (_name: NodeJS.Signals, number: number) => {
        this.#pass(name, number);
      });
    }
  }

  /**
   * Names the program; it gets what came so far.
   *
   * @param look - looks for changes of the program, and tells of stops and continuations here
   */
  direct(processId: number, look: () => void): void {
    this.#processId = processId;
    this.#look = look;
    // It has its own dispositions by now, which it got from this process.
    this.#handle(PASSED_ON.filter((name) => this.#ignored.has(name)));
    for (const number of this.#early.splice(0)) kill(processId, number);
  }

  #pass(name: NodeJS.Signals, number: number): void {
    // A program that has ended takes a signal and does nothing with it, until its end is seen here.
    if (!this.#ended) this.#look();
    if (this.#ended) {
      if (this.#ignored.has(name)) return;
      setDisposition(number, SIG_DFL);
      kill(process.pid, number);
      return;
    }
    if (FROM_TERMINAL.has(name) && inForeground()) return;
    if (this.#processId === undefined) {
      this.#early.push(number);
      if (ENDING.includes(name)) setTimeout(() => this.#giveUp(number), PATIENCE);
      return;
    }
    if (name === 'SIGCONT') {
      if (this.#isContinuedAlready()) return;
      this.#giveTerminalBack(this.#processId);
    }
    kill(this.#processId, number);
  }

  /** Ends a start that goes on without end, as one does whose program lies in a file system that does not answer. */
  #giveUp(number: number): void {
    if (this.#processId !== undefined) return;
    for (const child of childrenOf(process.pid)) kill(child, signalNumbers['SIGKILL'] ?? 9);
    setDisposition(number, SIG_DFL);
    kill(process.pid, number);
    exitNow(128 + number);
  }

  /** Whether a SIGCONT that came to us after a shared stop has reached the program too, as one for the group does. */
  #isContinuedAlready(): boolean {
    // The program may have a group of its own, as an interactive shell has; or somebody continues us alone.
    this.#look();
    const over = this.#stop === 'over';
    this.#stop = 'none';
    return over;
  }

  /** Gives a program with a group of its own the foreground that a shell has given us, where it had it before. */
  #giveTerminalBack(processId: number): void {
    if (!this.#hadTerminal) return;
    this.#hadTerminal = false;
    withTerminal((terminal) => {
      if (isForeground(terminal)) bringToForeground(terminal, processId);
    });
  }

  /** Leaves the signals that end a process to what they do, where this one waits for somebody else after its program's end. */
  stepAside(): void {
    for (const name of ENDING) {
      if (process.listenerCount(name) === 0) continue;
      setDisposition(signalNumbers[name] ?? 0, this.#ignored.has(name) ? SIG_IGN : SIG_DFL);
    }
  }

  /** Tells that the program was continued. */
  continued(): void {
    if (this.#stop === 'shared') this.#stop = 'over';
  }

  /** Ends it: the program is gone, and its process id may be another's soon. Signals then do to us what they do. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Stops this process after the program was stopped, so that the shell that waits for it sees a stopped job. SIGCONT to
   * the group, as `fg` and `bg` send it, continues both.
   *
   * @param isStillStopped - whether the program is still stopped
   * @param signalsStay - whether no signal of the program's leaves the run
   */
  stopLike(processId: number, signal: number, isStillStopped: () => boolean, signalsStay: boolean): void {
    const { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } = signalNumbers;
    const byTerminal = signal === SIGTSTP || signal === SIGTTIN || signal === SIGTTOU;
    // Away from a terminal, a SIGSTOP for the program alone is followed by a SIGCONT for it alone, and would leave us
    // stopped. At one, a shell waits to see the job stopped; the program may be another shell, in a group of its own.
    this.#hadTerminal = inForeground(processId);
    if ((!byTerminal && !this.#hadTerminal && !inForeground()) || SIGSTOP === undefined) return;
    // It may be continued already: who sent that to us with a stop of ours before it would not send it again.
    if (!isStillStopped()) return;
    this.#stop = 'shared';
    // A program suspends itself with its whole job, whose other processes its signal has not reached: the shell would wait
    // for them to stop. Those that have stopped already forget this one when they are continued.
    if (signalsStay && signal === SIGTSTP && inForeground()) kill(0, signal);
    kill(process.pid, SIGSTOP);
  }
}
