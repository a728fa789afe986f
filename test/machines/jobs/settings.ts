/**
 * Settings of a whole machine that a run depends on: doctor and runs agree on each.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'settings',
    summary: 'Yama, user namespaces, memfd_noexec, io_uring_disabled, hidepid: doctor says what runs do',
    words: ['settings'],
    patience: 3600,
    // Yama's highest scope stays: what is done behind it needs another boot.
    boot: { ...asDebianBoots, commandLine: 'loglevel=4' },
    isFor: supported,
  },
  {
    name: 'no-landlock',
    summary: 'a boot without Landlock: doctor says what runs do',
    words: ['settings', 'as booted'],
    patience: 200,
    boot: { ...asDebianBoots, commandLine: 'lsm=lockdown,capability,yama,apparmor' },
    isFor: supported,
  },
];
