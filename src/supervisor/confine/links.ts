/**
 * Files of trusted trees that have a name outside of them (hard links, link(2)): by that name they could be written while
 * they are executed. What matters is who may write them: of files that belong to another user, who alone may write them,
 * the names do not matter.
 *
 * @module
 */
import { accessSync, type BigIntStats, constants, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Mount } from '../../linux/mount_table.js';
import { isWithin, type OwnMount, UNUSABLE } from './mount_plan.js';
import { asBytes } from './paths.js';
import type { Reader } from './reader.js';

/** Types of file systems of which no file can be written by any name. */
const NEVER_WRITTEN: ReadonlySet<string> = new Set(['squashfs', 'iso9660', 'erofs', 'cramfs', 'romfs']);

/** Whether no file of a type of file system can be written. */
export function isNeverWritten(type: string): boolean {
  return NEVER_WRITTEN.has(type);
}

/** What looks at a file or folder of a tree; undefined where it is gone meanwhile, as files of a build come and go. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Whether a user may write a file by some name of it, or give itself the permission to.
 *
 * @param path - a name of it
 */
export function mayWrite(path: string, { uid }: Pick<BigIntStats, 'uid'>, { userId, isPrivileged }: Reader): boolean {
  if (isPrivileged || uid === BigInt(userId)) return true;
  try {
    accessSync(asBytes(path), constants.W_OK);
    return true;
  } catch (error) {
    // A mount that is read-only says nothing of another one.
    return (error as NodeJS.ErrnoException).code !== 'EACCES';
  }
}

/** What a search for files with several names looks at, and how. */
export interface LinkSearch {
  /** Mounts within the trees, by their paths. */
  readonly mounts: ReadonlyMap<string, Mount>;
  /** Whether a folder that cannot be read is passed over. */
  readonly isLenient: boolean;
  /** Called for each folder. */
  readonly onFolder?: (path: string, status: BigIntStats) => void;
}

/** What a search without mounts within looks at. */
const PLAIN: LinkSearch = { mounts: new Map(), isLenient: false };

/** A file with several names. */
interface LinkedFile {
  readonly status: BigIntStats;
  /** Where it is found, by a name or by a mount that shows the same name again. */
  readonly paths: Set<string>;
  /** Its names: folders by their inodes. */
  readonly names: Set<string>;
}

function identity({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Files with several names, by their names in some trees. */
export class LinkNames {
  readonly #search: LinkSearch;
  readonly #files = new Map<string, LinkedFile>();

  constructor(search: LinkSearch = PLAIN) {
    this.#search = search;
  }

  /** Looks at a folder and all below it, or at a file; links are not followed. */
  searchTree(path: string): void {
    this.#leniently(() => {
      const status = ifThere(() => lstatSync(asBytes(path), { bigint: true }));
      if (status?.isFile()) this.searchFile(path);
      if (status?.isDirectory()) this.#searchFolder(path, status);
    });
  }

  /** Looks at a file. */
  searchFile(path: string): void {
    const status = ifThere(() => lstatSync(asBytes(path), { bigint: true }));
    const folder = ifThere(() => lstatSync(asBytes(dirname(path)), { bigint: true }));
    if (status !== undefined && folder !== undefined) this.#addFile(path, status, identity(folder));
  }

  #leniently(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!this.#search.isLenient) throw error;
    }
  }

  #searchFolder(path: string, status: BigIntStats): void {
    const mount = this.#search.mounts.get(path);
    if (mount !== undefined && NEVER_WRITTEN.has(mount.type)) return;
    this.#search.onFolder?.(path, status);
    const entries = ifThere(() => readdirSync(asBytes(path), { withFileTypes: true, encoding: 'latin1' })) ?? [];
    for (const entry of entries)
      this.#leniently(() => this.#searchEntry(`${path === '/' ? '' : path}/${entry.name}`, entry, identity(status)));
  }

  #searchEntry(path: string, entry: Dirent, folder: string): void {
    if (entry.isDirectory()) {
      const status = ifThere(() => lstatSync(asBytes(path), { bigint: true }));
      if (status?.isDirectory()) this.#searchFolder(path, status);
    } else if (entry.isFile() && (ifThere(() => lstatSync(asBytes(path)))?.nlink ?? 1) > 1) {
      const status = ifThere(() => lstatSync(asBytes(path), { bigint: true }));
      if (status !== undefined) this.#addFile(path, status, folder);
    }
  }

  /** Adds a file by one name. */
  #addFile(path: string, status: BigIntStats, folder: string): void {
    if (!status.isFile() || status.nlink <= 1n) return;
    const known = this.#files.get(identity(status)) ?? { status, paths: new Set<string>(), names: new Set<string>() };
    known.paths.add(path);
    // One that was mounted there has its name elsewhere.
    if (!this.#search.mounts.has(path)) known.names.add(`${folder}${path.slice(path.lastIndexOf('/'))}`);
    this.#files.set(identity(status), known);
  }

  #ofUser(reader: Reader): readonly LinkedFile[] {
    return [...this.#files.values()].filter(({ status, paths }) => mayWrite([...paths][0] ?? '', status, reader));
  }

  /** The paths of all files with several names that a user may write. */
  writable(reader: Reader): readonly string[] {
    return this.#ofUser(reader).flatMap(({ paths }) => [...paths]);
  }

  /** The paths of those of them that have a name besides. */
  outside(reader: Reader): readonly string[] {
    return this.#ofUser(reader)
      .filter((file) => BigInt(file.names.size) < file.status.nlink)
      .flatMap(({ paths }) => [...paths]);
  }
}

/**
 * Paths of files in some trees that have a name outside of these, and that a user may write.
 *
 * @throws Error of the system where a folder cannot be read
 */
export function outsideNames(trees: readonly string[], reader: Reader, search: LinkSearch = PLAIN): readonly string[] {
  const names = new LinkNames(search);
  for (const tree of trees) names.searchTree(tree);
  return names.outside(reader);
}

/** More files are not covered one by one. */
const MOST_COVERED = 100;

/** What is done about files with other names. */
export interface Covered {
  readonly own: readonly OwnMount[];
  /** A tree, all of which would have to be covered. */
  readonly whole: string | undefined;
}

/** Paths of which none lies in another. */
function outermost(paths: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const path of [...new Set(paths)].sort()) {
    const last = found.at(-1);
    if (last === undefined || !isWithin(path, last)) found.push(path);
  }
  return found;
}

/**
 * Has files of trees be neither executable nor mapped as code: by mounts over them, or over their folders, where they are
 * many.
 */
export function cover(paths: readonly string[], trees: readonly string[]): Covered {
  let covered = outermost(paths);
  while (covered.length > MOST_COVERED) covered = outermost(covered.map((path) => dirname(path)));
  const isTooMuch = (path: string): boolean => trees.some((tree) => isWithin(tree, path) || dirname(path) === '/usr');
  const whole = paths.length > MOST_COVERED ? covered.find(isTooMuch) : undefined;
  return { own: covered.map((path) => ({ path, attributes: UNUSABLE })), whole };
}
