/**
 * The log of a confined run, which its programs may not empty and not forge.
 *
 * @module
 */
import { fstatSync, readlinkSync, statSync } from 'node:fs';
import { asBytes } from './trees.js';

/** What tells one file from all others. */
function identityOf(descriptor: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/**
 * The path of a log that is a regular file, for a mount that nobody writes through. A log that is the program's output as
 * well stays as it is: who redirects both to one file wants the program to write there.
 *
 * @param log - our descriptor of it, where there is one
 * @param inherited - descriptors of the program
 * @returns one path, a character for each byte; none where there is nothing to guard
 */
export function guardedLog(log: number | undefined, inherited: readonly number[]): readonly string[] {
  if (log === undefined || !fstatSync(log).isFile()) return [];
  const identity = identityOf(log);
  if (inherited.some((descriptor) => identityOf(descriptor) === identity)) return [];
  const path = readlinkSync(`/proc/self/fd/${log}`, 'latin1');
  const there = statSync(asBytes(path), { bigint: true, throwIfNoEntry: false });
  return there !== undefined && `${there.dev}:${there.ino}` === identity ? [path] : [];
}
