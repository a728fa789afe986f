/**
 * Devices that a machine may have and that write to memory or to themselves: a video device, a serial line.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'devices',
    summary: 'a video device and a serial line: nothing is executed by what they do, and both work',
    words: ['devices'],
    quick: [],
    patience: 300,
    isAlone: true,
    boot: { ...asDebianBoots, modules: ['vivid'] },
    isFor: supported,
  },
];
