/**
 * `trampfd policy show`: what a level, a changed level or a policy file allows.
 *
 * @module
 */
import { describePolicy, type PolicyDescription } from '../policy/describe.js';
import { policyOf } from '../policy/kinds.js';
import type { ProgramPolicy } from '../policy/policy_file.js';
import type { PolicyShowOptions } from './policy_arguments.js';
import { readPolicyFile } from './run_policy.js';

/** Columns of a listing. */
const WIDTH = 100;
/** Where the sentences begin. */
const INDENT = ' '.repeat(20);

/** Words in lines of at most {@link WIDTH} columns, each behind an indentation. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${INDENT}`);
}

function listing({ policy, kinds }: PolicyDescription): string {
  const rows = kinds.map(({ kind, allowed, meaning, enforcement }) => {
    const verdict = allowed ? 'allowed' : 'denied';
    const may = allowed ? 'may' : 'may not';
    return `  ${kind.padEnd(9)} ${verdict.padEnd(7)} ${wrap(`${may} ${meaning}:`)}\n${INDENT}${wrap(enforcement)}\n`;
  });
  return `${policy}\n${rows.join('')}`;
}

/** What a file says of a program. */
interface DescribedProgram extends PolicyDescription {
  readonly exec: readonly string[];
  readonly bestEffort: boolean;
}

function describeProgram({ level, changes, exec, bestEffort, emulation }: ProgramPolicy): DescribedProgram {
  return { ...describePolicy(policyOf(level, changes, emulation)), exec, bestEffort };
}

/** What each kind means is in the listing of a level; here are the sets. */
function programListing(name: string, { policy, kinds, exec, bestEffort }: DescribedProgram): string {
  const options = [...exec.map((path) => `--exec ${path}`), ...(bestEffort ? ['--best-effort'] : [])];
  const names = (wanted: boolean): string =>
    kinds.flatMap(({ kind, allowed }) => (allowed === wanted ? [kind] : [])).join(', ') || 'none';
  return `${name}: ${[policy, ...options].join(' ')}\n  allowed   ${names(true)}\n  denied    ${names(false)}\n`;
}

/**
 * The listing that `trampfd policy show` prints.
 *
 * @throws TrampfdError where the file cannot be read or understood
 */
export function showPolicy(options: PolicyShowOptions): string {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  if ('policy' in options) {
    const described = describePolicy(options.policy);
    return options.json ? json(described) : listing(described);
  }
  const { programs, byDefault } = readPolicyFile(options.file);
  const described = [...programs].map(([name, program]) => [name, describeProgram(program)] as const);
  // A program that is in no file runs under wx.
  const others = describeProgram(
    byDefault ?? { level: 'wx', changes: [], exec: [], bestEffort: false, emulation: 'asked' },
  );
  if (options.json) return json({ programs: Object.fromEntries(described), default: others });
  const listings = described.map(([name, program]) => programListing(name, program));
  return [...listings, programListing('every other program', others)].join('');
}
