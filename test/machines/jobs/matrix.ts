/**
 * Every way to run bytes that a program wrote itself, as root and as an ordinary user; see docs/policy.md.
 *
 * @module
 */
import { matrixRows } from '../../policy/matrix/rows.js';
import { users } from '../../policy/matrix/table.js';
import { asDebianBoots, type Job, supported } from '../job.js';

/** Rows that kernels answer differently, or of which one kernel was found to leave something open. */
const DIFFERENT: ReadonlySet<number> = new Set([7, 18, 26, 28, 33, 37, 39, 40]);

/** Rows from here on were added for what was found on other kernels. */
const FOUND_ELSEWHERE = 50;

const quickRows = matrixRows
  .map(({ number }) => number)
  .filter((each) => DIFFERENT.has(each) || each >= FOUND_ELSEWHERE);

export const jobs: readonly Job[] = users.map((user) => ({
  name: `matrix-${user}`,
  summary: `every row of the matrix, ${user === 'root' ? 'as root' : 'as an ordinary user'}, in both widths`,
  words: ['matrix', user, 'bare,wx,strict'],
  quick: [user, 'bare,wx,strict', quickRows.join(',')],
  patience: 10_800,
  boot: asDebianBoots,
  isAlone: true,
  isFor: supported,
}));
