/** Kernels' packages are found by their names, the newest of several; modules are loaded in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadingOrder } from './initramfs.js';
import { byVersion, kernels } from './kernels.js';

const NAMES = [
  'linux-image-5.10.0-9-amd64',
  'linux-image-5.10.0-46-amd64',
  'linux-image-5.10.0-46-amd64-unsigned',
  'linux-image-5.10.0-46-rt-amd64',
  'linux-image-6.1.0-57-amd64',
  'linux-image-6.1.0-57-cloud-amd64',
  'linux-image-6.12.118+deb13-amd64',
  'linux-image-6.12.9+deb13-amd64',
  'linux-image-6.19.14+deb13-amd64',
  'linux-image-7.3.4+deb13-amd64',
  'linux-image-7.3.4+deb13-amd64-dbg',
];

test('the newest package of each kernel', () => {
  const newest = kernels.map(({ name, image }) => [
    name,
    NAMES.filter((each) => image.test(each))
      .sort(byVersion)
      .at(-1),
  ]);
  assert.deepEqual(newest, [
    ['5.10', 'linux-image-5.10.0-46-amd64'],
    ['6.1', 'linux-image-6.1.0-57-amd64'],
    ['6.12', 'linux-image-6.12.118+deb13-amd64'],
    ['newest', 'linux-image-7.3.4+deb13-amd64'],
  ]);
});

test('a module comes behind what it needs, each once, and one that is built in not at all', () => {
  const dependencies = [
    'kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/crypto/crc32c_generic.ko.xz',
    'kernel/drivers/virtio/virtio_pci.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz',
    'kernel/crypto/crc32c_generic.ko.xz:',
    'kernel/other/not-ext4.ko.xz: kernel/other/more.ko.xz',
    '',
  ].join('\n');
  assert.deepEqual(loadingOrder(dependencies, ['virtio-pci', 'virtio_pci', 'crc32c_generic', 'ext4', 'virtio_blk']), [
    'kernel/drivers/virtio/virtio_ring.ko.xz',
    'kernel/drivers/virtio/virtio_pci.ko.xz',
    'kernel/crypto/crc32c_generic.ko.xz',
    'kernel/fs/jbd2/jbd2.ko.xz',
    'kernel/fs/ext4/ext4.ko.xz',
  ]);
});
