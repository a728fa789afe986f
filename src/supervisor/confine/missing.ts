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

/** A remedy that root does not need to be told. */
export function unlessRoot(remedy: string): string {
  return process.geteuid?.() === 0 ? '' : `; or ${remedy}`;
}

/** Gathers what is missing while a process is arranged. */
export class Requirements {
  readonly missing: Missing[];

  /** @param missing - what is known to be missing already */
  constructor(missing: readonly Missing[] = []) {
    this.missing = [...missing];
  }

  /** Notes what is missing where a system call has failed; gives whether it has succeeded. */
  need(result: number | bigint, missing: Missing): boolean {
    if (result >= 0) return true;
    this.missing.push({ ...missing, what: `${missing.what} (${errnoName(-Number(result))})` });
    return false;
  }
}

/** The sentence about what is missing, for the policy that cannot be had. */
function sentence(what: string, missing: readonly Missing[]): string {
  const lines = missing.map(({ what, remedy }) => `\n  ${what}: ${remedy}`);
  return (
    `${what} here, so nothing was started; what is missing:${lines.join('')}\n` +
    '  or start with what there is: --best-effort'
  );
}

/** The error of a run that cannot be confined as it should be. */
export function cannotConfine(missing: readonly Missing[]): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_STRICT', sentence('strict cannot be enforced', missing));
}

/** The error of a run of any policy that cannot be supervised. */
export function cannotStart(policy: string, missing: readonly Missing[]): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_MEANS', sentence(`the policy ${policy} cannot be had in full`, missing));
}

/** What helps where the kernel has Landlock, and no domain can be entered. */
export const DOMAIN_REMEDY =
  'a sandbox around this process forbids it, or it is in 16 domains already, as many as there may be; start outside of that';
