/**
 * What block devices keep their blocks in: from a folder that has what sysfs has, and from this system's own.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { backingOf, btrfsDevices, deviceName } from '../../src/linux/block_device.js';

const sys = mkdtempSync(join(tmpdir(), 'trampfd-sysfs-'));
after(() => rmSync(sys, { recursive: true, force: true }));

/** Adds a device: where its folder is, its number, and what is in the folder. */
function device(folder: string, number: string, files: Readonly<Record<string, string>> = {}): void {
  for (const [name, text] of Object.entries({ dev: number, ...files })) {
    mkdirSync(dirname(join(sys, 'devices', folder, name)), { recursive: true });
    writeFileSync(join(sys, 'devices', folder, name), `${text}\n`);
  }
  mkdirSync(join(sys, 'dev/block'), { recursive: true });
  symlinkSync(join(sys, 'devices', folder), join(sys, 'dev/block', number));
}

/** Has a device lie on others. */
function slaves(folder: string, ...names: readonly string[]): void {
  mkdirSync(join(sys, 'devices', folder, 'slaves'), { recursive: true });
  for (const name of names) symlinkSync(join(sys, 'devices', name), join(sys, 'devices', folder, 'slaves', name));
}

device('sda', '8:0');
device('sda/sda1', '8:1', { partition: '1' });
device('loop0', '7:0', { 'loop/backing_file': '/srv/a b.img' });
device('loop0/loop0p1', '259:0', { partition: '1' });
device('loop1', '7:1', { 'loop/backing_file': '/srv/gone.img (deleted)' });
device('loop2', '7:2', { 'loop/backing_file': `${sys}/is (deleted)` });
writeFileSync(join(sys, 'is (deleted)'), '');
device('loop3', '7:3');
device('zram0', '253:0', { backing_dev: 'none' });
device('zram1', '253:1', { backing_dev: '/srv/swap' });
device('nbd0', '43:0');
device('dm-0', '252:0');
slaves('dm-0', 'loop0', 'sda');
device('md0', '9:0');
slaves('md0', 'dm-0', 'loop2');
device('dm-1', '252:1');
slaves('dm-1', 'dm-1');

const files = (number: string): readonly string[] => {
  const { files: found, unknown } = backingOf(number, sys);
  assert.deepEqual(unknown, []);
  return found.map((path) => path.replace(sys, 'SYS'));
};

describe('a block device', () => {
  test('of hardware has no file, and neither has a part of it', () => {
    assert.deepEqual(files('8:0'), []);
    assert.deepEqual(files('8:1'), []);
    assert.deepEqual(files('253:0'), []);
  });

  test('that is a loop device has one, and so has a part of it', () => {
    assert.deepEqual(files('7:0'), ['/srv/a b.img']);
    assert.deepEqual(files('259:0'), ['/srv/a b.img']);
    assert.deepEqual(files('7:2'), ['SYS/is (deleted)']);
    assert.deepEqual(files('253:1'), ['/srv/swap']);
  });

  test('that lies on others has all of theirs', () => {
    assert.deepEqual(files('252:0'), ['/srv/a b.img']);
    assert.deepEqual(files('9:0').toSorted(), ['/srv/a b.img', 'SYS/is (deleted)']);
  });

  test('whose blocks cannot be told is not known, and why', () => {
    const unknown = (number: string): string => backingOf(number, sys).unknown.join();
    assert.equal(unknown('7:1'), 'the file of loop1 has been removed: /srv/gone.img');
    assert.equal(unknown('7:3'), 'loop3 has no file any more');
    assert.equal(unknown('43:0'), 'a process serves the block device nbd0');
    assert.match(unknown('252:1'), /^block device 252:1 lies on too many others/);
  });

  test('without /sys, is known by its driver: loop devices are not, disks are', () => {
    assert.match(backingOf('7:0', join(sys, 'nowhere')).unknown.join(), /^\/sys is not there to tell/);
    assert.deepEqual(backingOf('8:0', join(sys, 'nowhere')).files, []);
  });
});

test('devices of a btrfs are those that its folder names', () => {
  for (const [system, ...names] of [
    ['uuid-1', 'loop0', 'loop1'],
    ['uuid-2', 'sda'],
  ]) {
    mkdirSync(join(sys, 'fs/btrfs', system ?? '', 'devices'), { recursive: true });
    for (const name of names)
      symlinkSync(join(sys, 'devices', name), join(sys, 'fs/btrfs', system ?? '', 'devices', name));
  }
  assert.deepEqual(btrfsDevices('/dev/root', sys).toSorted(), ['7:0', '7:1', '8:0']);
  assert.deepEqual(btrfsDevices('/nowhere', join(sys, 'nowhere')), []);
});

test('devices of this system have the numbers that /sys has', () => {
  for (const number of readdirSync('/sys/dev/block')) {
    const [major, minor] = number.split(':').map(Number);
    // makedev(3)
    const device = ((major ?? 0) << 8) | ((minor ?? 0) & 0xff) | (((minor ?? 0) & ~0xff) << 12);
    assert.equal(deviceName(device), number);
  }
  assert.match(deviceName(statSync('/').dev), /^\d+:\d+$/);
});
