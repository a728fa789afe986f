/**
 * The command under test, and programs that run with and without it.
 *
 * @module
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patience } from '../patience.js';
import { compileProgram, root } from '../programs/compile.js';

/** The command, as a person starts it. */
export const trampfd: string = join(root, 'bin', 'trampfd');

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** What a program is run with. */
export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** The longest that any program here may take, in milliseconds: whatever hangs is a failure. */
const PATIENCE = patience(30_000);

/** Runs a program to its end. */
export function run(words: readonly string[], options: RunOptions = {}): Ended {
  const [program = '', ...rest] = words;
  const { status, signal, stdout, stderr, error } = spawnSync(program, rest, {
    ...options,
    encoding: 'latin1',
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw error;
  return { status, signal, output: stdout, errors: stderr };
}

/** Runs a program under `trampfd run` to its end. */
export function supervise(words: readonly string[], options: RunOptions = {}): Ended {
  return run([trampfd, 'run', '--', ...words], options);
}

/** A C program of test/programs/cli, compiled. */
export function program(name: string): string {
  return compileProgram(`cli/${name}.c`);
}

/** A program that runs beside the test. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  #output = '';
  #errors = '';
  #over = false;
  #wake: () => void = () => undefined;

  /**
   * Starts it in a session of its own, so that no terminal of the tests' is its terminal.
   *
   * @param options - those of spawn(), and how many milliseconds it may take
   */
  constructor(words: readonly string[], options: SpawnOptions & { readonly patience?: number } = {}) {
    const [file = '', ...rest] = words;
    const { patience: limit = PATIENCE, ...others } = options;
    this.child = spawn(file, rest, { detached: true, stdio: 'pipe', ...others });
    this.child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      this.#output += text;
      this.#wake();
    });
    this.child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.#errors += text;
    });
    this.child.stdin?.on('error', () => undefined);
    const impatience = setTimeout(() => this.#killAll(), limit);
    this.ended = new Promise((resolve) => {
      this.child.on('close', (status, signal) => {
        this.#over = true;
        clearTimeout(impatience);
        this.#wake();
        resolve({ status, signal });
      });
    });
  }

  get processId(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} was not started`);
    return this.child.pid;
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until it has written something. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      if (this.#over) throw new Error(`${pattern} never came: ${this.#output}${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.processId, name);
  }

  /** Kills it with all that it started, for what it started may hold its streams open. */
  #killAll(): void {
    if (this.#over || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#killAll();
    await this.ended;
  }
}

/** Words that run a program as an ordinary user, where the tests run as root. */
export const asOrdinaryUser: readonly string[] =
  process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

/** A folder that every user may read, removed at the end. */
export class SharedFolder implements Disposable {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'trampfd-cli-'));
    chmodSync(this.path, 0o755);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Puts a copy of the command, with all that it needs, into a folder: the checkout may be in somebody's home. */
export function copyCommand(folder: string): string {
  const parts = ['bin', 'dist/bin', 'package.json', 'node_modules/koffi', 'node_modules/@koromix'];
  for (const part of parts) {
    const source = join(root, part);
    if (existsSync(source)) cpSync(source, join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, 'node'));
  cpSync(process.execPath, join(folder, 'node', 'node'));
  accessSync(join(folder, 'bin', 'trampfd'), constants.X_OK);
  return join(folder, 'bin', 'trampfd');
}
