/**
 * One process does what it can to keep the supervisor busy, and an honest one beside it gets its answers within a moment,
 * and all that it asks for.
 *
 * @module
 */
import { trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';
import { runToEnd } from '../supervisor/emulation/alike.js';
import type { Limit, Sweep } from './sweep.js';

const program = compileProgram('hostile/fair.c', { flags: ['-pthread'] });

/** What the hostile process does (test/programs/hostile/fair.c). */
const KINDS = [
  'traps',
  'requests',
  'maps',
  'promotions',
  'views',
  'large-views',
  'memory-files',
  'tables',
  'forks',
  'executions',
  'sharers',
  'filters',
  'threads',
];
const POLICIES = [
  ['--policy', 'wx'],
  ['--policy', 'strict', '--exec', program],
];

/** How long the honest process measures, and the longest that one of its calls may take, in milliseconds. */
const MEASURED = 700;
const LONGEST = 2000;

async function measure(kind: string, policy: readonly string[], limit: Limit): Promise<string | undefined> {
  const { status, signal, output, errors } = await runToEnd([
    ...[trampfd, 'run', ...policy, '--', program],
    ...[kind, `${MEASURED}`],
  ]);
  if (status !== 0) return `it ended with ${status ?? signal}: ${output}${errors}`;
  const rows = output
    .trim()
    .split('\n')
    .map((row) => row.split(' '));
  const wrong = rows.filter(([, worst, failed]) => Number(worst) > limit(LONGEST) || failed !== '0');
  return wrong.length === 0
    ? undefined
    : wrong.map(([name, worst, failed]) => `${name} ${worst} ms, ${failed} failed`).join('; ');
}

async function attempt(number: number, limit: Limit): Promise<string | undefined> {
  const kind = KINDS[number % KINDS.length] ?? '';
  // There is an odd number of kinds: each comes under each policy in turn.
  const policy = POLICIES[number % POLICIES.length] ?? [];
  // What waits for the processor of a busy machine does so once; what others keep from being served does again.
  const wrong = await measure(kind, policy, limit);
  const again = wrong === undefined ? undefined : await measure(kind, policy, limit);
  return again && `${policy.slice(0, 2).join(' ')}, ${kind}: ${again}`;
}

export const sweeps: readonly Sweep[] = [
  {
    name: 'an honest process is served beside a hostile one',
    times: 10 * KINDS.length * POLICIES.length,
    short: KINDS.length,
    attempt,
  },
];
