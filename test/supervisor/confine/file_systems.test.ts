/**
 * Where the files of a file system come from, by lines of a mount table as kernels and container engines write them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMountTable } from '../../../src/linux/mount_table.js';
import { placesElsewhere } from '../../../src/supervisor/confine/backing.js';
import { type Content, contentOf, lowerFolders } from '../../../src/supervisor/confine/file_systems.js';
import type { Reader } from '../../../src/supervisor/confine/reader.js';

const user: Reader = { userId: 1000, isPrivileged: false, changesNetwork: false, addresses: () => ['192.0.2.7'] };
const root: Reader = { userId: 0, isPrivileged: true, changesNetwork: true, addresses: () => ['192.0.2.7'] };

/** The content of a mount, by what stands behind the hyphen of its line. */
function content(rest: string, reader: Reader, path = '/mnt', device = '0:40'): Content {
  const [mount] = parseMountTable(`36 35 ${device} / ${path} rw - ${rest}`);
  assert.ok(mount !== undefined);
  return contentOf(mount, reader);
}

describe('the folders of an overlay', () => {
  test('are parted by colons, but for those that are escaped', () => {
    assert.deepEqual(lowerFolders('/a:/b'), ['/a', '/b']);
    assert.deepEqual(lowerFolders('/a::/data:/b'), ['/a', '/data', '/b']);
    assert.deepEqual(lowerFolders(':/a'), ['/a']);
    assert.deepEqual(lowerFolders('/a\\:b:/c\\\\'), ['/a:b', '/a\\:b', '/c\\', '/c\\\\']);
  });

  test('are read from each of the options that name some', () => {
    const { layers, doubt } = content(
      'overlay none rw,lowerdir=/l\\0541:/l\\0402,upperdir=/up,workdir=/work,xino=off',
      root,
    );
    assert.deepEqual(layers, ['/l,1', '/l 2', '/up', '/work']);
    assert.equal(doubt, undefined);
    assert.deepEqual(content('overlay none ro,lowerdir+=/a:b,lowerdir+=/c,datadir+=/d', root).layers, [
      '/a:b',
      '/c',
      '/d',
    ]);
  });
});

test('what is mounted from a folder or a file has that as its layer', () => {
  assert.deepEqual(content('ecryptfs /home/.ecryptfs/u/.Private rw', user).layers, ['/home/.ecryptfs/u/.Private']);
  assert.deepEqual(content('erofs /srv/image.erofs ro', user).layers, ['/srv/image.erofs']);
  assert.deepEqual(content('erofs /dev/loop0 ro', user, '/mnt', '7:0'), {
    layers: [],
    isOnDevice: true,
    doubt: undefined,
  });
});

describe('a file system is trusted', () => {
  const doubted = (rest: string, reader: Reader, path?: string): boolean | undefined =>
    content(rest, reader, path).doubt?.canBeNamed;
  const cases: readonly (readonly [string, boolean | undefined, boolean | undefined])[] = [
    // What it is, and whether naming helps: for a user, for root. None where it is trusted.
    ['ext4 /dev/sda1 rw', undefined, undefined],
    ['tmpfs tmpfs rw', undefined, undefined],
    // Root can have the server's address itself, but not its key.
    ['nfs4 server:/export rw,vers=4.2,sec=sys,addr=192.0.2.9', undefined, true],
    ['nfs4 server:/export rw,vers=4.2,sec=krb5,addr=192.0.2.9', undefined, true],
    ['nfs4 server:/export rw,vers=4.2,sec=krb5i,addr=192.0.2.9', undefined, undefined],
    ['nfs server:/export rw,vers=3,sec=krb5p,addr=192.0.2.9', undefined, undefined],
    ['cifs //server/share rw,vers=3.1.1,sec=ntlmssp,addr=192.0.2.9', undefined, true],
    ['cifs //server/share rw,vers=3.1.1,sec=ntlmsspi,addr=192.0.2.9', undefined, undefined],
    ['smb3 //server/share rw,vers=3.1.1,seal,addr=192.0.2.9', undefined, undefined],
    ['ceph 192.0.2.9:/ rw,name=admin', undefined, true],
    ['9p 192.0.2.9 rw,trans=tcp', undefined, true],
    ['nfs4 server:/export rw,addr=192.0.2.7', true, true],
    ['nfs localhost:/export rw,addr=127.0.0.1', true, true],
    ['virtiofs share rw', undefined, undefined],
    ['9p share rw,trans=virtio', undefined, undefined],
    ['9p 127.0.0.1 rw,trans=tcp', true, true],
    ['9p drivers ro,trans=fd,rfd=8,wfd=8', true, true],
    ['fuse.sshfs host:/ rw,user_id=1000,group_id=1000', false, false],
    ['fuse.snapfuse snapfuse ro,user_id=0,group_id=0,allow_other', undefined, false],
    ['fuseblk /dev/sdb1 rw,user_id=0,group_id=0', undefined, undefined],
    ['fuse.x x rw', false, false],
    ['aufs none rw,si=1', true, true],
    ['somethingnew none rw', true, true],
  ];
  for (const [rest, ofUser, ofRoot] of cases) {
    test(rest, () => {
      assert.deepEqual([doubted(rest, user), doubted(rest, root)], [ofUser, ofRoot]);
    });
  }

  test('from a server, by root that may not change addresses', () => {
    const bound: Reader = { ...root, changesNetwork: false };
    assert.equal(doubted('nfs4 server:/export rw,vers=4.2,sec=sys,addr=192.0.2.9', bound), undefined);
    assert.equal(doubted('nfs4 server:/export rw,addr=192.0.2.7', bound), true);
  });

  test('where it holds the root folder, whoever serves it; one of an unknown type is not', () => {
    for (const rest of [
      'fuse.fuse-overlayfs fuse-overlayfs rw,user_id=0',
      '9p root rw,trans=fd',
      'nfs h:/ rw,addr=127.0.0.1',
    ]) {
      assert.equal(doubted(rest, root, '/'), undefined, rest);
    }
    assert.equal(doubted('somethingnew none rw', root, '/'), true);
  });
});

test('what has a path of another namespace is looked for on mounts that show a folder on the way to it', () => {
  const mounts = parseMountTable(
    [
      '1 0 0:50 / / rw - overlay overlay rw',
      '2 1 254:1 / /host rw - ext4 /dev/vda1 rw',
      '3 1 254:1 /var/lib/docker/volumes/x/_data /data rw - ext4 /dev/vda1 rw',
      '4 1 254:2 / /disk rw - ext4 /dev/vda2 rw',
      '5 1 254:1 /var/lib/docker /docker rw - ext4 /dev/vda1 rw',
    ].join('\n'),
  );
  const [own] = mounts;
  assert.ok(own !== undefined);
  const path = '/var/lib/docker/overlay2/id/diff';
  assert.deepEqual(placesElsewhere(path, mounts, own), [
    `/host${path}`,
    `/disk${path}`,
    '/docker/overlay2/id/diff',
    // Another disk may have been mounted on the way.
    ...['/host', '/disk'].map((at) => `${at}/lib/docker/overlay2/id/diff`),
    ...['/host', '/disk'].map((at) => `${at}/docker/overlay2/id/diff`),
    ...['/host', '/disk'].map((at) => `${at}/overlay2/id/diff`),
  ]);
});
