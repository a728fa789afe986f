/**
 * How the object says no.
 *
 * @module
 */

/** Why something was not done; `reason` is a sentence that names the input, the rule and the remedy. */
export interface Refusal {
  readonly errno: 'EINVAL' | 'EEXIST' | 'EOPNOTSUPP';
  readonly reason: string;
}

/** A refusal with EINVAL. */
export function invalid(reason: string): Refusal {
  return { errno: 'EINVAL', reason };
}

/** A refusal with EEXIST: what was asked for, or what it would have had to come before, is set already. */
export function exists(reason: string): Refusal {
  return { errno: 'EEXIST', reason };
}
