/**
 * Where calls of the supervisor are made to fail: a copy of the command with its names kept, the program of the run, and
 * one run with a fault or none.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { asOrdinaryUser, copyCommand } from '../cli/command.js';
import { compileProgram, root } from '../programs/compile.js';
import type { Fault, Plan } from './points.js';

/** A run that calls are made to fail in. */
export interface Setting {
  readonly options: readonly string[];
  readonly user: 'root' | 'ordinary';
  /** Lines of the program's output that must not be, whatever fails. */
  readonly forbidden: RegExp;
}

const NO_LINE = /^$(?=.)/m;
/** What no call gives under `wx`; other ways are open there. */
const UNDER_WX = /^(memory|child's memory|memory behind|mmap|mprotect|table): (RWX|EXEC)$/m;
const ANY = /: (RWX|EXEC)$|^child's memory: .*\nwritten program: ended$/m;

export const SETTINGS: readonly Setting[] = [
  { options: ['--policy', 'off'], user: 'root', forbidden: NO_LINE },
  { options: ['--policy', 'log'], user: 'root', forbidden: NO_LINE },
  { options: ['--policy', 'wx'], user: 'root', forbidden: UNDER_WX },
  { options: ['--policy', 'wx'], user: 'ordinary', forbidden: UNDER_WX },
  { options: ['--policy', 'wx', '--every-program'], user: 'root', forbidden: UNDER_WX },
  { options: ['--policy', 'wx', '--allow', 'execheap'], user: 'root', forbidden: /^(mmap|mprotect|table): EXEC$/m },
  { options: ['--policy', 'strict'], user: 'root', forbidden: ANY },
  { options: ['--policy', 'strict'], user: 'ordinary', forbidden: ANY },
];

/** How a run is named. */
export function settingName({ options, user }: Setting): string {
  return `${options.slice(1).join(' ')}, ${user}`;
}

/** What became of a run. */
export interface Outcome {
  readonly output: string;
  readonly errors: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly isOver: boolean;
}

/** See the module. It is removed at the end. */
export class Stage implements Disposable {
  readonly folder: string;
  readonly #command: string;
  readonly #program: string;
  #runs = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.#command = copyCommand(folder);
    this.#program = join(folder, 'ways');
    copyFileSync(compileProgram('faults/ways.c', { flags: ['-z', 'execstack', '-lffi'] }), this.#program);
    chmodSync(this.#program, 0o755);
  }

  static async create(): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'trampfd-faults-'));
    chmodSync(folder, 0o755);
    const stage = new Stage(folder);
    await build({
      absWorkingDir: root,
      entryPoints: {
        trampfd: 'src/cli/trampfd.ts',
        receive: 'src/supervisor/receive.ts',
        trace: 'src/supervisor/emulation/trace.ts',
      },
      outdir: join(folder, 'dist', 'bin'),
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external: ['koffi'],
      define: { 'import.meta.url': 'moduleUrl' },
      banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
      logLevel: 'warning',
    });
    await build({
      absWorkingDir: root,
      entryPoints: ['test/faults/inject.ts'],
      outfile: join(folder, 'faults', 'inject.cjs'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      logLevel: 'warning',
    });
    return stage;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The points that a run comes to, each once for each of its first two calls. */
  async points(setting: Setting): Promise<readonly string[]> {
    const record = join(this.folder, `record-${this.#runs}`);
    writeFileSync(record, '');
    chmodSync(record, 0o666);
    const { status, errors } = await this.run(setting, undefined, 60_000, record);
    if (status !== 0) throw new Error(`the run without a fault has failed: ${errors}`);
    return readFileSync(record, 'utf8').trimEnd().split('\n');
  }

  /** One run, and what became of it; it is ended after so many milliseconds. */
  run(setting: Setting, fault: Fault | undefined, patience: number, record?: string): Promise<Outcome> {
    const number = this.#runs++;
    const place = join(this.folder, `run-${number}`);
    mkdirSync(place);
    const plan: Plan = {
      main: join(this.folder, 'dist', 'bin', 'trampfd.cjs'),
      ...(record === undefined ? {} : { record }),
      ...(fault === undefined ? {} : { fault }),
    };
    writeFileSync(join(place, 'plan.json'), JSON.stringify(plan));
    const [node, inject] = [join(this.folder, 'node', 'node'), join(this.folder, 'faults', 'inject.cjs')];
    const script = `#!/bin/sh\nTRAMPFD_FAULTS='${place}/plan.json' exec '${node}' --require '${inject}' "$@"\n`;
    writeFileSync(join(place, 'node'), script, { mode: 0o755 });
    const words = [this.#command, 'run', ...setting.options, '--', this.#program];
    const [file = '', ...rest] = setting.user === 'ordinary' ? [...asOrdinaryUser, ...words] : words;
    const env = { PATH: `${place}:${process.env['PATH']}`, HOME: this.folder };
    const child = spawn(file, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      errors += text;
    });
    return new Promise((resolve, reject) => {
      let isOver = true;
      const timer = setTimeout(() => {
        isOver = false;
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      }, patience);
      child.on('error', reject);
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        rmSync(place, { recursive: true, force: true });
        resolve({ output, errors, status, signal, isOver });
      });
    });
  }
}
