/**
 * What the supervisor does where the kernel lacks what newer ones have.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'older',
    summary:
      'long lists of mappings, and threads that cannot be made to call, with and without what newer kernels have',
    words: ['older', 'dispatched', 'dispatched-threads', 'gone', 'gone-32', 'code32', 'blocked32'],
    quick: ['dispatched'],
    patience: 1200,
    boot: asDebianBoots,
    isFor: supported,
  },
];
