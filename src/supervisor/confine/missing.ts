/**
 * What a machine does not give: the means of confinement that could not be had, who can give them, and what stays open
 * without.
 *
 * @module
 */
import { errnoName } from '../../abi/errno.js';
import { TrampfdError } from '../../error.js';

/** One thing that could not be had. */
export interface Missing {
  /** What it is, and why it cannot be had. */
  readonly what: string;
  /** Who can give it, and how. */
  readonly remedy: string;
  /** What an attacker can do without it. */
  readonly open: string;
}

/** Gathers what is missing while a process is arranged. */
export class Requirements {
  readonly missing: Missing[] = [];

  /** Notes what is missing where a system call has failed; gives whether it has succeeded. */
  need(result: number | bigint, missing: Missing): boolean {
    if (result >= 0) return true;
    this.missing.push({ ...missing, what: `${missing.what} (${errnoName(-Number(result))})` });
    return false;
  }
}

/** The error of a run that cannot be confined as it should be. */
export function cannotConfine(missing: readonly Missing[]): TrampfdError {
  const lines = missing.map(({ what, remedy }) => `\n  ${what}: ${remedy}`);
  return new TrampfdError(
    'ERR_TRAMPFD_STRICT',
    `strict cannot be enforced here, so nothing was started; what is missing:${lines.join('')}\n` +
      '  or start with what there is: --best-effort',
  );
}
