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
import { closeSync, openSync } from 'node:fs';
import { isStopped } from '../linux/proc.js';
import { isForeground } from '../linux/process.js';
import { kill, SIG_IGN, setDisposition, signalNumbers } from '../linux/signal.js';

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

/** Signals that the kernel sends to a whole background group that uses its terminal: the program has its own. */
const SWALLOWED: readonly NodeJS.Signals[] = ['SIGTTIN', 'SIGTTOU'];

/** The real-time signals that the C library leaves to programs. Node.js handles none of them, and would die of each. */
const REAL_TIME = { first: 34, last: 64 };

/** Whether this process is in the foreground group of its terminal. */
function inForeground(): boolean {
  let terminal: number;
  try {
    terminal = openSync('/dev/tty', 'r');
  } catch {
    return false;
  }
  try {
    return isForeground(terminal);
  } finally {
    closeSync(terminal);
  }
}

/** Passes this process's signals on to the program, from before its start until its end. */
export class PassedSignals {
  #processId: number | undefined;
  /** What came before there was a program. */
  readonly #early: number[] = [];
  /** Whether this process has stopped itself, and was continued since: most likely with all of its group. */
  #wasStopped = false;

  /**
   * Begins to keep signals for the program.
   *
   * @param ignored - signals that were ignored from the start (bit N - 1 for signal N): they stay ignored
   */
  constructor(ignored: bigint) {
    const isIgnored = (name: NodeJS.Signals): boolean => {
      const number = signalNumbers[name];
      return number === undefined || ((ignored >> BigInt(number - 1)) & 1n) === 1n;
    };
    for (const name of PASSED_ON) {
      if (isIgnored(name)) continue;
      process.on(name, (_name: NodeJS.Signals, number: number) => {
        this.#pass(name, number);
      });
    }
    for (const name of SWALLOWED) if (!isIgnored(name)) process.on(name, () => undefined);
    for (let number = REAL_TIME.first; number <= REAL_TIME.last; number++) setDisposition(number, SIG_IGN);
  }

  /** Names the program; it gets what came so far. */
  direct(processId: number): void {
    this.#processId = processId;
    for (const number of this.#early.splice(0)) kill(processId, number);
  }

  #pass(name: NodeJS.Signals, number: number): void {
    if (FROM_TERMINAL.has(name) && inForeground()) return;
    if (this.#processId === undefined) {
      this.#early.push(number);
      return;
    }
    if (name === 'SIGCONT' && this.#wasStopped) {
      this.#wasStopped = false;
      // Continued with the group, the program is too; but it may have a group of its own, as an interactive shell has.
      if (!isStopped(this.#processId)) return;
    }
    kill(this.#processId, number);
  }

  /** Ends it: the program is gone, and its process id may be another's soon. Signals then do to us what they do. */
  end(): void {
    this.#processId = undefined;
    for (const name of [...PASSED_ON, ...SWALLOWED]) process.removeAllListeners(name);
  }

  /**
   * Stops this process after the program was stopped, so that the shell that waits for it sees a stopped job. SIGCONT to
   * the group, as `fg` and `bg` send it, continues both.
   */
  stopLike(processId: number, signal: number): void {
    const { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } = signalNumbers;
    const byTerminal = signal === SIGTSTP || signal === SIGTTIN || signal === SIGTTOU;
    // A SIGSTOP meant for the program alone would be followed by a SIGCONT for it alone, and leave us stopped.
    if ((!byTerminal && !inForeground()) || SIGSTOP === undefined) return;
    // It may be continued already: who sent that to us with a stop of ours before it would not send it again.
    if (!isStopped(processId)) return;
    this.#wasStopped = true;
    kill(process.pid, SIGSTOP);
  }
}
