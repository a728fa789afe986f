/**
 * Programs of test/programs/emulation, run alone and under each policy.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, Running, SharedFolder, trampfd } from '../../cli/command.js';
import { type CompileOptions, compileProgram } from '../../programs/compile.js';

/** The kinds of programs that there are here. */
export type Width = 'x86-64' | 'i386';
export const widths: readonly Width[] = ['x86-64', 'i386'];

export type Policy = 'wx' | 'strict';
export const policies: readonly Policy[] = ['wx', 'strict'];

/** Compiler's flags for each width. */
const FLAGS: Readonly<Record<Width, readonly string[]>> = {
  'x86-64': ['-m64', '-std=gnu11', '-pthread'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
};

/** The longest that a program here may take, in milliseconds. */
const PATIENCE = 120_000;

/** A C program of test/programs/emulation, compiled. */
export function emulated(name: string, width: Width, flags: readonly string[] = []): string {
  const options: CompileOptions = { flags: [...FLAGS[width], ...flags] };
  return compileProgram(`emulation/${name}.c`, options);
}

/** The program whose threads keep themselves from making the calls that they are made to make, compiled. */
export function prevented(): string {
  const flags = ['-std=gnu11', '-pthread', '-static', '-no-pie', '-mno-red-zone'];
  return compileProgram('emulation/prevented.c', { flags });
}

/** The words that run something under a policy; `strict` is told of the files that may be executed. */
export function under(policy: Policy, files: readonly string[], options: readonly string[] = []): readonly string[] {
  const told = policy === 'strict' ? files.flatMap((file) => ['--exec', file]) : [];
  return [trampfd, 'run', '--policy', policy, ...told, ...options, '--'];
}

/** Runs words to their end, with nothing to read. */
export async function runToEnd(words: readonly string[]): Promise<Ended> {
  await using running = new Running(words, { patience: PATIENCE });
  running.child.stdin?.end();
  const { status, signal } = await running.ended;
  return { status, signal, output: running.output, errors: running.errors };
}

/** Requires that words do under each policy what they do alone, and that this ends in a way. */
export async function alike(
  policy: Policy,
  words: readonly string[],
  end: { readonly status: number | null; readonly signal?: NodeJS.Signals },
  files: readonly string[] = words.slice(0, 1),
  options: readonly string[] = [],
): Promise<void> {
  const alone = await runToEnd(words);
  assert.deepEqual(
    { status: alone.status, signal: alone.signal },
    { status: end.status, signal: end.signal ?? null },
    `alone: ${alone.output}${alone.errors}`,
  );
  assert.deepEqual(await runToEnd([...under(policy, files, options), ...words]), alone);
}

/** One line of a log. */
export interface LoggedEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** Runs words under a policy with a log; how they ended, and the log's events. */
export async function logged(
  policy: Policy,
  words: readonly string[],
  options: readonly string[] = [],
): Promise<Ended & { readonly events: readonly LoggedEvent[] }> {
  using folder = new SharedFolder();
  const log = join(folder.path, 'log');
  const ended = await runToEnd([...under(policy, words.slice(0, 1), [...options, '--log', log]), ...words]);
  const events = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoggedEvent);
  return { ...ended, events };
}
