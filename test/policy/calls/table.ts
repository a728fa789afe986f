/**
 * The table of docs/system-calls.md: every system call of both entries, what the rules of `wx` and `strict` say of it, and why
 * it gives no execution.
 *
 * @module
 */
import type { Entry } from '../../../src/abi/syscalls.js';
import { callClasses, everyCall } from '../../../src/policy/calls_allowed.js';
import { policyOf } from '../../../src/policy/kinds.js';
import type { RuleSet } from '../../../src/policy/rule.js';
import { policyRules } from '../../../src/policy/wx.js';
import { notifiedCalls } from '../../../src/supervisor/notified_calls.js';

export const entries: readonly Entry[] = ['x86-64', 'i386'];

/** The rules of a policy about calls, without those that serve trampoline tables. */
export function rulesAbout(level: 'wx' | 'strict'): RuleSet {
  const policy = policyOf(level);
  return policyRules(policy, notifiedCalls.oldMmap.rules({ from: 0, below: 0 }));
}

/**
 * What a rule set says of a call: an error's name where it is refused whatever its arguments are, `supervisor` where that
 * one is asked, `arguments` where its registers decide, and a dash where nothing is said.
 */
export function saidOf(set: RuleSet, entry: Entry, call: string): string {
  const rules = set.rules.filter((rule) => rule.entry === entry && rule.call === call);
  const [first] = rules;
  if (first === undefined) return '–';
  if (first.when.length > 0) return 'arguments';
  return first.verdict.kind === 'errno' ? first.verdict.errno : 'supervisor';
}

function cell(set: RuleSet, call: string): string {
  const said = entries.flatMap((entry) => (everyCall[entry][call] === undefined ? [] : [saidOf(set, entry, call)]));
  return [...new Set(said)].join(' / ');
}

/** The table, a part for each class. */
export function writeTable(): string {
  const [wx, strict] = [rulesAbout('wx'), rulesAbout('strict')];
  const parts = callClasses.map(({ why, calls }) => {
    const rows = calls.map((call) => {
      const numbers = entries.map((entry) => everyCall[entry][call] ?? '');
      return `| \`${call}\` | ${numbers.join(' | ')} | ${cell(wx, call)} | ${cell(strict, call)} |`;
    });
    const head = '| call | x86-64 | i386 | `wx` | `strict` |\n| --- | --: | --: | --- | --- |';
    return `**${why[0]?.toUpperCase()}${why.slice(1)}.**\n\n${head}\n${rows.join('\n')}`;
  });
  return parts.join('\n\n');
}

const [START, END] = ['<!-- calls: written by write.js -->', '<!-- end of calls -->'];

/** A page with the table in its place. */
export function withTable(page: string): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`system-calls.md: no ${START} or ${END}`);
  return `${before}${START}\n\n${writeTable()}\n\n${END}${after}`;
}
