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
import { isForeground } from '../linux/process.js';
import { kill, signalNumbers } from '../linux/signal.js';

/** Signals that a terminal sends to its foreground group. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH']);

/** Signals that end or stop a process unless it cares: a supervisor must not end before its program. */
const PASSED_ON: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGTSTP',
  'SIGCONT',
  'SIGWINCH',
  'SIGURG',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
];

/** Signals that the kernel sends to a whole background group that uses its terminal: the program has its own. */
const SWALLOWED: readonly NodeJS.Signals[] = ['SIGTTIN', 'SIGTTOU'];

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

/**
 * Passes signals on to the program.
 *
 * @param ignored - signals that were ignored from the start (bit N - 1 for signal N): they stay ignored
 */
export function passSignalsOn(processId: number, ignored: bigint): void {
  const isIgnored = (name: NodeJS.Signals): boolean => {
    const number = signalNumbers[name];
    return number === undefined || ((ignored >> BigInt(number - 1)) & 1n) === 1n;
  };
  for (const name of PASSED_ON) {
    if (isIgnored(name)) continue;
    process.on(name, (_name: NodeJS.Signals, number: number) => {
      if (FROM_TERMINAL.has(name) && inForeground()) return;
      kill(processId, number);
    });
  }
  for (const name of SWALLOWED) if (!isIgnored(name)) process.on(name, () => undefined);
}

/** Ends passing on: the program is gone, and its process id may be another's soon. Signals then do to us what they do. */
export function endPassingOn(): void {
  for (const name of [...PASSED_ON, ...SWALLOWED]) process.removeAllListeners(name);
}

/**
 * Stops this process after the program was stopped, so that the shell that waits for it sees a stopped job. SIGCONT to
 * the group, as `fg` and `bg` send it, continues both.
 */
export function stopLike(signal: number): void {
  const { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } = signalNumbers;
  const byTerminal = signal === SIGTSTP || signal === SIGTTIN || signal === SIGTTOU;
  // A SIGSTOP meant for the program alone would be followed by a SIGCONT for it alone, and leave us stopped.
  if (!byTerminal && !inForeground()) return;
  if (SIGSTOP !== undefined) kill(process.pid, SIGSTOP);
}
