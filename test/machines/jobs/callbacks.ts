/**
 * Programs with callbacks, one of each kind of trampoline that is recognised.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'callbacks',
    summary: 'callbacks of libffi, libffcall, GCC on the stack and on the heap: called, and in no writable code',
    words: ['callbacks'],
    quick: ['short'],
    patience: 1800,
    boot: asDebianBoots,
    isFor: supported,
  },
];
