/**
 * One law: what `trampfd doctor` calls impossible does not start, with the same sentence, and what it calls possible works.
 * Held over settings that a test can make for a process alone; those of a whole machine are in test/machines.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

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

/** A program that needs its trampolines, tables and callbacks alike. */
const bound = compileProgram('cli/create.c');

function attempt(words: readonly string[], level: string, program: readonly string[]): Ended {
  return run([...words, command, 'run', '--policy', level, '--exec', bound, '--', ...program], { env, cwd: '/' });
}

for (const user of isRoot ? (['root', 'ordinary'] as const) : (['ordinary'] as const)) {
  for (const [name, place] of Object.entries(places)) {
    describe(`${name}, ${user === 'root' ? 'as root' : 'as an ordinary user'}`, () => {
      const other = user === 'ordinary' && isRoot ? asOrdinaryUser : [];
      // Of the last one a user is mapped in a namespace that is that user's own.
      const words = name === NO_NAMESPACE ? [...other, ...place] : [...place, ...other];

      test('doctor and run agree on every policy, with one sentence', () => {
        const { output, status } = run([...words, command, 'doctor'], { env, cwd: '/' });
        for (const level of ['wx', 'strict']) {
          const line = new RegExp(`^(yes|no|\\?) +policy ${level} +(.+)$`, 'm').exec(output);
          assert.ok(line !== null, output);
          const [, answer, said = ''] = line;
          const ended = attempt(words, level, ['echo', 'started']);
          assert.equal(answer, ended.status === 0 ? 'yes' : 'no', `${level}: ${ended.errors}${output}`);
          assert.equal(ended.output, answer === 'yes' ? 'started\n' : '', ended.errors);
          if (answer === 'yes') continue;
          assert.equal(ended.status, 125, ended.errors);
          const sentence = ended.errors
            .replace(/^trampfd: /, '')
            .replace(/\s+/g, ' ')
            .trim();
          assert.equal(said.replaceAll(';', '').replace(/\s+/g, ' '), sentence.replaceAll(';', ''));
          if (level === 'wx') assert.equal(status, 1);
        }
      });

      test('what is called possible serves programs, what is not does with --best-effort as it says', () => {
        for (const level of ['wx', 'strict']) {
          const started = attempt(words, level, ['true']).status === 0;
          const served = attempt(words, level, [bound]);
          if (started) assert.deepEqual([served.status, served.errors], [0, ''], level);
          const best = run([...words, command, 'run', '--policy', level, '--best-effort', '--', 'echo', 'started'], {
            env,
            cwd: '/',
          });
          assert.deepEqual([best.status, best.output], [0, 'started\n'], `${level}: ${best.errors}`);
          if (started) assert.equal(best.errors, '');
          else assert.match(best.errors, /^(trampfd: best effort: .+; open without it: .+\n)+$/);
        }
      });
    });
  }
}

if (isRoot) {
  test('a /proc of another pid namespace is named, and nothing is started', () => {
    const { status, output, errors } = run(['unshare', '--pid', '--fork', command, 'run', '--', 'echo', 'started'], {
      env,
    });
    assert.deepEqual([status, output], [125, '']);
    assert.match(errors, /^trampfd: \/proc is that of another pid namespace .*mount -t proc proc \/proc/);
  });
}
