/**
 * A kernel that lacks what every run needs: nothing is started.
 *
 * @module
 */
import { asDebianBoots, type Job } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'refusal',
    summary: 'a run is refused before anything is started, by the sentence that doctor says',
    words: ['refusal'],
    quick: ['wx', 'strict'],
    patience: 400,
    boot: asDebianBoots,
    isFor: ({ isSupported }) => !isSupported,
  },
];
