/**
 * Every way to run bytes that a program wrote itself, as root and as an ordinary user; see docs/policy.md.
 *
 * @module
 */
import { users } from '../../policy/matrix/table.js';
import { asDebianBoots, type Job, supported } from '../job.js';

/**
 * Rows that Linux 6.1 answers otherwise than newer kernels, of those that take seconds there: memfd without MFD_EXEC, rings
 * of io_uring and AF_PACKET, io_uring, uselib. An ordinary user has new namespaces there besides.
 */
const quick = {
  root: ['wx,strict', '7,28,33,50'],
  ordinary: ['strict', '28,37,50'],
} as const;

export const jobs: readonly Job[] = users.map((user) => ({
  name: `matrix-${user}`,
  summary: `every row of the matrix, ${user === 'root' ? 'as root' : 'as an ordinary user'}, in both widths`,
  words: ['matrix', user, 'bare,wx,strict'],
  quick: [user, ...quick[user]],
  patience: 10_800,
  boot: asDebianBoots,
  isAlone: true,
  isFor: supported,
}));
