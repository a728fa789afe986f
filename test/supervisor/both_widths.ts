/**
 * Programs that are built for both widths, and what they print.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { compileProgram } from '../programs/compile.js';

/** A program for 64 and for 32 bits. */
export function inBothWidths(source: string): Readonly<Record<'x86-64' | 'i386', string>> {
  return {
    'x86-64': compileProgram(source, { flags: ['-pthread'] }),
    i386: compileProgram(source, { flags: ['-m32', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'] }),
  };
}

/** What a command prints that succeeds, and has no errors to tell. */
export function outputOf(words: readonly string[]): string {
  const [program = '', ...rest] = words;
  const done = spawnSync(program, rest, { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
  assert.deepEqual([done.status, done.signal, done.stderr], [0, null, ''], done.stdout);
  return done.stdout;
}
