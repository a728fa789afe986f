/**
 * The mounts of a confined program, on the real kernel: what it can execute it cannot write, by whatever path, and nobody
 * outside sees them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Mount, parseMountTable, visibleMounts } from '../../../src/linux/mount_table.js';
import { mountOf } from '../../../src/supervisor/confine/mount_plan.js';
import { asOrdinaryUser, copyCommand, run, SharedFolder, trampfd } from '../../cli/command.js';

const isRoot = process.getuid?.() === 0;
/** Words that run a script where it may mount: an ordinary user becomes the root of a user namespace. */
const inOwnMounts = [
  'unshare',
  ...(isRoot ? [] : ['--user', '--map-root-user']),
  '--mount',
  '--propagation',
  'private',
];

/** Runs a script of sh(1) in a mount namespace of its own; `$T` starts a program under strict, `$F` is an empty folder. */
function script(lines: readonly string[]): { readonly output: string; readonly errors: string } {
  using folder = new SharedFolder();
  const prelude = ['set -e', `F=${folder.path}`, `T="${trampfd} run --policy strict"`];
  const { status, output, errors } = run([...inOwnMounts, 'sh', '-c', [...prelude, ...lines].join('\n')]);
  assert.equal(status, 0, `${output}${errors}`);
  return { output: output.replaceAll(folder.path, 'F'), errors: errors.replaceAll(folder.path, 'F') };
}

/** What a script says of some paths: whether a file can be made there. */
const writable =
  'for at in $PLACES; do if ( : >$at/new ) 2>/dev/null; then echo "$at yes"; else echo "$at no"; fi; done';

describe('a confined program', () => {
  test('sees no mount that is executable and writable, and no /proc or /sys that is writable', () => {
    const { output } = script(['$T -- cat /proc/self/mountinfo']);
    const mounts = parseMountTable(output);
    assert.ok(mounts.length > 3);
    const executable = mounts.filter(({ options }) => !options.includes('noexec'));
    assert.ok(executable.some(({ path }) => path === '/usr'));
    for (const { path, options } of executable) assert.ok(options.includes('ro'), path);
    for (const { path, type, options } of visibleMounts(mounts)) {
      if (['proc', 'sysfs', 'debugfs', 'tracefs', 'bpf', 'cgroup', 'cgroup2', 'fusectl'].includes(type))
        assert.ok(options.includes('ro'), path);
    }
    const nodes = visibleMounts(mounts).filter(({ options }) => !options.includes('nodev'));
    assert.ok(nodes.length > 0);
    for (const { path } of nodes) assert.match(path, /^\/dev(?:\/|$)/);
  });

  test('has mounts of its own: outside there are those that there were, while it runs and afterwards', () => {
    // Shared, so that what is done to them there would be seen here.
    const { output } = script(
      [
        'mount --make-rshared /',
        'cat /proc/self/mountinfo',
        'echo ---',
        '$T -- sh -c "echo; read line" <$F/wait | { read line; cat /proc/self/mountinfo; echo >$F/wait; } &'.replace(
          '<$F/wait',
          '<>$F/wait',
        ),
        'wait',
        'echo ---',
        'cat /proc/self/mountinfo',
      ].toSpliced(0, 0, 'mkfifo $F/wait'),
    );
    const [before, during, after] = output.split('---\n');
    assert.ok(before?.includes('shared:'));
    assert.equal(during, before);
    assert.equal(after, before);
  });

  test('cannot write a tree through other mounts of its file system; beside the tree it can', () => {
    const { output } = script([
      'mkdir $F/fs $F/whole $F/sub $F/tree $F/file',
      'mount -t tmpfs tmpfs $F/fs',
      'mkdir -p $F/fs/tree/sub $F/fs/other',
      'cp /bin/true $F/fs/tree/program',
      'cp /bin/true $F/fs/other/program',
      'mount --bind $F/fs $F/whole',
      'mount --bind $F/fs/tree $F/tree',
      'mount --bind $F/fs/tree/sub $F/sub',
      'export F PLACES="$F $F/fs $F/fs/tree $F/fs/tree/sub $F/whole $F/whole/tree $F/whole/other $F/tree $F/sub"',
      `$T --exec $F/fs/tree -- sh -c '${writable}'`,
      `$T --exec $F/fs/tree -- sh -c 'for at in fs/tree fs/other whole/tree tree; do $F/$at/program 2>/dev/null; echo $at $?; done'`,
    ]);
    assert.deepEqual(output.trimEnd().split('\n'), [
      'F yes',
      'F/fs yes',
      'F/fs/tree no',
      'F/fs/tree/sub no',
      'F/whole yes',
      'F/whole/tree no',
      'F/whole/other yes',
      'F/tree no',
      'F/sub no',
      'fs/tree 0',
      'fs/other 126',
      'whole/tree 126',
      'tree 126',
    ]);
  });

  test('has what is mounted within a system tree, read-only wherever it is shown', () => {
    const { output } = script([
      'mkdir $F/inner $F/tools',
      'mount -t tmpfs tmpfs /usr/local/share',
      'cp /bin/true /usr/local/share/program',
      'mount --bind /usr/local/share $F/inner',
      'cp /bin/true $F/tools/program',
      'mount --bind $F/tools /usr/local/lib',
      'export F PLACES="$F/inner $F/tools /usr/local/share /usr/local/lib $F"',
      `$T -- sh -c '${writable}'`,
      '$T -- /usr/local/share/program',
      '$T -- /usr/local/lib/program',
      `$T -- sh -c '$F/tools/program 2>/dev/null || echo $?'`,
    ]);
    assert.deepEqual(output.trimEnd().split('\n'), [
      'F/inner no',
      'F/tools no',
      '/usr/local/share no',
      '/usr/local/lib no',
      'F yes',
      '126',
    ]);
  });

  test('starts where mounts are hidden by others', () => {
    const { output } = script([
      'mkdir -p $F/over/usr $F/over/proc $F/two',
      'mount --bind /usr $F/over/usr',
      'mount --rbind /proc $F/over/proc',
      'mount -t tmpfs tmpfs $F/over',
      'mount --bind /usr $F/two',
      'mount -t tmpfs tmpfs $F/two',
      'export F PLACES="$F/over $F/two"',
      `$T -- sh -c '${writable}'`,
    ]);
    assert.deepEqual(output.trimEnd().split('\n'), ['F/over yes', 'F/two yes']);
  });
});

describe('the working folder of a confined program', () => {
  const shown = 'pwd; readlink /proc/self/cwd; (: >new) 2>/dev/null && echo yes || echo no';

  test('is the one it was started in, through its own mounts', () => {
    const { output } = script([`cd $F; $T -- sh -c '${shown}'`, `cd /usr/lib; $T -- sh -c '${shown}'`]);
    assert.equal(output, 'F\nF\nyes\n/usr/lib\n/usr/lib\nno\n');
  });

  test('is one that is gone where it was removed, and leads nowhere', () => {
    const look =
      'readlink /proc/self/cwd; (: >../new) 2>/dev/null; (: >new) 2>/dev/null; /bin/pwd 2>/dev/null; echo $?';
    const { output } = script(
      [
        'mkdir -p $F/gone /usr/local/share/parent/gone',
        'cd $F/gone',
        'rmdir $F/gone',
        `$T -- sh -c '${look}'`,
        'ls $F',
        'cd /usr/local/share/parent/gone',
        'rmdir ../gone',
        `$T -- sh -c '${look}'`,
        'ls ..',
        'rmdir /usr/local/share/parent',
      ].toSpliced(0, 0, 'mount -t tmpfs tmpfs /usr/local/share'),
    );
    assert.equal(output, '/gone (deleted)\n1\n/gone (deleted)\n1\n');
  });

  test('is refused where it is hidden by a mount', () => {
    const { output, errors } = script(['cd $F', 'mount -t tmpfs tmpfs $F', '$T -- echo started || echo $?']);
    assert.equal(output, '125\n');
    assert.match(errors, /^trampfd: the working folder, F, cannot be entered .*; start in another folder\n$/);
  });
});

describe('an ordinary user', () => {
  test('starts where a mount of the kernel is out of his reach', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const path = `${join(folder.path, 'node')}:/usr/bin:/bin`;
    // As /sys/kernel/debug is for all but root, with tracefs in it.
    const lines = [
      'set -e',
      `cd ${folder.path}`,
      'mkdir -p closed/usr closed/proc',
      'mount --rbind /proc closed/proc',
      'mount --bind /usr closed/usr',
      'trap "chmod 755 closed" EXIT',
      'chmod 0 closed',
      `PATH=${path} ${asOrdinaryUser.join(' ')} ${command} run --policy strict -- cat /proc/self/mountinfo`,
    ];
    const { status, output, errors } = run([...inOwnMounts, 'sh', '-c', lines.join('\n')]);
    assert.deepEqual([status, errors], [0, '']);
    const mounts: readonly Mount[] = parseMountTable(output);
    assert.ok(mountOf(mounts, '/usr')?.options.includes('ro'));
    assert.ok(mountOf(mounts, '/proc')?.options.includes('ro'));
  });
});

test('nothing of a run is left in our own mounts', () => {
  const before = readFileSync('/proc/self/mountinfo', 'latin1');
  using folder = new SharedFolder();
  writeFileSync(join(folder.path, 'file'), '');
  assert.equal(run([trampfd, 'run', '--policy', 'strict', '--exec', folder.path, '--', 'true']).status, 0);
  assert.equal(readFileSync('/proc/self/mountinfo', 'latin1'), before);
});
