/**
 * Devices that a confined program must not open, as they lead to memory or to disks past all mounts, or run code of their
 * own: disks, the kernel's memory, control nodes, virtual machines, whatever is not known.
 *
 * @module
 */
import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs';
import { asBytes } from './trees.js';

/** Majors of character devices that are harmless: terminals, and what shows, sounds and is typed at (devices.txt of the kernel). */
const OPEN_MAJORS: ReadonlySet<number> = new Set([
  // Terminals, consoles, pseudo terminals.
  ...[4, 5, 7, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229],
  // Input, frame buffers, video, sound, NVIDIA. DRM exports buffers that can be mapped writable and executable, by a command
  // of which it looks at the lowest byte alone: one of terminals (TCSETSF2) has the same, so that no filter can refuse it.
  ...[13, 29, 81, 116, 195],
]);
/** Major and minors of null, zero, full, random, urandom and kmsg; those of mem, kmem and port are not among them. */
const MEMORY_MAJOR = 1;
const OPEN_MEMORY_MINORS: ReadonlySet<number> = new Set([3, 5, 7, 8, 9, 11]);
/** Other nodes that programs use, by name, as their numbers are shared with others. */
const OPEN_NAMES: ReadonlySet<string> = new Set(
  ['fuse', 'net/tun', 'hwrng', 'rtc0', 'rtc', 'vsock', 'nvidia-uvm', 'ppp', 'uhid'].map((name) => `/dev/${name}`),
);

/** Major and minor of a device number as stat(2) gives it (makedev(3)). */
export function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  return { major: ((low >>> 8) & 0xfff) | (high & ~0xfff), minor: (low & 0xff) | ((low >>> 12) & 0xfff00) };
}

/** Whether a program may open a node. */
export function isHarmless(
  path: string,
  { isBlock, device }: { readonly isBlock: boolean; readonly device: number },
): boolean {
  if (isBlock) return false;
  const { major, minor } = deviceNumbers(device);
  if (major === MEMORY_MAJOR) return OPEN_MEMORY_MINORS.has(minor);
  return OPEN_MAJORS.has(major) || OPEN_NAMES.has(path);
}

function isAccessible(path: string): boolean {
  return [constants.R_OK, constants.W_OK].some((mode) => {
    try {
      accessSync(asBytes(path), mode);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Nodes below a folder that must not be opened, and that this process could open.
 *
 * @returns absolute paths, a character for each byte
 */
export function coveredDevices(folder = '/dev'): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(asBytes(folder), 'latin1');
  } catch {
    return [];
  }
  return names.flatMap((name): readonly string[] => {
    const path = `${folder}/${name}`;
    let status: Stats;
    try {
      status = statSync(asBytes(path));
    } catch {
      return [];
    }
    if (status.isDirectory()) return SKIPPED.has(path) ? [] : coveredDevices(path);
    if (!status.isBlockDevice() && !status.isCharacterDevice()) return [];
    const harmless = isHarmless(path, { isBlock: status.isBlockDevice(), device: status.rdev });
    return harmless || !isAccessible(path) ? [] : [path];
  });
}

/** Folders without device nodes of the kernel's, or with links back into the tree. */
const SKIPPED: ReadonlySet<string> = new Set(['/dev/fd', '/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/hugepages']);
