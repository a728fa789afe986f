/**
 * Every way to run bytes that a program wrote itself, as root and as an ordinary user; see docs/policy.md.
 *
 * @module
 */
import { users } from '../../policy/matrix/table.js';
import { asDebianBoots, type Job, supported } from '../job.js';

/** Rows that kernels answer differently, or that one kernel was found to leave open. */
const QUICK_ROWS = [7, 18, 26, 28, 33, 37, 39, 40, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59];

export const jobs: readonly Job[] = users.map((user) => ({
  name: `matrix-${user}`,
  summary: `every row of the matrix, ${user === 'root' ? 'as root' : 'as an ordinary user'}, in both widths`,
  words: ['matrix', user, 'bare,wx,strict'],
  quick: [user, 'bare,wx,strict', QUICK_ROWS.join(',')],
  patience: 10_800,
  boot: asDebianBoots,
  isFor: supported,
}));
