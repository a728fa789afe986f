/**
 * What a kernel's attempts amount to: put in order, and judged.
 *
 * @module
 */
import { isBreach, isKnown, nameOf } from '../policy/matrix/outcome.js';
import { columns, isStrict, type User, type UserResults } from '../policy/matrix/table.js';
import type { KernelResults } from './kernel_table.js';
import { type Attempted, type GuestResults, readResults } from './results.js';

/** Attempts of all jobs, as the table's code wants them. */
export function kernelResults({ jobs }: GuestResults): KernelResults {
  const attempts = [...jobs.values()].flatMap((job) => job.attempts);
  const of = (user: User): UserResults =>
    Object.fromEntries(
      columns.map((column) => [column, attempts.filter((each) => each.user === user && each.column === column)]),
    ) as unknown as UserResults;
  return { root: of('root'), ordinary: of('ordinary') };
}

/** Attempts that no kernel may answer so: bytes that ran under strict, and what could not be tried. One sentence each. */
export function attemptFaults(attempts: readonly Attempted[]): readonly string[] {
  return attempts.flatMap((attempt) => {
    const what = `${attempt.user}, ${attempt.column}, ${nameOf(attempt)}: ${attempt.outcome}`;
    if (isStrict(attempt.column) && isBreach(attempt.outcome)) return [`${what} (bytes ran)`];
    return isKnown(attempt.outcome) ? [] : [`${what} (it could not be tried)`];
  });
}

/** What the attempts of one row, user and level have in common. */
function groupOf({ user, column, program }: Attempted): string {
  return `${user} ${column} ${program}`;
}

/**
 * The results of a kernel's matrix that are kept, with those of another run put in the place of what they repeat.
 *
 * @param kept - as this gave it before; empty at first
 */
export function keepAttempts(kept: string, run: GuestResults): string {
  const attemptsOf = ({ jobs }: GuestResults): readonly Attempted[] =>
    [...jobs.values()].flatMap((job) => job.attempts);
  const repeated = new Set(attemptsOf(run).map(groupOf));
  const old = readResults(kept);
  // Another release's results are not this one's.
  const left = old.version === run.version ? attemptsOf(old).filter((each) => !repeated.has(groupOf(each))) : [];
  const attempts = [...left, ...attemptsOf(run)].map((attempt) => ({ job: 'matrix', attempt }));
  return [{ release: run.release, version: run.version }, ...attempts]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}
