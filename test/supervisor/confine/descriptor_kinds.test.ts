/**
 * The decision on an inherited descriptor: what stands in no list is refused, whatever else is true of it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FCNTL, FILE_KIND } from '../../../src/abi/fcntl.js';
import { MAGIC, MQUEUE_MAGIC } from '../../../src/abi/magic.js';
import { SOCKET } from '../../../src/abi/socket.js';
import { type DescriptorFacts, descriptorKind } from '../../../src/supervisor/confine/descriptor_kinds.js';

const nothing: DescriptorFacts = {
  mode: 0,
  device: 0,
  link: '',
  isOtherRoot: false,
  flags: 0,
  fileSystem: 0,
  isTerminal: false,
  socket: undefined,
};

function kindOf(facts: Partial<DescriptorFacts>): string {
  return descriptorKind({ ...nothing, ...facts }).kind;
}

/** makedev(3), for numbers below 256 and majors below 4096. */
function device(major: number, minor: number): number {
  return major * 256 + minor;
}

describe('the kind of a descriptor', () => {
  test('of the uppermost folder or file of a mount that is attached nowhere is refused', () => {
    for (const mode of [FILE_KIND.S_IFDIR, FILE_KIND.S_IFREG]) {
      assert.equal(kindOf({ mode, link: '/', isOtherRoot: true }), 'refused');
      assert.notEqual(kindOf({ mode, link: '/' }), 'refused');
    }
  });

  test('of an object of the kernel is known by its name, with brackets or without', () => {
    for (const name of ['[eventfd]', '[timerfd]', '[signalfd]', '[eventpoll]', 'inotify', '[inotify]', '[pidfd]']) {
      assert.equal(kindOf({ link: `anon_inode:${name}` }), 'kept', name);
    }
    for (const name of ['[io_uring]', 'bpf-map', 'seccomp notify', 'kvm-vm', '[new]', '[eventfd2]', '', '[pidfd] x']) {
      assert.equal(kindOf({ link: `anon_inode:${name}` }), 'refused', name);
    }
    for (const link of ['', '/dmabuf:', 'pidfd:[1]', '/anon_inode:[eventfd]', 'x anon_inode:[eventfd]']) {
      assert.equal(kindOf({ link }), 'refused', link);
    }
  });

  test('of a socket is known by its family, of which most are refused', () => {
    const kinds = Array.from({ length: 64 }, (_, family) => [
      family,
      kindOf({ mode: FILE_KIND.S_IFSOCK, socket: { family, protocol: 0, isListening: false } }),
    ]);
    const others = kinds.filter(([, kind]) => kind !== 'refused');
    assert.deepEqual(others, [
      [SOCKET.AF_UNIX, 'queue'],
      [SOCKET.AF_INET, 'kept'],
      [SOCKET.AF_INET6, 'kept'],
      [SOCKET.AF_NETLINK, 'kept'],
      [SOCKET.AF_CAN, 'kept'],
      [SOCKET.AF_TIPC, 'kept'],
      [SOCKET.AF_BLUETOOTH, 'kept'],
      [SOCKET.AF_VSOCK, 'kept'],
    ]);
    const { AF_UNIX: family } = SOCKET;
    assert.equal(kindOf({ mode: FILE_KIND.S_IFSOCK, socket: { family, protocol: 0, isListening: true } }), 'kept');
    // By this one udev tells of devices.
    const udev = { family: SOCKET.AF_NETLINK, protocol: 15, isListening: false };
    assert.equal(kindOf({ mode: FILE_KIND.S_IFSOCK, socket: udev }), 'refused');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFSOCK }), 'refused');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFSOCK, flags: FCNTL.O_PATH }), 'kept');
  });

  test('of a device is to be opened again, but for terminals and what passes packets', () => {
    const all = Array.from({ length: 512 }, (_, major) =>
      Array.from({ length: 256 }, (_, minor) => ({
        numbers: `${major}:${minor}`,
        found: descriptorKind({ ...nothing, mode: FILE_KIND.S_IFCHR, device: device(major, minor), link: '/dev/it' }),
      })),
    ).flat();
    const majors = new Set(
      all.filter(({ found }) => found.kind === 'kept').map(({ numbers }) => numbers.split(':')[0]),
    );
    const terminals = [4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229].map(String);
    assert.deepEqual([...majors].sort(), [...terminals, '10'].sort());
    assert.deepEqual(
      all
        .filter(({ found, numbers }) => found.kind === 'kept' && numbers.startsWith('10:'))
        .map(({ numbers }) => numbers),
      ['10:200'],
    );
    const staying = all.filter(({ found }) => found.kind === 'device' && found.canStay);
    assert.deepEqual(
      staying.map(({ numbers }) => numbers),
      ['1:3', '1:7', '1:8', '1:9'],
    );
    const zero = descriptorKind({ ...nothing, mode: FILE_KIND.S_IFCHR, device: device(1, 5), link: '/there/zero' });
    assert.deepEqual(zero, { kind: 'device', paths: ['/dev/zero', '/there/zero'], canStay: false });
    assert.equal(kindOf({ mode: FILE_KIND.S_IFCHR, device: device(240, 0), isTerminal: true }), 'kept');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFBLK, device: device(8, 0), link: '/dev/sda' }), 'refused');
  });

  test('of a file is known by the kernel, not by its name', () => {
    const file = (link: string, fileSystem = 0): string => kindOf({ mode: FILE_KIND.S_IFREG, link, fileSystem });
    assert.equal(file('/a/file'), 'file');
    assert.equal(file('/memfd:x (deleted)'), 'file');
    assert.equal(file('mnt:[4026531841]', MAGIC.NSFS_MAGIC), 'kept');
    assert.equal(file('mnt:[4026531841]'), 'refused');
    assert.equal(file('/queue', MQUEUE_MAGIC), 'kept');
    assert.equal(file('anon_inode:[eventfd]'), 'refused');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFDIR, link: '/' }), 'folder');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFLNK, link: '/a/link' }), 'link');
    assert.equal(kindOf({ mode: FILE_KIND.S_IFIFO, link: 'pipe:[1]' }), 'kept');
    assert.equal(kindOf({ mode: 0o150000, link: '/door' }), 'refused');
  });
});
