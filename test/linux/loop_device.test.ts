/**
 * Which parts of files block devices write to, from a folder that has what sysfs has.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { filePartsOf } from '../../src/linux/loop_device.js';

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

const LIMIT = { 'loop/offset': '4096', 'loop/sizelimit': '1048576' };
device('sda', '8:0');
device('loop0', '7:0', { 'loop/backing_file': '/srv/a b.img', 'loop/offset': '0', 'loop/sizelimit': '0' });
device('loop0/loop0p2', '259:0', { partition: '2', start: '8', size: '16' });
device('loop1', '7:1', { 'loop/backing_file': '/srv/b.img', ...LIMIT });
device('loop1/loop1p1', '259:1', { partition: '1', start: '1', size: '2' });
device('dm-0', '252:0');
mkdirSync(join(sys, 'devices/dm-0/slaves'));
for (const name of ['sda', 'loop1']) symlinkSync(join(sys, 'devices', name), join(sys, 'devices/dm-0/slaves', name));
device('dm-1', '252:1');
mkdirSync(join(sys, 'devices/dm-1/slaves'));
symlinkSync(join(sys, 'devices/dm-1'), join(sys, 'devices/dm-1/slaves/dm-1'));

test('a disk writes to no file, and what is not there to none', () => {
  assert.deepEqual(filePartsOf('8:0', sys), []);
  assert.deepEqual(filePartsOf('9:9', sys), []);
  assert.deepEqual(filePartsOf('252:1', sys), []);
});

test('a loop device writes to its file from its offset on, to its end where it has no limit', () => {
  const [whole, ...others] = filePartsOf('7:0', sys);
  assert.deepEqual(others, []);
  assert.equal(whole?.file, '/srv/a b.img');
  assert.equal(whole.from, 0);
  assert.ok(whole.to > 2 ** 50);
  assert.deepEqual(filePartsOf('7:1', sys), [{ loop: 'loop1', file: '/srv/b.img', from: 4096, to: 4096 + 1048576 }]);
});

test('a partition of one writes to a part of that, a mapping to all of it', () => {
  assert.deepEqual(filePartsOf('259:0', sys), [{ loop: 'loop0', file: '/srv/a b.img', from: 4096, to: 4096 + 8192 }]);
  assert.deepEqual(filePartsOf('259:1', sys), [{ loop: 'loop1', file: '/srv/b.img', from: 4608, to: 4608 + 1024 }]);
  assert.deepEqual(filePartsOf('252:0', sys), filePartsOf('7:1', sys));
});
