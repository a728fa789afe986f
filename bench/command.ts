/**
 * The commands that are measured: programs of bench/programs, alone or under a supervisor or tracer.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileProgram, root } from '../test/programs/compile.js';
import type { Contender } from './measure.js';

/** The command as people install it. */
export const TRAMPFD: string = join(root, 'bin', 'trampfd');

/**
 * What a command prints.
 *
 * @throws Error when it cannot be started or does not exit with 0, with what it said
 */
export function output(command: readonly string[]): string {
  const [file = '', ...args] = command;
  const done = spawnSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.status === 0) return done.stdout;
  const how = done.error?.message ?? `exit status ${done.status}, signal ${done.signal}`;
  throw new Error(`${command.join(' ')}: ${how}\n${done.stderr ?? ''}`);
}

/** The seconds from a command's start to its end; its output is thrown away. */
export function wallTime(command: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const [file = '', ...args] = command;
  const start = process.hrtime.bigint();
  const done = spawnSync(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const end = process.hrtime.bigint();
  if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.error?.message ?? `status ${done.status}`}`);
  return Number(end - start) / 1e9;
}

/** The binary of a program of bench/programs. */
export function program(name: string, flags: readonly string[] = []): string {
  return compileProgram(`../../bench/programs/${name}.c`, { flags: ['-O2', ...flags] });
}

/** The command before a supervised one, with further options of `trampfd run`. */
export function supervised(policy: 'off' | 'wx' | 'strict', ...options: readonly string[]): string[] {
  return [TRAMPFD, 'run', '--policy', policy, ...options, '--'];
}

/** The command before a traced one: only the named calls stop, as seccomp decides, and the trace is thrown away. */
export function traced(calls: string): string[] {
  return ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', `trace=${calls}`];
}

/** Lines of `NAME FIGURE`. */
export function namedFigures(text: string): [name: string, figure: number][] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [name = '', figure = ''] = line.split(' ');
      return [name, Number(figure)];
    });
}

/** A command that prints one line `NAME FIGURE`, measured as a series of a name of its own. */
export function measured(series: string, command: readonly string[]): Contender {
  return { measure: () => new Map(namedFigures(output(command)).map(([, figure]) => [series, figure])) };
}
