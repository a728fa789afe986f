/**
 * What a block device keeps its blocks in: the file of a loop device, the devices of a mapping or an array, the process
 * that serves it; as /sys tells it (sysfs(5), loop(4), Documentation/ABI/testing/sysfs-block of the kernel).
 *
 * @module
 */
import { readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Paths are strings with a character for each byte. */
export interface Backing {
  /** Files that the blocks are in. */
  readonly files: readonly string[];
  /** What could not be found out, or is a process; one sentence's end each. */
  readonly unknown: readonly string[];
}

const NOTHING: Backing = { files: [], unknown: [] };
/** Drivers whose blocks come from a process, or from files that /sys does not name. */
const SERVED = /^(?:nbd|ublkb|zloop)\d/;
/** The same by the names that /proc/devices has, with those that keep blocks in files or other devices. */
const LAYERED_DRIVERS = /^(?:loop|device-mapper|mdp?|nbd|ublk\S*|zloop|zram|bcache|blkext)$/;
/** What the kernel writes behind the path of a file that has been removed. */
const REMOVED = ' (deleted)';

function text(path: string): string | undefined {
  try {
    return readFileSync(Buffer.from(path, 'latin1'), 'latin1').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path, 'latin1');
  } catch {
    return [];
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function merged(all: readonly Backing[]): Backing {
  return { files: all.flatMap(({ files }) => files), unknown: all.flatMap(({ unknown }) => unknown) };
}

/** `major:minor` of a device number as stat(2) gives it (makedev(3)). */
export function deviceName(device: number): string {
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  return `${((low >>> 8) & 0xfff) | (high & ~0xfff)}:${(low & 0xff) | ((low >>> 12) & 0xfff00)}`;
}

/** The driver of a block device by its major, where there is no /sys to ask. */
function withoutSysfs(device: string): Backing {
  const major = device.split(':')[0];
  const drivers = (text('/proc/devices') ?? '').split('Block devices:')[1] ?? '';
  const driver = drivers
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([number]) => number === major)?.[1];
  if (driver !== undefined && !LAYERED_DRIVERS.test(driver)) return NOTHING;
  return { files: [], unknown: [`/sys is not there to tell what block device ${device} keeps its blocks in`] };
}

/** What one file or device is that a loop device or zram names. */
function fileOrDevice(path: string, sys: string, depth: number): Backing {
  let status: Stats | undefined;
  try {
    status = statSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false });
  } catch {
    // It lies where this process may not look.
  }
  return status?.isBlockDevice() ? backingOf(deviceName(status.rdev), sys, depth + 1) : { files: [path], unknown: [] };
}

/** More than any stack of devices has. */
const DEEPEST = 16;

/**
 * What a block device keeps its blocks in.
 *
 * @param device - `major:minor`
 * @param sys - where sysfs is
 */
export function backingOf(device: string, sys = '/sys', depth = 0): Backing {
  if (depth > DEEPEST) return { files: [], unknown: [`block device ${device} lies on too many others`] };
  let folder: string;
  try {
    folder = realpathSync.native(`${sys}/dev/block/${device}`);
  } catch {
    return withoutSysfs(device);
  }
  if (isThere(`${folder}/partition`)) folder = dirname(folder);
  const name = basename(folder);
  if (SERVED.test(name)) return { files: [], unknown: [`a process serves the block device ${name}`] };
  const inner = entries(`${folder}/slaves`).map((slave): Backing => {
    const number = text(`${folder}/slaves/${slave}/dev`);
    return number === undefined
      ? { files: [], unknown: [`it cannot be read what ${slave}, below ${name}, is`] }
      : backingOf(number, sys, depth + 1);
  });
  const file = text(`${folder}/loop/backing_file`) ?? text(`${folder}/backing_dev`);
  if (file === undefined || file === 'none') {
    const isLoop = name.startsWith('loop') && file === undefined;
    return isLoop ? { files: [], unknown: [`${name} has no file any more`] } : merged(inner);
  }
  const isRemoved = file.endsWith(REMOVED) && !isThere(file);
  if (isRemoved)
    return { files: [], unknown: [`the file of ${name} has been removed: ${file.slice(0, -REMOVED.length)}`] };
  return merged([...inner, fileOrDevice(file, sys, depth)]);
}

/**
 * The block devices of a btrfs file system, which has a number of its own.
 *
 * @param source - the device that it was mounted by
 * @returns their `major:minor`; those of every btrfs there is, where the device's is not known
 */
export function btrfsDevices(source: string, sys = '/sys'): readonly string[] {
  const systems = entries(`${sys}/fs/btrfs`).map((one) =>
    entries(`${sys}/fs/btrfs/${one}/devices`).flatMap((name) => {
      const number = text(`${sys}/fs/btrfs/${one}/devices/${name}/dev`);
      return number === undefined ? [] : [number];
    }),
  );
  const status = source.startsWith('/')
    ? statSync(Buffer.from(source, 'latin1'), { throwIfNoEntry: false })
    : undefined;
  const own = status?.isBlockDevice() ? deviceName(status.rdev) : undefined;
  const found = systems.find((devices) => own !== undefined && devices.includes(own));
  return found ?? [...new Set([...(own === undefined ? [] : [own]), ...systems.flat()])];
}
