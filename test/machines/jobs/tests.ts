/**
 * Files of the test suite whose answers depend on the kernel: root folders, mounts of /proc, and what lies outside of a run.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

/** Paths below test/, without `.test.ts`. The programs that they compile at their start are there in a guest. */
export const testFiles: readonly string[] = [
  'supervisor/confine/chroot',
  'supervisor/confine/outside_ways',
  'supervisor/means',
];

export const jobs: readonly Job[] = [
  {
    name: 'tests',
    summary: 'tests of root folders, of /proc as it may be mounted, and of what lies outside of a run',
    // All means would take half an hour; settings of the machine are a job of their own.
    words: ['tests', ...testFiles.map((name) => (name === 'supervisor/means' ? `${name}=/proc` : name))],
    patience: 3600,
    boot: asDebianBoots,
    isFor: supported,
  },
];
