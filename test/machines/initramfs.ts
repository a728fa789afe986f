/**
 * The first file system of a guest: a static busybox and the modules that its disk needs (initramfs, kernel's
 * Documentation/filesystems/ramfs-rootfs-initramfs.rst).
 *
 * @module
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { command } from './command.js';
import type { UnpackedKernel } from './kernels.js';

/** Modules that a guest's disk needs, where they are not built into the kernel. */
const WANTED = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'crc32c', 'ext4'] as const;

/**
 * The files of modules and of what they need, in an order in which they can be loaded one by one.
 *
 * @param dependencies - the text of modules.dep(5): each file with those that it needs, the last one first
 */
export function loadingOrder(dependencies: string, wanted: readonly string[] = WANTED): readonly string[] {
  const needs = dependencies
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => line.replace(':', '').trim().split(/\s+/));
  const nameOf = (path: string): string =>
    basename(path)
      .replace(/\.ko.*$/, '')
      .replaceAll('-', '_');
  const order = new Set<string>();
  for (const name of wanted) {
    const line = needs.find(([path = '']) => nameOf(path) === name);
    for (const path of (line ?? []).toReversed()) order.add(path);
  }
  return [...order];
}

/** A module's content: busybox loads none that is compressed. */
function moduleText(path: string): Buffer {
  if (path.endsWith('.xz')) return command(['xz', '-dc', path]);
  if (path.endsWith('.zst')) return command(['zstd', '-qdc', path]);
  return readFileSync(path);
}

/** The program that mounts the guest's disk; what the boot is to do came in a second archive, as /boot-order. */
const INIT = `#!/bin/sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*.ko; do $b insmod "$module" 2>/dev/null || echo "initramfs: $module was not loaded"; done
n=0
until [ -b /dev/vda ] || [ $n = 100 ]; do n=$((n + 1)); $b usleep 100000; done
$b mount -t ext4 -o rw,noatime /dev/vda /root || { echo 'initramfs: no root'; $b poweroff -f; }
for name in dev sys proc; do $b mount --move /$name /root/$name; done
$b cp -a /boot-order /root/boot-order
exec $b switch_root /root /guest-init
`;

/** Packs a folder as the kernel reads it. */
export function pack(folder: string): Buffer {
  return gzipSync(command(['sh', '-c', 'find . | cpio --quiet -o -H newc'], { cwd: folder }), { level: 1 });
}

/**
 * The archive that a kernel starts from.
 *
 * @param more - modules that are loaded besides: a guest's own disk has none
 */
export function initramfs(kernel: UnpackedKernel, busybox: string, more: readonly string[] = []): Buffer {
  const tree = mkdtempSync(join(tmpdir(), 'trampfd-initramfs-'));
  try {
    for (const name of ['bin', 'dev', 'proc', 'sys', 'root', 'modules']) mkdirSync(join(tree, name));
    copyFileSync(busybox, join(tree, 'bin', 'busybox'));
    copyFileSync(busybox, join(tree, 'bin', 'sh'));
    for (const name of ['busybox', 'sh']) chmodSync(join(tree, 'bin', name), 0o755);
    const modules = join(kernel.folder, 'lib', 'modules', kernel.release);
    const order = loadingOrder(readFileSync(join(modules, 'modules.dep'), 'utf8'), [...WANTED, ...more]);
    for (const [index, path] of order.entries()) {
      const name = `${String(index).padStart(2, '0')}-${basename(path).replace(/\.ko.*$/, '.ko')}`;
      writeFileSync(join(tree, 'modules', name), moduleText(join(modules, path)));
    }
    writeFileSync(join(tree, 'init'), INIT, { mode: 0o755 });
    return pack(tree);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
