/**
 * Each sweep of this folder in its short form: `npm run test:hostile` tries them thousands of times.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patience } from '../patience.js';
import { type Limit, sweep } from './sweep.js';
import { allSweeps } from './sweeps.js';

/** What is many times as long as promised is a hang; what is a few times as long may be this machine's. */
const limit: Limit = (milliseconds) => patience(15 * milliseconds);

const sweeps = await allSweeps();

describe('what is hostile or unlucky', () => {
  for (const one of sweeps) {
    test(`is borne: ${one.name}`, async () => {
      const { failing } = await sweep(one, one.short, { workers: 2, limit, tell: () => undefined });
      assert.deepEqual(failing, []);
    });
  }
});
