/**
 * Mount tables: texts as the kernel writes them, and the table of this system.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Mount, mountTable, parseMountTable, visibleMounts } from '../../src/linux/mount_table.js';

/** Writes a path as the kernel does (fs/proc_namespace.c: mangle; lib/string_helpers.c, seq_path). */
function escaped(path: string): string {
  return path.replace(/[ \t\n\\#]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** A line of mountinfo for a mount. */
function line(mount: Mount, optional: readonly string[]): string {
  const { id, parent, device, root, path, options, type, source, fileSystemOptions } = mount;
  return [
    String(id),
    String(parent),
    device,
    escaped(root),
    escaped(path),
    options.join(','),
    ...optional,
    '-',
    type,
    escaped(source),
    fileSystemOptions.map((one) => escaped(one).replaceAll(',', '\\054')).join(','),
  ].join(' ');
}

describe('the text of a mount table', () => {
  test('is read line by line, in its order', () => {
    const text = [
      '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard',
      '23 22 0:21 / /proc rw,nosuid - proc proc rw',
      '24 23 0:21 /sys /proc/sys ro,nosuid master:4 propagate_from:2 - proc proc rw',
      '',
    ].join('\n');
    assert.deepEqual(parseMountTable(text), [
      {
        id: 22,
        parent: 1,
        device: '254:0',
        root: '/',
        path: '/',
        type: 'ext4',
        options: ['rw', 'relatime'],
        source: '/dev/vda',
        fileSystemOptions: ['rw', 'discard'],
      },
      {
        id: 23,
        parent: 22,
        device: '0:21',
        root: '/',
        path: '/proc',
        type: 'proc',
        options: ['rw', 'nosuid'],
        source: 'proc',
        fileSystemOptions: ['rw'],
      },
      {
        id: 24,
        parent: 23,
        device: '0:21',
        root: '/sys',
        path: '/proc/sys',
        type: 'proc',
        options: ['ro', 'nosuid'],
        source: 'proc',
        fileSystemOptions: ['rw'],
      },
    ]);
  });

  test('escapes are undone once, and every other byte stays', () => {
    const [mount] = parseMountTable('36 35 0:5 /a\\040b /mnt/\\134040\\011\\012\\043\xff rw - tmpfs none rw');
    assert.equal(mount?.root, '/a b');
    assert.equal(mount?.path, '/mnt/\\040\t\n#\xff');
  });

  test('a source without a name does not move the type', () => {
    // A blank stands where the source would: mount("", "/mnt", "tmpfs", 0, NULL).
    const [mount] = parseMountTable('36 35 0:5 / /mnt rw,noexec shared:7 - tmpfs  rw');
    assert.equal(mount?.type, 'tmpfs');
    assert.deepEqual(mount?.options, ['rw', 'noexec']);
  });

  test('a line that is none of a mount is an error: the mount would stay as it is', () => {
    assert.deepEqual(parseMountTable(''), []);
    for (const wrong of ['something else', '36 35 0:5 / /mnt rw', ' ']) {
      assert.throws(() => parseMountTable(`36 35 0:5 / /mnt rw - tmpfs none rw\n${wrong}\n`), {
        name: 'TrampfdError',
        code: 'EIO',
        message: /^a mount cannot be read: ".*" in \/proc\/self\/mountinfo$/,
      });
    }
  });

  test('any mount is read back from its line', () => {
    // A path is never '-' alone: all begin with a slash. Optional fields have a colon or are `unbindable`.
    const path = fc
      .array(fc.constantFrom(...' \t\n\r\v\f\\#-/a04\x80\x85\xa0\xff'), { maxLength: 12 })
      .map((bytes) => `/${bytes.join('')}`);
    const fields = {
      id: fc.nat(),
      parent: fc.nat(),
      device: fc.tuple(fc.nat(4095), fc.nat(1_048_575)).map((numbers) => numbers.join(':')),
      root: path,
      path,
      type: fc.constantFrom('ext4', 'fuse.sshfs', 'proc', 'nfs4', '9p'),
      options: fc.subarray(['rw', 'nosuid', 'nodev', 'noexec', 'relatime', 'idmapped'], { minLength: 1 }),
      source: fc.constantFrom('/dev/vda', 'none', '-', 'server:/export', '', '/a b'),
      fileSystemOptions: fc.array(fc.constantFrom('rw', 'lowerdir=/a:/b', 'upperdir=/a,b c\\', 'x'), { minLength: 1 }),
    };
    const mount = fc.record(fields, { noNullPrototype: true });
    const optional = fc.subarray(['shared:1', 'master:22', 'propagate_from:3', 'unbindable']);
    fc.assert(
      fc.property(fc.array(fc.tuple(mount, optional), { maxLength: 5 }), (mounts) => {
        const text = mounts.map((one) => `${line(...one)}\n`).join('');
        assert.deepEqual(
          parseMountTable(text),
          mounts.map(([one]) => one),
        );
      }),
    );
  });
});

describe('mounts that their paths lead to', () => {
  const mount = (id: number, parent: number, path: string): Mount => ({
    id,
    parent,
    device: `0:${id}`,
    root: '/',
    path,
    type: 'tmpfs',
    options: [],
    source: 'tmpfs',
    fileSystemOptions: [],
  });
  const visible = (mounts: readonly Mount[]): number[] => visibleMounts(mounts).map(({ id }) => id);

  test('are all, where none lies over another', () => {
    const mounts = [mount(2, 1, '/'), mount(3, 2, '/usr'), mount(4, 3, '/usr/share/doc'), mount(5, 2, '/usrlocal')];
    assert.deepEqual(visible(mounts), [2, 3, 4, 5]);
  });

  test('one at the same path hides the one before, and what is mounted in that', () => {
    const mounts = [
      mount(2, 1, '/'),
      mount(3, 2, '/mnt'),
      mount(4, 3, '/mnt/in'),
      mount(5, 3, '/mnt'),
      mount(6, 5, '/mnt'),
    ];
    assert.deepEqual(visible(mounts), [2, 6]);
  });

  test('one over a folder on the way hides as well', () => {
    const mounts = [mount(2, 1, '/'), mount(3, 2, '/mnt/a/b'), mount(4, 2, '/mnt'), mount(5, 4, '/mnt/a/b')];
    assert.deepEqual(visible(mounts), [2, 4, 5]);
  });

  test('another root hides all', () => {
    assert.deepEqual(visible([mount(2, 1, '/'), mount(3, 2, '/usr'), mount(4, 2, '/'), mount(5, 4, '/usr')]), [4, 5]);
    assert.deepEqual(visible([mount(2, 2, '/'), mount(3, 2, '/usr')]), [2, 3]);
    assert.deepEqual(visible([]), []);
  });

  test('of this system, are those that statx(2) finds there', () => {
    const mounts = mountTable();
    const seen = visibleMounts(mounts);
    const paths = seen.map(({ path }) => path);
    assert.deepEqual([...new Set(paths)], paths);
    // stat(1) says of a path on which mount it lies, by the device.
    for (const { path, device } of seen) {
      const { stdout, status } = spawnSync('stat', ['--format=%Hd:%Ld', Buffer.from(path, 'latin1').toString()], {
        encoding: 'utf8',
      });
      if (status === 0) assert.equal(stdout.trim(), device, path);
    }
    assert.ok(paths.includes('/'));
  });
});

test('the table of this system is what findmnt(8) reads of it', () => {
  const { stdout, status } = spawnSync('findmnt', ['--json', '--list', '--output', 'TARGET,FSROOT,FSTYPE,MAJ:MIN'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  const { filesystems } = JSON.parse(stdout) as { filesystems: readonly Readonly<Record<string, string>>[] };
  assert.deepEqual(
    mountTable().map(({ path, root, type, device }) => [Buffer.from(path, 'latin1').toString(), root, type, device]),
    filesystems.map((one) => [one['target'], one['fsroot'], one['fstype'], one['maj:min']]),
  );
});
