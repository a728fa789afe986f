/**
 * What the command says of the machine, and that it is so; and the demonstration that newcomers start with.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

const shared = { boot: asDebianBoots, isFor: supported, quick: [] } as const;

export const jobs: readonly Job[] = [
  {
    ...shared,
    name: 'doctor',
    summary: 'what doctor says is possible is, as root and as an ordinary user',
    words: ['doctor'],
    patience: 240,
  },
  {
    ...shared,
    name: 'demonstration',
    summary: "'npm start' shows what it should",
    words: ['demonstration'],
    patience: 120,
  },
];
