/**
 * Starts where V8 does not get the memory that it wants: none that is writable and executable, or too little. The supervisor
 * does without its compilers there, or says in one sentence why it does not start.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../programs/compile.js';
import { type Ended, program, run, trampfd } from './command.js';

const nested = compileProgram('callbacks/nested.c', { flags: ['-pthread', '-Wno-trampolines'] });

/** What refuses memory that is writable and executable, and how. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  'memory-deny-write-execute of the kernel': [program('prepare'), 'deny-write-execute'],
  'a filter of a service manager': [program('filtered')],
};

for (const [name, words] of Object.entries(REFUSALS)) {
  describe(`under ${name}`, () => {
    const under = (...rest: readonly string[]): Ended => run([...words, ...rest]);

    test('a program runs under every policy as it does without', () => {
      for (const policy of ['off', 'log', 'wx', 'strict']) {
        const script = 'echo "$0 ran"; exit 3';
        const { status, output, errors } = under(trampfd, 'run', '--policy', policy, '--', 'sh', '-c', script, policy);
        assert.deepEqual([status, output, errors], [3, `${policy} ran\n`, ''], policy);
      }
    });

    test('other commands work', () => {
      assert.match(under(trampfd, '--version').output, /^trampfd /);
      assert.equal(under(trampfd, 'policy', 'show', 'wx').status, 0);
    });
  });
}

// A filter's refusal comes before any question to the supervisor; the kernel's does not.
test('under memory-deny-write-execute of the kernel, trampolines that a program writes itself are emulated', () => {
  const alone = run([trampfd, 'run', '--', nested]);
  assert.match(alone.output, /^threads: /m);
  assert.deepEqual(run([program('prepare'), 'deny-write-execute', trampfd, 'run', '--', nested]), alone);
});

describe('with little memory', () => {
  /** Runs a program where the shell has set a limit, in kilobytes. */
  const limited = (limit: string, kilobytes: number, policy: string): Ended =>
    run(['sh', '-c', `ulimit ${limit} ${kilobytes}; exec "$0" run --policy ${policy} -- echo ran`, trampfd]);

  const cases = [
    ...[100_000, 300_000, 500_000, 1_000_000, 2_200_000].map((kilobytes) => ['-v', kilobytes] as const),
    ...[20_000, 100_000, 200_000].map((kilobytes) => ['-d', kilobytes] as const),
  ];
  for (const [limit, kilobytes] of cases) {
    test(`ulimit ${limit} ${kilobytes}: the program runs, or one sentence says why it does not`, () => {
      for (const policy of ['wx', 'strict']) {
        const { status, output, errors } = limited(limit, kilobytes, policy);
        if (status === 0) assert.deepEqual([output, errors], ['ran\n', '']);
        else {
          assert.deepEqual([status, output], [125, ''], errors);
          assert.match(errors, /^trampfd: Node\.js, which supervises, gets too little memory [^\n]*\n$/);
        }
      }
    });
  }

  test('a gigabyte of addresses is enough, and 100 megabytes are not', () => {
    assert.equal(limited('-v', 1_000_000, 'wx').status, 0);
    assert.equal(limited('-v', 100_000, 'wx').status, 125);
  });
});
