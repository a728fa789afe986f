/**
 * Each sweep of this folder in its short form: `npm run test:hostile` tries them thousands of times.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sweep } from './sweep.js';
import { allSweeps } from './sweeps.js';

const sweeps = await allSweeps();

describe('what is hostile or unlucky', () => {
  for (const one of sweeps) {
    test(`is borne: ${one.name}`, async () => {
      const { failing } = await sweep(one, one.short, 2, () => undefined);
      assert.deepEqual(failing, []);
    });
  }
});
