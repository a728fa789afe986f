/**
 * The files of the trusted trees that may be executed at all: those with an execute permission. Finding them means to look
 * at every file there is, so what was found is written down, and a later run only looks whether folders have changed:
 * those that have programs, those that programs are put into by hand, and the lists of package managers. A program that
 * came to a folder of another kind in another way is found when the listing is removed, or when it is named itself.
 *
 * Nothing is believed because it was written down: a run judges the headers of each file that it permits
 * (permit.ts), and a file that is not in the list is not executed. Who forges the list can hide programs, no more.
 *
 * @module
 */
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { changeTimes } from '../../linux/change_times.js';
import { readSmallFile } from '../../linux/small_file.js';
import { isWithin } from './mount_plan.js';
import { asBytes } from './trees.js';

/** What is written down. Paths are strings with a character for each byte. */
interface Listing {
  readonly version: 2;
  readonly trees: readonly string[];
  /** When the list of each package manager was changed: milliseconds. */
  readonly packages: Readonly<Record<string, number>>;
  /** When each folder that has executable files, or leads to one, or may get one, was changed: milliseconds. */
  readonly folders: Readonly<Record<string, number>>;
  readonly files: readonly string[];
}

/** When folders were changed: milliseconds. */
export type FolderTimes = Map<string, number>;

/** Where more folders have changed, all are searched anew. */
const MOST_CHANGED = 100;
const ANY_EXECUTE = 0o111;
const MAY_BE_GONE = { throwIfNoEntry: false } as const;
/** What no text of paths has that are written as realpath(3) gives them: steps in place and back, and escapes, as of zero and of the slash. */
const ODD = /\/\.{0,2}["/]|\\u00|\\\//;

/** What the package managers of dpkg, rpm, pacman and apk change with every package. */
const PACKAGE_LISTS: readonly string[] = [
  '/var/lib/dpkg/status',
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/var/lib/pacman/local',
  '/lib/apk/db/installed',
];

/** Trees that people put programs into, and the names of folders for programs (hier(7)). */
export const FILLED_BY_HAND: readonly string[] = ['/usr/local', '/opt'];
const PROGRAM_FOLDERS: ReadonlySet<string> = new Set(['bin', 'sbin', 'games', 'libexec']);

function mayGetPrograms(folder: string): boolean {
  return PROGRAM_FOLDERS.has(basename(folder)) || FILLED_BY_HAND.some((tree) => isWithin(folder, tree));
}

/** Executable files below a folder or a file itself, links not followed; `folders` gets what is looked at. */
function search(path: string, folders: Map<string, number>, files: Set<string>): boolean {
  let found = false;
  folders.set(path, statSync(asBytes(path)).mtimeMs);
  for (const entry of readdirSync(asBytes(path), { withFileTypes: true, encoding: 'latin1' })) {
    const inner = path === '/' ? `/${entry.name}` : `${path}/${entry.name}`;
    try {
      if (entry.isDirectory()) found = search(inner, folders, files) || found;
      else if (entry.isFile() && (statSync(asBytes(inner)).mode & ANY_EXECUTE) !== 0) {
        files.add(inner);
        found = true;
      }
    } catch {
      // It is gone, or may not be looked into; what is not in the list is not executed.
    }
  }
  // Most folders have none; were they all remembered, looking at them would take as long as the search.
  if (!found && !mayGetPrograms(path)) folders.delete(path);
  return found;
}

/** When a folder was changed: milliseconds; undefined where it is not there. */
export function changedAt(folder: string): number | undefined {
  try {
    return statSync(asBytes(folder), MAY_BE_GONE)?.mtimeMs;
  } catch {
    return undefined;
  }
}

/** When each of some folders was changed. Some thousand are looked at in each start. */
export function allChangedAt(folders: readonly string[]): readonly (number | undefined)[] {
  try {
    return changeTimes(folders);
  } catch {
    return folders.map(changedAt);
  }
}

/** When the lists of package managers were changed. */
export function packageChanges(): Readonly<Record<string, number>> {
  const changes: Record<string, number> = {};
  for (const path of PACKAGE_LISTS) {
    const time = changedAt(path);
    if (time !== undefined) changes[path] = time;
  }
  return changes;
}

/** Every executable file of some trees, by looking at all. */
function searchAll(trees: readonly string[]): Listing {
  const folders = new Map<string, number>();
  const files = new Set<string>();
  for (const tree of trees) {
    try {
      if (statSync(asBytes(tree)).isDirectory()) search(tree, folders, files);
      else files.add(tree);
    } catch {
      // A tree that cannot be read.
    }
  }
  return { version: 2, trees, packages: packageChanges(), folders: Object.fromEntries(folders), files: [...files] };
}

/** A listing with those folders searched anew that have changed since; the same one where none has. */
function refreshed(listing: Listing, times: FolderTimes): Listing {
  const known = Object.entries(listing.folders);
  const now = allChangedAt(known.map(([folder]) => folder));
  known.forEach(([folder], index) => {
    const time = now[index];
    if (time !== undefined) times.set(folder, time);
  });
  const changed = known.filter(([, time], index) => now[index] !== time);
  if (changed.length === 0) return listing;
  // Each of them is searched with all below it, and compared with every file that is known.
  if (changed.length > MOST_CHANGED) return searchAll(listing.trees);
  const folders = new Map(Object.entries(listing.folders));
  const files = new Set(listing.files);
  for (const [folder] of changed) {
    for (const file of files) if (isWithin(file, folder)) files.delete(file);
    for (const inner of folders.keys()) if (isWithin(inner, folder)) folders.delete(inner);
    try {
      search(folder, folders, files);
    } catch {
      // It is gone, or root has found it, and may look into it alone.
    }
  }
  return { ...listing, folders: Object.fromEntries(folders), files: [...files] };
}

/** More than any listing has, in bytes: a line of it has a hundred. */
const LONGEST_LISTING = 2 ** 25;

/** Where a user's listing is; root's serves all who have none. */
function listingPaths(): readonly string[] {
  const system = '/var/cache/trampfd/executables.json';
  if (process.geteuid?.() === 0) return [system];
  const cache = process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] ?? '/nonexistent', '.cache');
  return [join(cache, 'trampfd', 'executables.json'), system];
}

/** Reads a listing of some trees; undefined where there is none, or no use in it: packages have come or gone since. */
function read(path: string, trees: readonly string[]): Listing | undefined {
  try {
    const text = readSmallFile(path, LONGEST_LISTING);
    // Some thousand paths are judged at each start: what none of them has is looked for in all of them at once.
    if (ODD.test(text)) return undefined;
    const listing = JSON.parse(text) as Listing;
    if (listing.version !== 2 || JSON.stringify(listing.trees) !== JSON.stringify(trees)) return undefined;
    const changes = Object.entries(packageChanges());
    if (changes.some(([list, time]) => listing.packages[list] !== time)) return undefined;
    const within = trees.map((tree) => (tree === '/' ? tree : `${tree}/`));
    const isOurs = (one: string): boolean => within.some((tree) => one.startsWith(tree)) || trees.includes(one);
    const folders = Object.entries(listing.folders);
    const ours = folders.filter(([one]) => isOurs(one));
    const files = [...listing.files].filter(isOurs);
    return {
      ...listing,
      packages: { ...listing.packages },
      folders: ours.length === folders.length ? listing.folders : Object.fromEntries(ours),
      files,
    };
  } catch {
    return undefined;
  }
}

/** Writes a listing down; whether it could. */
function write(path: string, listing: Listing): boolean {
  const fresh = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(fresh, JSON.stringify(listing), { encoding: 'latin1', flag: 'wx', mode: 0o644 });
    renameSync(fresh, path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Executable files of the system's trees. The first run of a user looks for them, which takes as long as find(1) does.
 *
 * @param trees - absolute, links resolved
 * @param times - gets when folders were changed that were looked at
 * @returns their paths, or undefined where nothing is written down and nothing can be: looking at every start would take
 * longer than looking at each execution
 */
export function systemExecutables(
  trees: readonly string[],
  times: FolderTimes = new Map(),
): readonly string[] | undefined {
  const [own = '', ...others] = listingPaths();
  for (const path of [own, ...others]) {
    const listing = read(path, trees);
    if (listing === undefined) continue;
    const now = refreshed(listing, times);
    if (now !== listing) write(own, now);
    return now.files;
  }
  // Whether it can be written is tried first, for the search takes long.
  if (!write(own, { version: 2, trees: [], packages: {}, folders: {}, files: [] })) return undefined;
  const listing = searchAll(trees);
  write(own, listing);
  return listing.files;
}

/** Executable files of trees that were named, looked for anew each time. */
export function namedExecutables(trees: readonly string[]): readonly string[] {
  return searchAll(trees).files;
}
