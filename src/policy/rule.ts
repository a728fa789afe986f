/**
 * Rules about system calls, as data: what a seccomp filter decides by numbers alone.
 *
 * A rule names one call of one entry, conditions on its argument registers that must all hold, and a verdict. Rules of a
 * call are tried in order; the first that matches decides; a call without a matching rule is allowed. `compile.ts` makes
 * the filter of them, `evaluate.ts` says the same in JavaScript, and tests hold the two together.
 *
 * @module
 */
import type { ErrnoName } from '../abi/errno.js';
import type { Entry, SyscallName } from '../abi/syscalls.js';

/** Which of the six argument registers. */
export type ArgumentIndex = 0 | 1 | 2 | 3 | 4 | 5;

/**
 * A condition on one argument. Those whose names end in `-64` see all 64 bits; the others see the lower 32 bits only, as
 * the kernel does where the parameter is an int or where the bits in question lie there.
 */
export type Condition =
  | { readonly argument: ArgumentIndex; readonly is: 'any-bit'; readonly mask: number }
  | { readonly argument: ArgumentIndex; readonly is: 'no-bit'; readonly mask: number }
  | { readonly argument: ArgumentIndex; readonly is: 'equal'; readonly value: number }
  | { readonly argument: ArgumentIndex; readonly is: 'not-equal'; readonly value: number }
  | { readonly argument: ArgumentIndex; readonly is: 'masked-equal'; readonly mask: number; readonly value: number }
  | { readonly argument: ArgumentIndex; readonly is: 'one-of'; readonly values: readonly number[] }
  | { readonly argument: ArgumentIndex; readonly is: 'none-of'; readonly values: readonly number[] }
  | { readonly argument: ArgumentIndex; readonly is: 'within'; readonly from: number; readonly below: number }
  | { readonly argument: ArgumentIndex; readonly is: 'equal-64'; readonly value: bigint }
  | { readonly argument: ArgumentIndex; readonly is: 'above-64'; readonly value: bigint }
  | { readonly argument: ArgumentIndex; readonly is: 'at-most-64'; readonly value: bigint };

/** What becomes of a call. */
export type Verdict =
  | { readonly kind: 'allow' }
  | { readonly kind: 'errno'; readonly errno: ErrnoName }
  | { readonly kind: 'notify' };

/** One rule. */
export interface Rule {
  readonly entry: Entry;
  readonly call: SyscallName;
  readonly when: readonly Condition[];
  readonly verdict: Verdict;
}

/** All that a filter is compiled from. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  /** For calls that enter in a way that is neither x86-64 nor i386. */
  readonly otherEntry: Verdict;
  /** For x32 numbers: bit 30 set, but for -1, which is how a tracer skips a call. */
  readonly x32: Verdict;
  /** For numbers that no call of the entry had when the rules were written, where they are not allowed. */
  readonly unknown?: Verdict;
}

/** The verdicts, to be named rather than spelled. */
export const allow: Verdict = { kind: 'allow' };
export const notify: Verdict = { kind: 'notify' };

/** The verdict that the call fails with an error number. */
export function failWith(errno: ErrnoName): Verdict {
  return { kind: 'errno', errno };
}
