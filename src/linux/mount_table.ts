/**
 * The mounts of a namespace, as /proc/PID/mountinfo lists them (proc(5)).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { TrampfdError } from '../error.js';
import { procText } from './proc.js';
import { fieldOf } from './status.js';

/** One mount. Paths are strings with one character for each byte. */
export interface Mount {
  readonly id: number;
  /** The mount that it is mounted on. */
  readonly parent: number;
  /** `major:minor` of its file system. */
  readonly device: string;
  /** The folder of that file system that it shows. */
  readonly root: string;
  /** Where it is. */
  readonly path: string;
  /** Its type, as `ext4`. */
  readonly type: string;
  /** Options of this mount, as `rw`, `noexec`. */
  readonly options: readonly string[];
  /** What it was made from: a device, a folder, a server's name; whatever its type takes. */
  readonly source: string;
  /** Options of the file system, as `rw`, `lowerdir=/a:/b`. */
  readonly fileSystemOptions: readonly string[];
}

/** A path of mountinfo: blanks and the like are written as octal escapes. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/**
 * A line of mountinfo: its fields end with a blank, and hold whatever else a path may, but for the newline: the kernel
 * escapes both. Optional ones stand before a hyphen, behind which the type does.
 */
const MOUNT = /^(\d+) (\d+) (\d+:\d+) ([^ ]+) ([^ ]+) ([^ ]+) (?:[^ ]+ )*?- ([^ ]+) ([^ ]*) ([\s\S]*)$/;

/**
 * Reads the text of a mountinfo, in its order: a mount that hides another stands behind it.
 *
 * @throws TrampfdError EIO where a line is none of a mount
 */
export function parseMountTable(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = MOUNT.exec(line);
    // What is not understood could be left as it is, where it is to be closed.
    if (match === null)
      throw new TrampfdError('EIO', `a mount cannot be read: ${JSON.stringify(line)} in /proc/self/mountinfo`);
    const [, id, parent, device = '', root = '', path = '', options = '', type = '', source = '', rest = ''] = match;
    mounts.push({
      id: Number(id),
      parent: Number(parent),
      device,
      root: withoutEscapes(root),
      path: withoutEscapes(path),
      type,
      options: options.split(','),
      source: withoutEscapes(source),
      // A comma within one is escaped.
      fileSystemOptions: rest.split(',').map(withoutEscapes),
    });
  }
  return mounts;
}

/** Those mounts that their paths lead to: no later one lies over them, or over a folder on the way. */
export function visibleMounts(mounts: readonly Mount[]): readonly Mount[] {
  const known = new Map(mounts.map((mount) => [mount.id, mount]));
  const over = new Map(mounts.map((mount) => [`${mount.parent} ${mount.path}`, mount]));
  /** The uppermost of those that lie over each other at one path, from one of them on. */
  const uppermost = (mount: Mount): Mount => {
    const next = over.get(`${mount.id} ${mount.path}`);
    return next === undefined || next === mount ? mount : uppermost(next);
  };
  const isRoot = ({ parent, id }: Mount): boolean => parent === id || !known.has(parent);
  return mounts.filter((mount) => {
    let at = mounts.find(isRoot);
    if (at === undefined) return false;
    at = uppermost(at);
    for (let end = 1; end <= mount.path.length; end++) {
      if (end < mount.path.length && mount.path[end] !== '/') continue;
      const next = over.get(`${at.id} ${mount.path.slice(0, end)}`);
      if (next !== undefined && next !== at) at = uppermost(next);
    }
    return at === mount;
  });
}

/** Whether a table has the mount of the root folder: it has not in a chroot(2) whose root folder is no mount. */
export function isWhole(mounts: readonly Mount[]): boolean {
  return mounts.some(({ path }) => path === '/');
}

/** The mounts of this process. */
export function mountTable(): readonly Mount[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** The mount that a descriptor of this process was opened through (proc(5), /proc/PID/fdinfo); undefined where that is not told. */
export function mountIdOf(descriptor: number): number | undefined {
  const id = fieldOf(procText(`/proc/self/fdinfo/${descriptor}`) ?? '', 'mnt_id');
  return id === undefined ? undefined : Number(id);
}
