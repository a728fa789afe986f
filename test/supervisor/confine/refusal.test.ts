/**
 * Places where strict cannot be had: nothing is started, and the message says what is missing and who can give it. With
 * --best-effort the program is started, and what is open is printed.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder, trampfd } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const command = copyCommand(folder.path);
const env = { ...process.env, PATH: `${join(folder.path, 'node')}:/usr/bin:/bin`, XDG_CACHE_HOME: '/nonexistent' };
const without = compileProgram('supervisor/without_calls.c');
const isRoot = process.getuid?.() === 0;

interface Place {
  /** Words that start a program there. */
  readonly words: readonly string[];
  /** What is missing, and who can give it. */
  readonly missing: RegExp;
  /** What is open without it. */
  readonly open: RegExp;
}

const openFiles = /files that the program can write may be executed/;
const places: Readonly<Record<string, Place>> = {
  'no user namespace, for a user without privileges': {
    words: [
      // In a user namespace whose own limit is 0, without a capability.
      ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
      'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
      'sh',
    ],
    missing: /a user namespace cannot be had \(ENOSPC\): .*root can allow more \(user\.max_user_namespaces/,
    open: openFiles,
  },
  'a filter without namespaces, as those of containers': {
    words: [without, 'namespaces'],
    missing:
      /an? (user|mount) namespace cannot be had \(EPERM\): a seccomp filter around trampfd refuses clone\(2\) with new namespaces/,
    open: openFiles,
  },
  'no mount_setattr(2)': {
    words: [without, 'mount_setattr'],
    missing: /mounts of the program's own cannot be arranged: mount_setattr of \/ \(ENOSYS\): a kernel with open_tree/,
    open: openFiles,
  },
  'no open_tree(2)': {
    words: [without, 'open_tree'],
    missing: /mounts of the program's own cannot be arranged: open_tree of \/\w* ?\(ENOSYS\): a kernel with open_tree/,
    open: openFiles,
  },
  'no fsopen(2)': {
    words: [without, 'fsopen'],
    missing: /a file system for memory files cannot be made \(ENOSYS\): a kernel with tmpfs/,
    open: /memory files \(memfd_create\) are refused/,
  },
  'no ptrace(2)': {
    words: [without, 'ptrace'],
    missing:
      /a process that this one has started cannot be traced \(ENOSYS\): a seccomp filter around trampfd refuses ptrace\(2\) \(ENOSYS\): allow it in that profile/,
    open: openFiles,
  },
};

/** Places where root is refused, and an ordinary user is not. */
const rootPlaces: Readonly<Record<string, Place>> = {
  'no Landlock, for root': {
    words: [without, 'landlock'],
    missing: /a Landlock domain cannot be had \(ENOSYS\): a kernel that lists 'landlock' .* or start as an/,
    open: /root can become the user of a process outside of the run/,
  },
};

function strict({ words }: Place, options: readonly string[], program: readonly string[]): Ended {
  return run([...words, command, 'run', '--policy', 'strict', ...options, '--', ...program], { env, cwd: '/' });
}

for (const [name, place] of Object.entries({ ...places, ...(isRoot ? rootPlaces : {}) })) {
  describe(name, () => {
    test('strict starts nothing, and says what is missing and who can give it', () => {
      const { status, output, errors } = strict(place, [], ['echo', 'started']);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: strict cannot be enforced here, so nothing was started; what is missing:\n/);
      assert.match(errors, place.missing);
      assert.match(errors, /\n {2}or start with what there is: --best-effort\n$/);
      assert.doesNotMatch(errors, /\bat .*:\d+:\d+/);
    });

    test('with --best-effort it starts, and prints what is open', () => {
      const { status, output, errors } = strict(place, ['--best-effort'], ['sh', '-c', 'echo started; exit 3']);
      assert.deepEqual([status, output], [3, 'started\n'], errors);
      const lines = errors.trimEnd().split('\n');
      for (const line of lines) assert.match(line, /^trampfd: best effort: .+; open without it: .+$/);
      assert.ok(
        lines.some((line) => place.open.test(line)),
        errors,
      );
    });

    test('what registers show is refused there too', () => {
      const script = 'import mmap; mmap.mmap(-1, 4096, prot=7)';
      const { errors } = strict(place, ['--best-effort', '--no-emulation'], ['/usr/bin/python3', '-c', script]);
      assert.match(errors, /PermissionError: \[Errno 13\]/);
    });
  });
}

test('what the machine lacks is said before a descriptor that is not passed on', () => {
  const inherit = compileProgram('supervisor/inherit.c', { flags: ['-lutil', '-lrt'] });
  const start = (...words: readonly string[]): string => {
    const rest = [...words, command, 'run', '--policy', 'strict', '--', 'echo', 'started'];
    return run([inherit, 'queue-memory-file=400', '--', ...rest], { env, cwd: '/' }).errors;
  };
  assert.match(start(), /^trampfd: descriptor 400 is a socket/);
  assert.match(start(without, 'mount_setattr'), /^trampfd: strict cannot be enforced here, so nothing was started;/);
});

test('an ordinary user needs no Landlock: each execution is traced then', () => {
  const words = [...asOrdinaryUser, without, 'landlock', command, 'run', '--policy', 'strict', '--', 'echo', 'started'];
  const { status, output, errors } = run(words, { env, cwd: '/' });
  assert.deepEqual([status, output, errors], [0, 'started\n', '']);
});

test('where a tracer has all that is started, strict starts nothing and says so', () => {
  const { status, output, errors } = run([
    'strace',
    '-f',
    '-o',
    '/dev/null',
    trampfd,
    ...'run --policy strict -- echo started'.split(' '),
  ]);
  assert.deepEqual([status, output], [125, '']);
  assert.match(
    errors,
    /\n {2}a process that this one has started cannot be traced \(EPERM\): strace\[\d+\] traces all that trampfd starts/,
  );
});

if (isRoot) {
  test('in a root folder of its own (chroot) a run starts', () => {
    const script = 'mkdir "$0/root"; mount --rbind / "$0/root"; exec chroot "$0/root" "$@"';
    const words = [trampfd, 'run', '--policy', 'strict', '--', 'echo', 'started'];
    const { status, output, errors } = run(['unshare', '--mount', 'sh', '-c', script, folder.path, ...words]);
    assert.deepEqual([status, output, errors], [0, 'started\n', '']);
  });
}
