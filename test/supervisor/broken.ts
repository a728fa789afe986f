/**
 * Runs whose supervisor was broken on purpose: a copy of the command, one of whose files was changed.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyCommand, type Ended, run, SharedFolder } from '../cli/command.js';

/** A change of one of the command's files. */
export interface Change {
  /** The main thread's file, the receiving one's, the tracing one's. */
  readonly file: 'trampfd' | 'receive' | 'trace';
  readonly change: (text: string) => string;
}

/** Runs a program by a copy of the command that was changed. */
export function runBroken(
  changes: readonly Change[],
  words: readonly string[],
  options: readonly string[] = [],
): Ended {
  using folder = new SharedFolder();
  const trampfd = copyCommand(folder.path);
  for (const { file, change } of changes) {
    const path = join(folder.path, 'dist', 'bin', 'code', `${file}.cjs`);
    const text = readFileSync(path, 'utf8');
    const changed = change(text);
    assert.ok(changed !== text, `${file} was not changed`);
    writeFileSync(path, changed);
  }
  return run([trampfd, 'run', ...options, '--', ...words]);
}
