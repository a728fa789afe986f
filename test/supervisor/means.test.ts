/**
 * One law: what `trampfd doctor` calls impossible does not start, with the same sentence, and what it calls possible works.
 * Held over settings that a test can make for a process alone; those of a whole machine are in test/machines.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, run, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';
import { holdLaw, LEVELS } from './law.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const command = copyCommand(folder.path);
const without = compileProgram('supervisor/without_calls.c');
const env = { ...process.env, HOME: folder.path };
const isRoot = process.getuid?.() === 0;

const NO_NAMESPACE = 'a user who may make no user namespace';

/** Words that start a program where something is as it is not everywhere. */
const places: Readonly<Record<string, readonly string[]>> = {
  'nothing is missing': [],
  'a filter without process_vm_readv': [without, 'process_vm'],
  'a filter without ptrace': [without, 'ptrace'],
  'a filter without mount_setattr': [without, 'mount_setattr'],
  'a filter without Landlock': [without, 'landlock'],
  'a filter without namespaces': [without, 'namespaces'],
  [NO_NAMESPACE]: [
    ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
    'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
    'sh',
  ],
  ...(isRoot
    ? {
        '/proc with hidepid': [
          'unshare',
          '--mount',
          'sh',
          '-c',
          'mount -t proc -o hidepid=2 proc /proc; exec "$@"',
          'sh',
        ],
        '/proc with subset=pid': [
          'unshare',
          '--mount',
          'sh',
          '-c',
          'mount -t proc -o subset=pid proc /proc; exec "$@"',
          'sh',
        ],
        'a pid namespace with its own /proc': ['unshare', '--pid', '--fork', '--mount-proc'],
        'vm.memfd_noexec 1': [
          ...['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c'],
          'echo 1 >/proc/sys/vm/memfd_noexec; "$@"; exit $?',
          'sh',
        ],
        'vm.memfd_noexec 2': [
          ...['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c'],
          'echo 2 >/proc/sys/vm/memfd_noexec; "$@"; exit $?',
          'sh',
        ],
      }
    : {}),
};

/** A program that makes a table. */
const served = compileProgram('cli/create.c');

/** What does not start where, for root and for another user. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'a filter without process_vm_readv': ['root wx', 'root strict', 'ordinary wx', 'ordinary strict'],
  'a filter without ptrace': ['root strict', 'ordinary strict'],
  'a filter without mount_setattr': ['root strict', 'ordinary strict'],
  'a filter without Landlock': ['root strict'],
  'a filter without namespaces': ['root strict', 'ordinary strict'],
  [NO_NAMESPACE]: ['root strict', 'ordinary strict'],
};

for (const user of isRoot ? (['root', 'ordinary'] as const) : (['ordinary'] as const)) {
  describe(`doctor and run agree, and --best-effort does as it says, ${user === 'root' ? 'as root' : 'as an ordinary user'}`, () => {
    for (const [name, place] of Object.entries(places)) {
      test(name, () => {
        const other = user === 'ordinary' && isRoot ? asOrdinaryUser : [];
        // Of the last one a user is mapped in a namespace that is that user's own.
        const words = name === NO_NAMESPACE ? [...other, ...place] : [...place, ...other];
        const starts = holdLaw({ words, command, env, served });
        const refused = LEVELS.filter((level) => !starts[level]).map((level) => `${user} ${level}`);
        assert.deepEqual(
          refused,
          (REFUSED[name] ?? []).filter((one) => one.startsWith(user)),
        );
      });
    }
  });
}

describe('a profile that refuses a call with EPERM is named, and what is to be allowed', () => {
  const words = (call: string, ...rest: readonly string[]): string[] => [without, call, command, ...rest];
  for (const policy of LEVELS) {
    test(`seccomp, under ${policy}`, () => {
      const { status, output, errors } = run(words('seccomp', 'run', '--policy', policy, '--', 'echo', 'started'), {
        env,
      });
      assert.deepEqual([status, output], [125, '']);
      assert.match(
        errors,
        /^trampfd: a sandbox around this process refuses seccomp\(2\) \(EPERM\), by which programs are filtered: allow it in that profile\n$/,
      );
    });

    test(`memfd_create, under ${policy}`, () => {
      const { status, output, errors } = run(
        words('memfd_create', 'run', '--policy', policy, '--', 'echo', 'started'),
        {
          env,
        },
      );
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /memfd_create.* sandbox .*allow/s);
    });
  }

  test('unshare, by which no run makes its namespaces', () => {
    const { output } = run([...asOrdinaryUser, ...words('unshare', 'doctor')], { env });
    assert.match(output, /^\? {4}mounts of its own +not probed, /m);
    assert.match(output, /^\? {4}user namespaces +not probed, /m);
    assert.match(output, /^yes {2}policy strict /m);
  });
});

if (isRoot) {
  test('a /proc of another pid namespace is named, and nothing is started', () => {
    const { status, output, errors } = run(['unshare', '--pid', '--fork', command, 'run', '--', 'echo', 'started'], {
      env,
    });
    assert.deepEqual([status, output], [125, '']);
    assert.match(errors, /^trampfd: \/proc is that of another pid namespace .*mount -t proc proc \/proc/);
  });
}
