/**
 * What a kernel's attempts amount to: put in order, and judged.
 *
 * @module
 */
import { isBreach, isKnown, nameOf } from '../policy/matrix/outcome.js';
import { columns, isStrict, type User, type UserResults } from '../policy/matrix/table.js';
import type { KernelResults } from './kernel_table.js';
import type { Attempted, GuestResults } from './results.js';

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
