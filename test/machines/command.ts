/**
 * Commands that the harness runs on this machine, and the folder that it keeps things in.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What is kept between runs, kernels and the root of guests: TRAMPFD_MACHINES_CACHE, else a folder in the user's cache. */
export const cache: string = process.env['TRAMPFD_MACHINES_CACHE'] ?? join(homedir(), '.cache', 'trampfd-machines');

/** A folder below the cache, made where it is not there. */
export function cacheFolder(...names: readonly string[]): string {
  const path = join(cache, ...names);
  mkdirSync(path, { recursive: true });
  return path;
}

/** What a command is run with. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/**
 * Runs a command to its end, and gives what it wrote to standard output.
 *
 * @throws Error where it fails, with what it wrote
 */
export function command(words: readonly string[], options: CommandOptions = {}): Buffer {
  const [program = '', ...rest] = words;
  const done = spawnSync(program, rest, { ...options, maxBuffer: 2 ** 30 });
  if (done.error !== undefined) throw new Error(`${program}: ${done.error.message}`);
  if (done.status !== 0) {
    const said = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-15).join('\n');
    throw new Error(`'${words.join(' ')}' ended with ${done.signal ?? `status ${done.status}`}:\n${said}`);
  }
  return done.stdout;
}

/** How often something is fetched, and the pause before it is tried again, in milliseconds. */
const [TIMES, PAUSE] = [3, 10_000];

/**
 * Does what depends on a server, again where it fails.
 *
 * @throws the last Error
 */
export function fetching<T>(what: string, work: () => T): T {
  for (let times = 1; ; times++) {
    try {
      return work();
    } catch (error) {
      if (times === TIMES) throw error;
      console.error(`machines: ${what} could not be fetched, and is fetched again: ${(error as Error).message}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}
