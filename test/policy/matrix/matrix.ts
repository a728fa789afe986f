/**
 * The whole matrix: every row under every level, for one user.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type BatchOptions, runBatch, runOrphaned, specialDescriptors } from './batch.js';
import type { Attempt, Result } from './outcome.js';
import { type MatrixRow, matrixRows, type Width } from './rows.js';
import { Stage } from './stage.js';
import { type Column, columns, isStrict, type User, type UserResults } from './table.js';

const INHERITED = 'row-44-inherited';
const INHERITED_KINDS = 'row-60-inherited-kinds';
const SAME_FILE = 'row-45-same-file';

/** Attempts for which something special has to stand around the run. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  unnamed: [`${INHERITED} unnamed`, `${INHERITED} unnamed-again`],
  memfd: [`${INHERITED} memfd`, `${INHERITED} memfd-again`],
  'removed-folder': [`${INHERITED} removed-folder`],
  'in-flight': [`${INHERITED} in-flight`],
  'detached-mount': [`${INHERITED} detached-mount`],
  queues: ['nested', 'behind-empty', 'zero-in-flight'].map((variant) => `${INHERITED_KINDS} ${variant}`),
  objects: ['ring', 'counter', 'bpf-map', 'packets'].map((variant) => `${INHERITED_KINDS} ${variant}`),
  linked: [`${SAME_FILE} hard-link`],
};

/** Attempts that are also made from a working folder that has been removed. */
const FROM_REMOVED = ['working-folder', 'parent-of-working-folder', 'working-folder-link'];

/** Every variant of every row for programs of a stage's width. */
function attemptsOn(stage: Stage, rows: readonly MatrixRow[]): readonly Attempt[] {
  return rows
    .filter(({ widths }) => widths.includes(stage.width))
    .flatMap(({ program }) => {
      const done = spawnSync(join(stage.treeOf(program), program), ['--list'], { encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`${program}: ${done.error ?? done.stderr}`);
      return done.stdout
        .trimEnd()
        .split('\n')
        .map((variant): Attempt => ({ width: stage.width, program, variant }));
    });
}

function wordsOf({ program, variant }: Attempt): string {
  return `${program} ${variant}`;
}

/** A level for one width. Under `strict`, what may keep a run from starting is put into runs of its own. */
async function runColumn(
  stage: Stage,
  column: Column,
  rows: readonly MatrixRow[],
  command: string,
): Promise<readonly Result[]> {
  const everything: BatchOptions = { command, special: specialDescriptors, removed: false, linked: true };
  const attempts = attemptsOn(stage, rows);
  const removed = attempts.filter(({ program, variant }) => program === INHERITED && FROM_REMOVED.includes(variant));
  const fromRemoved = async (options: BatchOptions): Promise<readonly Result[]> => {
    const results = await runBatch(stage, column, removed, { ...options, removed: true });
    return results.map((result) => ({ ...result, variant: `${result.variant}-removed` }));
  };
  if (!isStrict(column))
    return [...(await runBatch(stage, column, attempts, everything)), ...(await fromRemoved(everything))];
  const nothing: BatchOptions = { ...everything, special: [], linked: false };
  const apart = new Set(Object.values(SPECIAL).flat());
  const results = [...(await fromRemoved(nothing))];
  for (const tree of new Set(attempts.map(({ program }) => stage.treeOf(program)))) {
    const own = attempts.filter((attempt) => stage.treeOf(attempt.program) === tree && !apart.has(wordsOf(attempt)));
    results.push(...(await runBatch(stage, column, own, nothing)));
  }
  for (const [special, names] of Object.entries(SPECIAL)) {
    const own = attempts.filter((attempt) => names.includes(wordsOf(attempt)));
    const options = { ...nothing, special: [special], linked: special === 'linked' };
    results.push(...(await runBatch(stage, column, own, options)));
  }
  return results;
}

/** Attempts that cannot be made when the supervisor is gone: its number may be another process's by then. */
const WITH_SUPERVISOR = 'row-49-supervisor';

const WIDTHS: readonly Width[] = ['x86-64', 'i386'];

/**
 * Runs rows under every level as one user, both widths at a time.
 *
 * @param folder - one that everybody may read; the stages are made in it
 * @param command - the command under test, as that user can execute it
 * @param wanted - the levels; there are no results of others
 */
export async function runMatrix(
  folder: string,
  user: User,
  command: string,
  rows: readonly MatrixRow[] = matrixRows,
  wanted: readonly Column[] = columns,
): Promise<UserResults> {
  const stages = WIDTHS.map((width) => new Stage(folder, user, width));
  const results = Object.fromEntries(columns.map((column) => [column, []])) as unknown as Record<
    Column,
    readonly Result[]
  >;
  for (const column of wanted) {
    results[column] = (await Promise.all(stages.map((stage) => runColumn(stage, column, rows, command)))).flat();
  }
  return results;
}

/**
 * Runs rows as one user, with the supervisor killed before any attempt goes on.
 *
 * @param folder - one that everybody may read
 * @param column - a level that emulates
 * @returns what came of those attempts that lived on
 */
export async function runWithoutSupervisor(
  folder: string,
  user: User,
  command: string,
  rows: readonly MatrixRow[] = matrixRows,
  column: Column = 'strict',
): Promise<readonly Result[]> {
  const apart = new Set(Object.values(SPECIAL).flat());
  const results = WIDTHS.map((width) => {
    const stage = new Stage(folder, user, width);
    const attempts = attemptsOn(stage, rows).filter(
      (attempt) => attempt.program !== WITH_SUPERVISOR && !apart.has(wordsOf(attempt)),
    );
    return runOrphaned(stage, column, attempts, { command, special: [], removed: false, linked: false });
  });
  return (await Promise.all(results)).flat();
}
