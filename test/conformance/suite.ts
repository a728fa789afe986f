/**
 * Runs programs of the suite under a launcher and gathers what they say.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { patience } from '../patience.js';
import { root } from '../programs/compile.js';
import { Coverage } from './coverage.js';
import { type Build, buildProgram, entryOf, type Program } from './programs.js';
import { readTap, type Tap } from './tap.js';

/** The words that a program's name is put behind: this project's own implementation. */
export const ownLauncher: readonly string[] = [join(root, 'bin', 'trampfd'), 'run', '--'];

/** Nothing of the suite takes a minute; what hangs is a failure. In milliseconds. */
const PATIENCE = patience(180_000);

/** One run of a program. */
export interface Run extends Tap {
  /** Name, build and arguments, for people. */
  readonly title: string;
  readonly output: string;
  readonly milliseconds: number;
}

/** Runs words and reads their TAP. */
export function runTap(title: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env): Run {
  const [command = '', ...rest] = words;
  const start = performance.now();
  const done = spawnSync(command, rest, {
    encoding: 'utf8',
    env,
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  const tap = readTap(done.stdout ?? '');
  const faults = [...tap.faults];
  if (done.error !== undefined) faults.push(done.error.message);
  if (done.stderr) faults.push(`on standard error: ${done.stderr.trimEnd()}`);
  if (done.status !== 0) faults.push(`it ended with ${done.signal ?? `status ${done.status}`}`);
  return { ...tap, faults, title, output: done.stdout ?? '', milliseconds: performance.now() - start };
}

/** What was found out so far. */
export class Findings {
  readonly coverage: Coverage = new Coverage();
  readonly freedoms: Map<string, string> = new Map();

  /** Runs a program in one of its builds, once for each list of arguments; counts what it covers. */
  run(program: Program, build: Build, launcher: readonly string[]): readonly Run[] {
    return program.runs.map((words) => {
      const binary = buildProgram(program.name, build);
      const run = runTap([program.name, ...words, `(${build})`].join(' '), [
        ...launcher,
        ...(program.through ?? []),
        binary,
        ...words,
      ]);
      const entry = entryOf(build);
      if (entry !== undefined) this.coverage.add(entry, run.covered);
      for (const [name, choice] of run.freedoms) this.freedoms.set(name, choice);
      return run;
    });
  }
}
