/**
 * What a filter answers to a call, in JavaScript: the reference that a compiled filter is held against, and how a report
 * knows which rule a call matched.
 *
 * @module
 */
import { X32_SYSCALL_BIT } from '../abi/seccomp.js';
import { type Entry, FIRST_UNKNOWN_SYSCALL, syscallNumber, unusedNumbers } from '../abi/syscalls.js';
import { allow, type Condition, type Rule, type RuleSet, type Verdict } from './rule.js';

/** A call as a filter sees it. */
export interface Call {
  /** How it entered; undefined for a way that is neither of both. */
  readonly entry: Entry | undefined;
  /** Its number, as an unsigned 32-bit value. */
  readonly number: number;
  /** The argument registers, unsigned. */
  readonly arguments: readonly bigint[];
}

/** Whether one condition holds. */
export function holds(condition: Condition, values: readonly bigint[]): boolean {
  const whole = values[condition.argument] ?? 0n;
  const low = Number(BigInt.asUintN(32, whole));
  switch (condition.is) {
    case 'any-bit':
      return (low & condition.mask) !== 0;
    case 'no-bit':
      return (low & condition.mask) === 0;
    case 'equal':
      return low === condition.value;
    case 'not-equal':
      return low !== condition.value;
    case 'masked-equal':
      return (low & condition.mask) >>> 0 === condition.value;
    case 'one-of':
      return condition.values.includes(low);
    case 'none-of':
      return !condition.values.includes(low);
    case 'within':
      return low >= condition.from && low < condition.below;
    case 'equal-64':
      return whole === condition.value;
    case 'above-64':
      return whole > condition.value;
    case 'at-most-64':
      return whole <= condition.value;
  }
}

/** The first rule that a call matches. */
export function firstMatch(rules: readonly Rule[], call: Call): Rule | undefined {
  return rules.find(
    (rule) =>
      rule.entry === call.entry &&
      syscallNumber(rule.entry, rule.call) === call.number &&
      rule.when.every((condition) => holds(condition, call.arguments)),
  );
}

/** Whether no call of an entry has a number; -1 is how a tracer skips a call. */
function isUnknown(entry: Entry, number: number): boolean {
  if (number >= FIRST_UNKNOWN_SYSCALL) return number !== 0xffffffff;
  return unusedNumbers[entry].some(({ from, to }) => from <= number && number <= to);
}

/** What becomes of a call under a rule set. */
export function evaluate(set: RuleSet, call: Call): Verdict {
  if (call.entry === undefined) return set.otherEntry;
  if (call.entry === 'x86-64' && call.number >= X32_SYSCALL_BIT) return call.number === 0xffffffff ? allow : set.x32;
  if (set.unknown !== undefined && isUnknown(call.entry, call.number)) return set.unknown;
  return firstMatch(set.rules, call)?.verdict ?? allow;
}
