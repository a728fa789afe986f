/**
 * Programs that keep a thread of theirs from making the calls that it is made to make: they alone bear what comes of it,
 * and whoever asks beside them gets an answer.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prevented, runToEnd, under } from './alike.js';

const program = prevented();

/** Ended by SIGSEGV, as waitpid(2) has it. */
const FAULT = 'b';

describe('a thread that cannot make the calls that it is made to make', () => {
  for (const [how, status] of [
    ['gone', '0'],
    ['gone-32', '0'],
    ['dispatched', '0'],
    ['dispatched-threads', '0'],
    ['code32', '0'],
    ['blocked32', '0'],
    ['local', FAULT],
  ] as const) {
    test(`keeps nobody waiting: ${how}`, async () => {
      const { status: ended, output, errors } = await runToEnd([...under('wx', [program]), program, how]);
      assert.deepEqual([ended, output], [0, `status ${status}\n`], errors);
      if (how === 'local') assert.match(errors, /the caller runs in a code segment of its own \(modify_ldt\)/);
    });
  }
});
