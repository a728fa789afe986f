/**
 * A process of the run has as many signals queued as its user may have: the threads of the supervisor wake each other all the
 * same. Who is traced goes on, and who is not yet gets an answer.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asOrdinaryUser, run, trampfd } from '../cli/command.js';
import { program } from './tap.js';

const queued = program('queued', 'x86-64');

/** No more signals than these wait for anybody of the user. */
const LIMIT = 300;

describe('with as many signals queued as there may be', () => {
  for (const policy of ['wx', 'strict']) {
    const start = (when: string): ReturnType<typeof run> =>
      run([
        ...asOrdinaryUser,
        ...['bash', '--norc', '-c', `ulimit -i ${LIMIT}; exec "$@"`, 'bash'],
        ...[trampfd, 'run', '--policy', policy, '--', queued, when],
      ]);

    test(`trampolines work where something was traced before, under ${policy}`, () => {
      const { status, output, errors } = start('before');
      assert.deepEqual([status, output, errors], [0, '8\n'.repeat(4), '']);
    });

    test(`whoever asks is answered where nothing was traced yet, under ${policy}`, () => {
      const { status, output, errors } = start('behind');
      assert.equal(status, 0, errors);
      assert.match(output, /^((8|refused)\n){4}$/);
      if (output.includes('refused')) assert.match(errors, /RLIMIT_SIGPENDING.*ulimit -i/);
    });
  }
});
