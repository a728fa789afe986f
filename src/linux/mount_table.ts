/**
 * The mounts of a namespace, as /proc/PID/mountinfo lists them (proc(5)).
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** One mount. Paths are strings with one character for each byte. */
export interface Mount {
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
}

/** A path of mountinfo: blanks and the like are written as octal escapes. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Reads the text of a mountinfo, in its order: a mount that hides another stands behind it. */
export function parseMountTable(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // Optional fields end with a hyphen, behind which the type stands.
    const match = /^\d+ \d+ (\d+:\d+) (\S+) (\S+) (\S+) (?:\S+ )*?- (\S+) /.exec(line);
    if (match === null) continue;
    const [, device = '', root = '', path = '', options = '', type = ''] = match;
    mounts.push({ device, root: withoutEscapes(root), path: withoutEscapes(path), type, options: options.split(',') });
  }
  return mounts;
}

/** The mounts of this process. */
export function mountTable(): readonly Mount[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'latin1'));
}
