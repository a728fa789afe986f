/** Resource limits: the supervisor raises its own, and the program has those that it would have without it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../programs/compile.js';
import { asOrdinaryUser, type Ended, run, trampfd } from './command.js';

const nested = compileProgram('callbacks/nested.c', { flags: ['-pthread', '-Wno-trampolines'] });

/** Runs words by a shell that has set limits first. */
function limited(limits: string, words: readonly string[]): Ended {
  return run(['bash', '--norc', '-c', `${limits}; exec "$@"`, 'bash', ...words]);
}

const LIMITS = [
  ...[
    'ulimit -n 100',
    'ulimit -Sn 30; ulimit -Hn 60',
    'ulimit -f 0',
    'ulimit -Sf 100',
    'ulimit -Sv 4000000',
    'ulimit -Sd 900000',
  ],
  ...[
    'ulimit -c 0',
    'ulimit -Su 500',
    'ulimit -i 9',
    'ulimit -Ss 4000',
    'ulimit -t 60',
    'ulimit -St 50',
    'ulimit -t 1',
  ],
];

describe('the limits of a program', () => {
  for (const limits of LIMITS) {
    test(`${limits}: are those that it has without the supervisor`, () => {
      const words = ['bash', '--norc', '-c', 'ulimit -Sa; ulimit -Ha'];
      for (const user of asOrdinaryUser.length === 0 ? [[]] : [[], asOrdinaryUser]) {
        const alone = limited(limits, [...user, ...words]);
        assert.equal(alone.status, 0, alone.errors);
        for (const policy of ['wx', 'strict']) {
          // Under strict no core is left, which is a limit: it is compared where both have none.
          const under = policy === 'strict' ? 'ulimit -c 0; ' : '';
          const command = [trampfd, 'run', '--policy', policy, '--'];
          assert.deepEqual(
            limited(under + limits, [...user, ...command, ...words]),
            under === '' ? alone : limited(under + limits, [...user, ...words]),
          );
        }
      }
    });
  }

  test('files as large as the program may not write are written by the supervisor: its trampolines work', () => {
    const { status, output, errors } = limited('ulimit -Sf 0', [trampfd, 'run', '--', nested]);
    assert.deepEqual([status, errors], [run([nested]).status, '']);
    assert.match(output, /^threads: /m);
  });
});

describe('with little time on a processor', () => {
  const busy = compileProgram('cli/busy_supervisor.c');

  for (const policy of ['wx', 'strict']) {
    test(`a supervisor that has used it up says so, and ends the run, under ${policy}`, () => {
      const { status, output, errors } = limited('ulimit -t 2', [
        ...asOrdinaryUser,
        ...[trampfd, 'run', '--policy', policy, '--', busy],
      ]);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: the supervisor has used up the 2 s of a processor [^\n]*ulimit -Ht[^\n]*\n$/);
    });
  }

  test('the program has its own: one that uses it up is told, and the supervisor is not', () => {
    const { status, signal } = limited('ulimit -St 1', [trampfd, 'run', '--', 'sh', '-c', 'while :; do :; done']);
    assert.deepEqual([status, signal], [null, 'SIGXCPU']);
  });
});

describe('with few descriptors', () => {
  test('a program that starts with nearly as many as it may have runs', () => {
    for (const [limit, last] of [
      [64, 40],
      [64, 60],
      [256, 190],
      [256, 250],
    ] as const) {
      const opens = `for ((n = 10; n <= ${last}; n++)); do eval "exec $n</dev/null"; done; ulimit -Sn ${limit}`;
      for (const policy of ['wx', 'strict']) {
        const { status, output, errors } = limited(opens, [
          trampfd,
          'run',
          '--policy',
          policy,
          '--',
          'sh',
          '-c',
          'ulimit -n',
        ]);
        assert.deepEqual([status, output, errors], [0, `${limit}\n`, ''], `${limit}, ${last}, ${policy}`);
      }
    }
  });

  for (const limit of [12, 16, 20, 24, 28, 32, 38]) {
    test(`${limit} at most: one sentence says that these are too few`, () => {
      for (const policy of ['wx', 'strict']) {
        const { status, output, errors } = limited(`ulimit -n ${limit}`, [
          trampfd,
          'run',
          '--policy',
          policy,
          '--',
          'echo',
          'started',
        ]);
        assert.deepEqual([status, output], [125, '']);
        assert.match(errors, /^trampfd: [^\n]*ulimit -Hn[^\n]*\n$/);
      }
    });
  }
});

describe('with few processes', () => {
  test('the run ends with a status of its own, or the program runs', () => {
    for (const limit of [1, 2, 3, 5, 8, 11, 16, 40]) {
      const user =
        process.getuid?.() === 0 ? ['setpriv', '--reuid', '65531', '--regid', '65531', '--clear-groups'] : [];
      const { status, output, errors } = run([
        ...user,
        'bash',
        '-c',
        `ulimit -u ${limit}; exec "$0" run -- true`,
        trampfd,
      ]);
      assert.ok(status === 0 || status === 125, `${limit}: ${status}: ${errors}`);
      if (status === 125) assert.notEqual(errors, '');
      assert.equal(output, '');
    }
  });
});
