/**
 * A run that something happens to, and what is left of it: its processes, by their session, and its streams.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { asOrdinaryUser, trampfd } from '../cli/command.js';
import { patience } from '../patience.js';

/** How a run is started. */
export interface RunSetting {
  readonly options: readonly string[];
  readonly user: 'root' | 'ordinary';
  readonly program: readonly string[];
}

/** The settings that this user can have, out of levels and users. */
export function settingsOf(programs: readonly (readonly string[])[]): readonly RunSetting[] {
  const users = process.getuid?.() === 0 ? (['root', 'ordinary'] as const) : (['ordinary'] as const);
  return programs.flatMap((program) =>
    users.flatMap((user) =>
      ['wx', 'strict'].map((level): RunSetting => ({ options: ['--policy', level], user, program })),
    ),
  );
}

/** How long anything may take until it is a hang, in milliseconds. */
const HANG = patience(40_000);

/** The processes of a session that have not ended, each with its state and name. */
export function processesOf(session: number): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, , , sessionId] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(sessionId) !== session || state === 'Z' || state === 'X') continue;
      found.set(Number(name), `${name} ${stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1)} ${state}`);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** See the module. */
export class AttackedRun {
  readonly child: ChildProcess;
  readonly #began = performance.now();
  #output = '';
  /** When the supervisor has ended, and when the last holder of its streams has closed them. */
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #closed: Promise<void>;

  constructor({ options, user, program }: RunSetting) {
    const words = [trampfd, 'run', ...options, '--', ...program];
    const [file = '', ...rest] = user === 'ordinary' ? [...asOrdinaryUser, ...words] : words;
    // In a session of its own, by which its processes are known.
    this.child = spawn(file, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject).once('exit', (status, signal) => resolve({ status, signal }));
    });
    this.#closed = new Promise((resolve) => {
      this.child.once('close', () => resolve());
    });
  }

  get processId(): number {
    return this.child.pid ?? 0;
  }

  /** What it has written to both of its streams. */
  get output(): string {
    return this.#output;
  }

  /** Waits until so many milliseconds after its start. */
  async at(moment: number): Promise<void> {
    const left = moment - (performance.now() - this.#began);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, left)));
  }

  /** Waits until it has written something, but not for ever. */
  async until(text: string): Promise<void> {
    for (const until = performance.now() + HANG; performance.now() < until; ) {
      if (this.#output.includes(text) || this.child.exitCode !== null || this.child.signalCode !== null) return;
      await pause();
    }
  }

  /** Sends it a signal; nothing where it has ended. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /**
   * Waits until nothing of it is left: its streams are closed, and its processes have ended. What is left is killed.
   *
   * @returns what was left, or undefined
   */
  async untilGone(): Promise<string | undefined> {
    const until = performance.now() + HANG;
    let isOpen = true;
    void this.#closed.then(() => {
      isOpen = false;
    });
    for (;;) {
      const left = processesOf(this.processId);
      if (left.size === 0 && !isOpen) return undefined;
      if (performance.now() > until) {
        for (const processId of left.keys()) {
          try {
            process.kill(processId, 'SIGKILL');
          } catch {
            // It has ended meanwhile.
          }
        }
        return `left: ${[...left.values()].join(', ') || 'nobody'}${isOpen ? '; its streams are open' : ''}; ${this.#output}`;
      }
      await pause();
    }
  }
}

/** Lets what was told meanwhile be heard: to look at all processes may take longer than a timer. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setImmediate(resolve));
}

/** What the honest process of a hostile run has to complain of, by the line that the run ends with; undefined for nothing. */
export function complaintOf(output: string, longestWait: number): string | undefined {
  const [, refused = '', longest = ''] = /^hostile \d+ honest \d+ refused (\d+) longest (\d+) ms$/m.exec(output) ?? [];
  if (refused !== '0') return `the honest process was refused ${refused} times: ${output}`;
  return Number(longest) > longestWait ? `the honest process waited ${longest} ms` : undefined;
}
