/**
 * Runs that are started in a root folder of their own (chroot(2)), be it a mount or not: they are confined as elsewhere, see
 * nothing of what lies around the folder, and know its files by the names that they have in it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { copyCommand, type Ended, run as execute, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const FLAGS = ['-O2', '-pthread', '-z', 'noexecstack'];
const ESCAPES = compileProgram('wx/row-65-outer-folders.c', { flags: FLAGS });
const WITHOUT = compileProgram('supervisor/without_calls.c');
const NODES = compileProgram('wx/row-66-later-nodes.c', { flags: FLAGS });
/** Python calls a closure of libffi as often as it takes to be promoted. */
const CALLBACKS = [
  'import ctypes',
  'compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda one, other: 0)',
  'numbers = (ctypes.c_int * 40)()',
  'for count in range(40): ctypes.CDLL(None).qsort(numbers, 40, 4, compare)',
  'print("promoted", any("memfd:trampfd" in line and "r-x" in line for line in open("/proc/self/maps")))',
].join('\n');

describe('in a root folder of its own', () => {
  if (process.getuid?.() !== 0) return;
  const folder = new SharedFolder();
  const root = join(folder.path, 'root');
  const marker = join(folder.path, 'marker');
  after(() => folder[Symbol.dispose]());
  before(() => {
    for (const name of ['usr', 'proc', 'dev', 'tmp', 'etc', 'own', 'var/cache', 'root']) {
      mkdirSync(join(root, name), { recursive: true });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) symlinkSync(`usr/${name}`, join(root, name));
    for (const name of ['passwd', 'group', 'ld.so.cache']) copyFileSync(join('/etc', name), join(root, 'etc', name));
    cpSync('/etc/alternatives', join(root, 'etc', 'alternatives'), { recursive: true, verbatimSymlinks: true });
    for (const [name, program] of [
      ['escapes', ESCAPES],
      ['nodes', NODES],
      ['without', WITHOUT],
    ] as const) {
      copyFileSync(program, join(root, 'tmp', name));
    }
    chmodSync(join(root, 'tmp'), 0o1777);
    copyCommand(join(root, 'own'));
    writeFileSync(marker, '');
  });

  /** Runs words in the folder, under strict. */
  function inRoot(kind: string, as: readonly string[], ...words: readonly string[]): Ended {
    return inRootThrough([], kind, as, words);
  }

  /** The same, with words before the command. */
  function inRootThrough(
    through: readonly string[],
    kind: string,
    as: readonly string[],
    words: readonly string[],
  ): Ended {
    const script = [
      'set -e',
      ...(kind === 'a mount' ? ['mount --bind "$0" "$0"'] : []),
      'for name in usr proc dev; do mount --rbind /$name "$0/$name"; done',
      'exec chroot "$@"',
    ].join('\n');
    const run = ['run', '--policy', 'strict', '--exec', '/tmp/escapes'];
    const command = [...through, '/own/bin/trampfd', ...(words[0] === 'doctor' ? [] : run), ...words];
    const environment = ['env', 'PATH=/own/node:/usr/bin:/bin', 'HOME=/root', `WX_MARKER=${marker}`, 'WX_FOLDER=/tmp'];
    return execute(
      [
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        script,
        root,
        ...as,
        root,
        ...environment,
        ...command,
      ],
      { cwd: '/' },
    );
  }

  for (const kind of ['a mount', 'no mount']) {
    describe(`that is ${kind}`, () => {
      test('a run sees what is there, by the names that it has there', () => {
        const script =
          'pwd; ls -d /own /usr; readlink /proc/self/exe; grep -c " / / \\| /root / " /proc/self/mountinfo';
        const { output, errors } = inRoot(kind, [], '--', 'sh', '-c', script);
        assert.deepEqual([output.split('\n').slice(0, 4), errors], [['/', '/own', '/usr', '/usr/bin/readlink'], '']);
      });

      test('no way out leads to the outside, or to bytes of its own', () => {
        const script = 'for way in $(/tmp/escapes --list); do /tmp/escapes $way; done';
        const { output, errors } = inRoot(kind, [], '--no-emulation', '--', 'sh', '-c', script);
        assert.equal(errors, '');
        const lines = output.trimEnd().split('\n');
        assert.ok(lines.length > 10, output);
        for (const line of lines) assert.doesNotMatch(line, /EXEC|OPENED/);
      });

      test('nor does one where the root folder cannot be changed for another, as with that of an initramfs', () => {
        const script =
          'for way in $(/tmp/escapes --list); do /tmp/escapes $way; done; cut -d" " -f5 /proc/self/mountinfo';
        const words = ['--no-emulation', '--', 'sh', '-c', script];
        const { output, errors } = inRootThrough(['/tmp/without', 'pivot_root'], kind, [], words);
        assert.equal(errors, '');
        assert.match(output, /^descriptor: E/);
        assert.doesNotMatch(output, /EXEC|OPENED/);
        assert.match(output, /^\/$/m);
        assert.ok(!output.includes(folder.path), output);
      });

      test('each of these ways leads out without a policy, or is refused by the kernel', () => {
        const script = 'for way in descriptor working-folder parents; do /tmp/escapes $way; done';
        const { output } = inRoot(kind, [], '--policy', 'off', '--', 'sh', '-c', script);
        assert.equal(output, 'descriptor: OPENED\nworking-folder: OPENED\nparents: OPENED\n');
      });

      test('no node that it makes can be opened', () => {
        const script = 'for way in $(/tmp/nodes --list); do /tmp/nodes $way; done';
        const { output } = inRoot(kind, [], '--exec', '/tmp/nodes', '--', 'sh', '-c', script);
        assert.match(output, /^own-folder: E/);
        assert.doesNotMatch(output, /OPENED/);
      });

      test('functions are found, and trampolines promoted', () => {
        const { output, errors } = inRoot(kind, [], '--', '/usr/bin/python3', '-c', CALLBACKS);
        assert.deepEqual([output, errors], ['promoted True\n', '']);
        const unknown = inRoot(kind, [], '--', '/tmp/escapes', 'parents');
        assert.equal(unknown.output, 'parents: SIGSEGV\n');
        assert.match(unknown.errors, /^trampfd: escapes\[\d+\]: \/tmp\/escapes\(in_child\+0x[0-9a-f]+\) has called/);
      });

      test('doctor says of root that mounts can be had, and of an ordinary user why they cannot', () => {
        const said = inRoot(kind, [], 'doctor');
        assert.match(said.output, /^yes +mounts of its own/m);
        assert.match(said.output, /^yes +policy strict +.*in full/m);
        const user = inRoot(kind, ['--userspec=65534:65534'], 'doctor');
        const [, own = ''] = /^no +mounts of its own +(.+)$/m.exec(user.output) ?? [];
        assert.match(
          own,
          /gives none to a process whose root folder was changed by chroot.*\(EPERM\): start it as root/,
        );
        // No setting is blamed that would not help.
        assert.doesNotMatch(user.output, /unprivileged_userns|max_user_namespaces/);
        const [, strict = ''] = /^no +policy strict +(.+)$/m.exec(user.output) ?? [];
        assert.ok(strict.includes(own), user.output);
      });

      test('an ordinary user is told that the chroot is why no user namespace can be had', () => {
        const { status, errors } = inRoot(kind, ['--userspec=65534:65534'], '--', 'echo', 'started');
        assert.equal(status, 125);
        assert.match(errors, /a user namespace cannot be had[^\n]*chroot/);
      });
    });
  }
});
