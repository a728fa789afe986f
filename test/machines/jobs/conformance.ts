/**
 * The conformance suite, without what takes hours in a guest: storms and calls at random.
 *
 * @module
 */
import { programs } from '../../conformance/programs.js';
import { asDebianBoots, type Job, supported } from '../job.js';

/** Programs that make some 100,000 notified calls, of which each takes milliseconds in a guest. */
const STORMS: ReadonlySet<string> = new Set(['threads', 'signals', 'forks', 'fuzz', 'context-threads']);

/** The short form has one build of a few: each takes some ten seconds in a guest. */
const names = programs.map(({ name }) => name).filter((name) => !STORMS.has(name));

export const jobs: readonly Job[] = [
  {
    name: 'conformance',
    summary: 'programs of the conformance suite',
    words: ['conformance', ...names],
    quick: ['tables/x86-64', 'tables/i386', 'contexts/x86-64', 'i386-entry/i386'],
    patience: 3000,
    boot: asDebianBoots,
    isFor: supported,
  },
];
