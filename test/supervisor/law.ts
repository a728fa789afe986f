/**
 * One law: what `trampfd doctor` calls impossible does not start, with the same sentence, and what it calls possible works.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { run } from '../cli/command.js';

/** The policies that doctor answers for. */
export const LEVELS = ['wx', 'strict'] as const;
export type Level = (typeof LEVELS)[number];

/** Where the law is held. */
export interface Place {
  /** Words that start a program there; none where it is here. */
  readonly words: readonly string[];
  /** The command, for every user to start. */
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
  /** A program that makes a trampoline table, and can be started there. */
  readonly served: string;
}

/** A sentence without what tells its lines apart. */
function plain(text: string): string {
  return text
    .replace(/^trampfd: /, '')
    .replaceAll(';', '')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Holds the law for each policy.
 *
 * @returns whether each starts
 * @throws AssertionError where doctor and run differ, or --best-effort does not do what it says
 */
export function holdLaw({ words, command, env, served }: Place): Readonly<Record<Level, boolean>> {
  const start = (level: Level, options: readonly string[], program: readonly string[]): ReturnType<typeof run> =>
    run([...words, command, 'run', '--policy', level, ...options, '--', ...program], { env, cwd: '/' });
  const { output, status } = run([...words, command, 'doctor'], { env, cwd: '/' });
  const starts = LEVELS.map((level) => {
    const [, answer, said = ''] = new RegExp(`^(yes|no|\\?) +policy ${level} +(.+)$`, 'm').exec(output) ?? [];
    const echo = start(level, [], ['echo', 'started']);
    const started = echo.status === 0;
    assert.equal(answer, started ? 'yes' : 'no', `${level}: ${echo.errors}${output}`);
    assert.equal(echo.output, started ? 'started\n' : '', echo.errors);
    if (started) {
      assert.equal(echo.errors, '');
      const table = start(level, ['--exec', served], [served]);
      assert.deepEqual([table.status, table.errors], [0, ''], `${level}: a table`);
    } else {
      assert.equal(echo.status, 125, echo.errors);
      assert.equal(plain(said), plain(echo.errors));
      if (level === 'wx') assert.equal(status, 1);
    }
    const best = start(level, ['--best-effort'], ['echo', 'started']);
    assert.deepEqual([best.status, best.output], [0, 'started\n'], `${level} --best-effort: ${best.errors}`);
    assert.match(best.errors, started ? /^$/ : /^(trampfd: best effort: .+; open without it: .+\n)+$/);
    return [level, started] as const;
  });
  return Object.fromEntries(starts) as Record<Level, boolean>;
}
