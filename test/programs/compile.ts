/**
 * Compiles the C programs of the tests, once per source, compiler and flags.
 *
 * The binary's name is a hash of all that goes into it, so that a changed program is never run from a stale binary, and
 * test files that run at the same time may ask for the same program: whoever is last renames an equal file into place.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How to compile. */
export interface CompileOptions {
  /** The compiler's command; `gcc` when absent. */
  readonly compiler?: string;
  /** Flags after the common ones (`-O1 -Wall -Wextra -Werror -I<root>/include`); libraries belong here too. */
  readonly flags?: readonly string[];
  /** The paths of further C files that the program consists of. */
  readonly sources?: readonly string[];
}

/** The project's folder: the nearest one upwards that holds package.json. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${import.meta.url}`);
    folder = parent;
  }
  return folder;
}

/** The project's folder, where the sources are (this module itself runs from dist/). */
export const root: string = projectRoot();

/** What the programs include of ours: a change of it makes every binary a new one. */
const HEADER = join(root, 'include', 'trampfd.h');

/** The files that a compilation reads: the sources, our header, and what they include in quotes, with what that includes. */
function inputs(sources: readonly string[]): string[] {
  const found = new Set([HEADER]);
  const follow = (path: string): void => {
    if (found.has(path) || !existsSync(path)) return;
    found.add(path);
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/^#include "([^"]+)"/gm)) {
      if (name !== undefined) follow(resolve(dirname(path), name));
    }
  };
  sources.forEach(follow);
  return [...found].sort();
}

/**
 * The path of a program's binary, compiled when there is none yet.
 *
 * @param program the C file, from test/programs: `'trampoline/run-x86-64.c'`
 * @throws when the compiler refuses it, with what the compiler says
 */
export function compileProgram(program: string, options: CompileOptions = {}): string {
  return compileSource(join(root, 'test', 'programs', program), options);
}

/**
 * The path of a program's binary, compiled when there is none yet.
 *
 * @param source the path of the C file
 * @throws when the compiler refuses it, with what the compiler says
 */
export function compileSource(source: string, options: CompileOptions = {}): string {
  const compiler = options.compiler ?? 'gcc';
  const command = ['-O1', '-Wall', '-Wextra', '-Werror', `-I${join(root, 'include')}`];
  const flags = options.flags ?? [];
  const hash = createHash('sha256').update(JSON.stringify([compiler, command, flags]));
  const sources = [source, ...(options.sources ?? [])];
  for (const path of inputs(sources)) hash.update(`\0${path}\0`).update(readFileSync(path));

  const folder = join(tmpdir(), `trampfd-test-programs-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const binary = join(folder, `${basename(source, extname(source))}-${hash.digest('hex').slice(0, 20)}`);
  if (existsSync(binary)) return binary;

  const unfinished = `${binary}.${process.pid}`;
  const done = spawnSync(compiler, [...command, '-o', unfinished, ...sources, ...flags], { encoding: 'utf8' });
  if (done.status !== 0) {
    rmSync(unfinished, { force: true });
    throw new Error(`${compiler} ${source}: ${done.error?.message ?? done.stderr}`);
  }
  renameSync(unfinished, binary);
  return binary;
}
