/**
 * Programs that judge for themselves, and print TAP.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { run } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

/** Compiler's flags for each width. */
const FLAGS = {
  'x86-64': ['-m64', '-std=gnu11', '-pthread'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
} as const;

/** A C program of test/programs/supervisor, compiled. */
export function program(name: string, width: keyof typeof FLAGS): string {
  return compileProgram(`supervisor/${name}.c`, { flags: FLAGS[width] });
}

/** Runs a program, and holds what it prints to itself: TAP, and nothing else. */
export function holdTap(words: readonly string[]): void {
  const { status, signal, output, errors } = run(words);
  const said = `status ${status}, signal ${signal}\n${output}${errors}`;
  assert.deepEqual([status, signal, errors], [0, null, ''], said);
  const lines = output.trimEnd().split('\n');
  const good = lines.filter((line) => line.startsWith('ok ')).length;
  assert.ok(good > 0 && lines.length === good + 1, said);
  assert.equal(lines.at(-1), `1..${good}`, said);
}
