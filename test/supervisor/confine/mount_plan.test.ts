/**
 * Mount plans: from tables of mounts, what of them is to be done.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MOUNT } from '../../../src/abi/mount.js';
import { type Mount, mountTable } from '../../../src/linux/mount_table.js';
import { isWithin, mountOf, type OwnMount, planMounts } from '../../../src/supervisor/confine/mount_plan.js';

const PART = MOUNT.MOUNT_ATTR_RDONLY | MOUNT.MOUNT_ATTR_NODEV | MOUNT.MOUNT_ATTR_NOEXEC;

/** A mount, as `DEVICE:ROOT PATH`, where ROOT is that of the file system and may be left out with its colon. */
function mount(text: string, type = 'ext4'): Mount {
  const [from = '', path = ''] = text.split(' ');
  const [device = '', root = '/'] = from.split(':');
  return {
    id: 0,
    parent: 0,
    device: `254:${device}`,
    root,
    path,
    type,
    options: ['rw'],
    source: 'none',
    fileSystemOptions: [],
  };
}

/** What can be neither written nor executed. */
function closed(path: string): OwnMount {
  return { path, attributes: PART };
}

/** What becomes read-only: mounts by their paths, and parts of mounts as `part PATH`. */
function readOnly(mounts: readonly Mount[], trees: readonly string[]): readonly string[] {
  const { own, readOnly: whole } = planMounts(mounts, trees);
  const parts = own.filter(({ attributes }) => attributes === PART).map(({ path }) => `part ${path}`);
  return [...whole, ...parts].sort();
}

describe('a folder', () => {
  test('holds itself and what is below it, and nothing whose name only begins so', () => {
    for (const path of ['/usr', '/usr/bin', '/usr//x']) assert.ok(isWithin(path, '/usr'), path);
    for (const path of ['/usr2', '/us', '/', '/bin/usr']) assert.ok(!isWithin(path, '/usr'), path);
    for (const path of ['/', '/usr', '/a/b']) assert.ok(isWithin(path, '/'), path);
  });
});

describe('the mount that a path lies on', () => {
  const root = mount('1 /');
  const usr = mount('2 /usr');
  const first = mount('3 /mnt');
  const second = mount('4 /mnt');
  const mounts = [root, usr, first, second];

  test('is the one that is mounted nearest, and the last of those at one place', () => {
    assert.equal(mountOf(mounts, '/etc'), root);
    assert.equal(mountOf(mounts, '/usr'), usr);
    assert.equal(mountOf(mounts, '/usr/lib'), usr);
    assert.equal(mountOf(mounts, '/usrlocal'), root);
    assert.equal(mountOf(mounts, '/mnt/x'), second);
    assert.equal(mountOf([], '/mnt'), undefined);
  });
});

describe('a plan', () => {
  test('makes all that there was unexecutable, and puts trees and what is guarded over themselves', () => {
    const plan = planMounts([mount('1 /')], ['/usr', '/opt'], [closed('/srv/trampfd'), closed('/opt')]);
    assert.equal(plan.attributes, MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV);
    assert.deepEqual(plan.own, [
      { path: '/usr', attributes: MOUNT.MOUNT_ATTR_RDONLY | MOUNT.MOUNT_ATTR_NODEV },
      { path: '/opt', attributes: PART },
      { path: '/srv/trampfd', attributes: PART },
    ]);
    assert.deepEqual(plan.readOnly, []);
  });

  test('nothing is executable and writable: of own mounts, each has one of both attributes', () => {
    const tree = fc.constantFrom('/usr', '/opt', '/home/u/build', '/home/u/build/bin', '/usr/local');
    fc.assert(
      fc.property(fc.array(tree), fc.array(tree), (trees, guarded) => {
        const { own } = planMounts([mount('1 /')], trees, guarded.map(closed));
        for (const { attributes } of own) {
          assert.notEqual(attributes & (MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_RDONLY), 0);
        }
        const paths = own.map(({ path }) => path);
        assert.equal(new Set(paths).size, paths.length);
        for (const wanted of [...trees, ...guarded])
          assert.ok(
            paths.some((path) => isWithin(wanted, path)),
            wanted,
          );
        const trusted = own.filter(({ attributes }) => (attributes & MOUNT.MOUNT_ATTR_NOEXEC) === 0);
        const said = [...trees].sort().join(' ');
        for (const { path } of trusted)
          assert.ok(
            trees.some((one) => one === path),
            `${path}, of ${said}`,
          );
        for (const one of trusted) {
          assert.ok(!trusted.some((other) => other !== one && isWithin(one.path, other.path)), one.path);
        }
      }),
    );
  });

  test('a tree within another is part of that one', () => {
    const { own } = planMounts([mount('1 /')], ['/usr/local/tree', '/usr', '/usr/lib']);
    assert.deepEqual(
      own.map(({ path }) => path),
      ['/usr'],
    );
  });

  test('what is the kernel becomes read-only, wherever it is mounted', () => {
    const mounts = [
      mount('1 /'),
      mount('2 /proc', 'proc'),
      mount('2:/sys /proc/sys', 'proc'),
      mount('3 /sys', 'sysfs'),
      mount('4 /sys/fs/cgroup', 'cgroup2'),
      mount('5 /sys/kernel/debug', 'debugfs'),
      mount('7 /sys/fs/fuse/connections', 'fusectl'),
      mount('2 /srv/chroot/proc', 'proc'),
      mount('6 /tmp', 'tmpfs'),
    ];
    assert.deepEqual(readOnly(mounts, ['/usr']), [
      '/proc',
      '/proc/sys',
      '/srv/chroot/proc',
      '/sys',
      '/sys/fs/cgroup',
      '/sys/fs/fuse/connections',
      '/sys/kernel/debug',
    ]);
  });
});

describe('other views of a tree become read-only', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ['none, where its file system is mounted once', ['1 /', '2 /home'], ['/usr'], []],
    ['the tree itself, bound elsewhere', ['1 /', '1:/usr /mnt/usr'], ['/usr'], ['/mnt/usr']],
    ['a part of it', ['1 /', '1:/usr/lib /srv/lib'], ['/usr'], ['/srv/lib']],
    ['the whole file system', ['1 /', '1 /mnt/system'], ['/usr'], ['part /mnt/system/usr']],
    ['a folder that holds it', ['1 /', '1:/home /mnt'], ['/home/u/build'], ['part /mnt/u/build']],
    ['no folder beside it', ['1 /', '1:/var /mnt', '1:/usr2 /mnt2'], ['/usr'], []],
    [
      'of a tree that is a mount',
      ['1 /', '2 /usr', '2 /mnt/usr', '2:/lib /mnt/lib'],
      ['/usr'],
      ['/mnt/lib', '/mnt/usr'],
    ],
    ['no other file system at the same place in it', ['1 /', '2:/usr /mnt'], ['/usr'], []],
    ['of a subvolume', ['1:/@ /', '1:/@home /home', '1 /mnt/top'], ['/usr'], ['part /mnt/top/@/usr']],
    ['of a subvolume, by its own name', ['1:/@ /', '1:/@/usr /mnt/usr'], ['/usr'], ['/mnt/usr']],
    [
      'of a folder of /home on a subvolume',
      ['1:/@ /', '1:/@home /home', '1:/@home/u /mnt'],
      ['/home/u/b'],
      ['part /mnt/b'],
    ],
    ['no view within a tree, for that is read-only already', ['1 /', '1:/usr/lib /opt/lib'], ['/usr', '/opt'], []],
    ['of what is mounted within a tree', ['1 /', '2 /usr/share', '2 /mnt'], ['/usr'], ['/mnt']],
    ['of a part of what is mounted within', ['1 /', '2:/a /usr/share', '2:/a/b /mnt'], ['/usr'], ['/mnt']],
    [
      'of what is bound within from elsewhere',
      ['1 /', '1:/srv/tools /usr/tools', '1:/srv /mnt'],
      ['/usr'],
      ['part /mnt/tools', 'part /srv/tools'],
    ],
    ['of a single file', ['1 /', '1:/home/u/tool /srv/tool'], ['/home/u/tool'], ['/srv/tool']],
    ['not what is hidden there by another mount', ['1 /', '2 /srv', '1:/srv/tools /usr/tools'], ['/usr'], []],
    ['before a tree that lies in such a part', ['1 /', '1:/srv /usr/srv'], ['/usr', '/srv/a'], ['part /srv']],
    ['not the mount below, where two are at one place', ['1 /', '1 /'], ['/usr'], []],
  ];
  for (const [name, mounts, trees, expected] of cases) {
    test(name, () => {
      assert.deepEqual(
        readOnly(
          mounts.map((text) => mount(text)),
          trees,
        ),
        expected,
      );
    });
  }

  test('whatever is bound where: no mount shows a file of a tree for writing', () => {
    const part = fc.constantFrom('', '/a', '/a/b', '/a/b/c', '/d');
    const view = fc.tuple(part, fc.nat(5)).map(([root, place]) => mount(`1:${root || '/'} /v${place}`));
    const tree = fc.constantFrom('/a', '/a/b', '/a/b/c', '/d');
    fc.assert(
      fc.property(fc.uniqueArray(view, { selector: ({ path }) => path }), fc.array(tree), (views, trees) => {
        const plan = planMounts([mount('1 /'), ...views], trees);
        for (const { root, path } of views) {
          const said = `${root} at ${path}`;
          assert.equal(
            plan.readOnly.includes(path),
            trees.some((one) => isWithin(root, one)),
            said,
          );
          const held = trees.filter(
            (one) => one !== root && isWithin(one, root) && !trees.some((other) => isWithin(root, other)),
          );
          const parts = plan.own.filter((one) => one.attributes === PART && isWithin(one.path, path));
          for (const one of held) {
            const there = `${path}${root === '/' ? one : one.slice(root.length)}`;
            assert.ok(
              parts.some((part) => isWithin(there, part.path)),
              said,
            );
          }
          assert.equal(parts.length > 0, held.length > 0, said);
        }
      }),
    );
  });
});

test('what lies in a folder is put there behind it', () => {
  const { own } = planMounts(
    [mount('1 /'), mount('1:/srv /usr/srv')],
    ['/srv/a', '/usr'],
    [closed('/home'), closed('/home/x')],
  );
  assert.deepEqual(
    own.map(({ path }) => path),
    ['/usr', '/srv', '/home', '/srv/a', '/home/x'],
  );
});

test('the plan for this system: every tree has a mount of its own, every /proc is read-only', () => {
  const mounts = mountTable();
  const plan = planMounts(mounts, ['/usr']);
  assert.deepEqual(
    plan.own.map(({ path }) => path),
    ['/usr'],
  );
  for (const { type, path } of mounts) if (type === 'proc') assert.ok(plan.readOnly.includes(path), path);
});
