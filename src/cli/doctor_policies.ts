/**
 * What `trampfd doctor` finds about the policies: each is tried by a run of true(1), so that doctor and run cannot differ.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Finding } from './finding.js';

/** How long a trial may take, in milliseconds. The first start of strict looks for all executable files of the system. */
const PATIENCE = 180_000;

/** The command itself, as it stands beside the file that this process was started with. */
function commandPath(): string {
  return join(dirname(process.argv[1] ?? ''), '..', '..', 'bin', 'trampfd');
}

/** Names and values of an environment that was noted as bytes. */
function asVariables(environment: readonly Uint8Array[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    environment.map((entry) => {
      const text = Buffer.from(entry).toString();
      const end = text.indexOf('=', 1);
      return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
    }),
  );
}

/** What a run said on standard error, in one line and without our name in front. */
function sentenceOf(errors: string): string {
  const [first = '', ...others] = errors
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^trampfd: /, '').trim());
  const rest = others.join('; ');
  return rest === '' ? first : `${first}${first.endsWith(':') ? ' ' : '; '}${rest}`;
}

function trial(level: 'wx' | 'strict', works: string, environment: NodeJS.ProcessEnv): Finding {
  const words = ['run', '--policy', level, '--', 'true'];
  const { status, stderr, error } = spawnSync(commandPath(), words, {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  });
  const name = `policy ${level}`;
  const said = sentenceOf(stderr ?? '');
  if (error !== undefined) {
    return { name, answer: 'no', meaning: `a run of true(1) did not end: ${error.message}` };
  }
  if (status !== 0) return { name, answer: 'no', meaning: said === '' ? `true(1) ended with ${status}` : said };
  return { name, answer: 'yes', meaning: said === '' ? works : `${works}; ${said}` };
}

/**
 * Runs true(1) under each policy.
 *
 * @param environment - what trampfd was started with
 */
export function policyFindings(environment: readonly Uint8Array[]): readonly Finding[] {
  const variables = asVariables(environment);
  return [
    trial('wx', 'a program was run under it', variables),
    trial('strict', 'a program was run under it: it can be enforced in full', variables),
  ];
}
