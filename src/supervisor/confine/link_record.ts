/**
 * What is remembered of the files of the system's trees that have several names: finding them means to look at every file
 * there is.
 *
 * A run must not be believed when it says that there are none, so what is found is remembered where no confined program can
 * write: in a folder that lies at the top of a file system in memory, and that every confined program has as a mount of its
 * own, read-only. A mount point cannot be moved away, and neither can what lies on the way to this one. The record ends
 * with the machine's start, and after a day; folders that are filled by hand are looked at each time, and so are the lists of
 * package managers.
 *
 * @module
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Mount } from '../../linux/mount_table.js';
import { readSmallFile } from '../../linux/small_file.js';
import { allChangedAt, changedAt, FILLED_BY_HAND, packageChanges } from './executables.js';
import { LinkNames, type LinkSearch, mayWrite } from './links.js';
import { isWithin, type OwnMount, UNUSABLE } from './mount_plan.js';
import type { Reader } from './reader.js';

/** What is written down. Paths are strings with a character for each byte. */
interface LinkRecord {
  readonly version: 1;
  /** When: milliseconds. */
  readonly at: number;
  readonly trees: readonly string[];
  /** What is mounted within the trees, and where. */
  readonly mounts: readonly string[];
  readonly packages: Readonly<Record<string, number>>;
  /** When each folder that files come to by hand, or that the user can write, was changed: milliseconds. */
  readonly folders: Readonly<Record<string, number>>;
  /** Files with several names that the user can write. */
  readonly files: readonly string[];
}

const LONGEST = 86_400_000;
/** More than any record has, in bytes. */
const LONGEST_RECORD = 2 ** 24;
/** Of more files, only those are remembered that have a name outside. */
const MOST_FILES = 2000;
/** Records of other trees than this run's: of namespaces that may be gone. */
const MOST_RECORDS = 16;
const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
const MAY_BE_GONE = { throwIfNoEntry: false } as const;

/** Places that hold files of the system under second names, where no program executes them (ostree(1)). */
const LINK_STORES: readonly string[] = ['/sysroot/ostree', '/ostree'];

function linkStores(): readonly string[] {
  const found = LINK_STORES.map((store) => {
    try {
      return realpathSync(store);
    } catch {
      return undefined;
    }
  });
  return [...new Set(found)].filter((store) => store !== undefined);
}

/** Where records may be. */
interface RecordFolders {
  /** The one for this run's; undefined where there is no place for one. */
  readonly own: string | undefined;
  /** Every one that a later start may read, as there are other places in a session than without one. */
  readonly all: readonly string[];
}

function recordFolders(visible: readonly Mount[], { userId }: Reader): RecordFolders {
  const at = (path: string): boolean => visible.some((mount) => mount.path === path && mount.type === 'tmpfs');
  const places: readonly (readonly [string, string])[] = [
    ...(userId === 0 ? ([['/run', '/run/trampfd']] as const) : []),
    [`/run/user/${userId}`, `/run/user/${userId}/trampfd`],
    ['/dev/shm', `/dev/shm/trampfd-${userId}`],
  ];
  const found = places
    .filter(([place]) => at(place) && isSafePlace(place, userId))
    .map(([, folder]) => ({ folder, isOurs: isOurs(folder, userId) }))
    .filter(({ folder }) => lstatSync(folder, MAY_BE_GONE)?.isDirectory() === true);
  return { own: found.find(({ isOurs: is }) => is)?.folder, all: found.map(({ folder }) => folder) };
}

/** Whether nobody else can put another folder in the place of one of this user's. */
function isSafePlace(place: string, userId: number): boolean {
  const top = lstatSync(place);
  const isSafe = (top.mode & OTHERS_WRITE) === 0 ? top.uid === userId : (top.mode & STICKY) !== 0;
  return isSafe && (top.uid === 0 || top.uid === userId);
}

/**
 * Makes a folder where there is none; whether nobody else can write to it. What else is there is made such a one, before a
 * run of the user does that and puts a record there.
 */
function isOurs(folder: string, userId: number): boolean {
  try {
    const before = lstatSync(folder, MAY_BE_GONE);
    if (before?.isDirectory() === false) rmSync(folder);
    if (before?.isDirectory() !== true) mkdirSync(folder, { mode: 0o700 });
    const status = lstatSync(folder);
    if (!status.isDirectory() || status.uid !== userId) return false;
    if ((status.mode & OTHERS_WRITE) === 0) return true;
    chmodSync(folder, 0o700);
    // A folder among them is no record, and not to be searched: others may have it open.
    for (const name of readdirSync(folder, { withFileTypes: true }))
      if (!name.isDirectory()) rmSync(`${folder}/${name.name}`, { force: true });
    return true;
  } catch {
    return false;
  }
}

/** What a record has to be about. */
type Subject = Pick<LinkRecord, 'version' | 'trees' | 'mounts' | 'packages'>;

function read(path: string, subject: Subject): LinkRecord | undefined {
  try {
    const record = JSON.parse(readSmallFile(path, LONGEST_RECORD)) as LinkRecord;
    const { version, trees, mounts, packages } = record;
    const isSame = JSON.stringify({ version, trees, mounts, packages }) === JSON.stringify(subject);
    return isSame && Math.abs(Date.now() - record.at) < LONGEST ? record : undefined;
  } catch {
    return undefined;
  }
}

/** A name for records of the same trees, as services and containers see others. It decides nothing. */
function recordName({ trees, mounts }: Subject): string {
  let hash = 0;
  for (const letter of JSON.stringify([trees, mounts])) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  return `links-${hash.toString(16)}.json`;
}

function write(path: string, record: LinkRecord): void {
  const fresh = `${path}.${process.pid}`;
  try {
    const folder = dirname(path);
    const others = readdirSync(folder);
    if (others.length >= MOST_RECORDS) for (const other of others) rmSync(`${folder}/${other}`, { force: true });
    writeFileSync(fresh, JSON.stringify(record), { encoding: 'latin1', flag: 'wx', mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    // The next start searches again.
  }
}

/** What is known of the links of the system's trees. */
export interface SystemLinks {
  /** Files that have a name outside of the trees, by which the user can write them. */
  readonly outside: readonly string[];
  /** Mounts over the record, and over what second names may stay in. */
  readonly own: readonly OwnMount[];
}

/** Whether the time of a folder's change is to be looked at in each start. */
function isWatched(path: string, status: { readonly uid: bigint }, reader: Reader): boolean {
  if (FILLED_BY_HAND.some((tree) => isWithin(path, tree))) return true;
  return !reader.isPrivileged && mayWrite(path, status, reader);
}

/**
 * Looks for files of the system's trees that have a name outside of them.
 *
 * @param trees - absolute, links resolved
 * @param visible - the mounts that can be seen
 * @param times - when folders were changed, as far as that was just looked at
 */
export function systemLinks(
  trees: readonly string[],
  visible: readonly Mount[],
  reader: Reader,
  times: ReadonlyMap<string, number>,
): SystemLinks {
  const { own: folder, all } = recordFolders(visible, reader);
  const stores = reader.isPrivileged ? linkStores() : [];
  const mounts = new Map(visible.map((mount) => [mount.path, mount]));
  const isInTree = (one: string): boolean => trees.some((tree) => isWithin(one, tree));
  const subject: Subject = {
    version: 1,
    trees,
    mounts: visible.filter((one) => isInTree(one.path)).map((one) => `${one.device} ${one.root} ${one.path}`),
    packages: packageChanges(),
  };
  const path = folder === undefined ? undefined : `${folder}/${recordName(subject)}`;
  const known = path === undefined ? undefined : read(path, subject);
  const own = [...stores, ...all].map((one) => ({
    path: one,
    attributes: UNUSABLE,
  }));
  const watched = Object.entries(known?.folders ?? {});
  const unknown = watched.map(([one]) => one).filter((one) => !times.has(one));
  const found = new Map(allChangedAt(unknown).map((time, index) => [unknown[index], time]));
  const changed = watched.filter(([one, time]) => (times.get(one) ?? found.get(one)) !== time);
  const folders = new Map(watched);
  const search: LinkSearch = {
    mounts,
    isLenient: true,
    onFolder: (one, status) => {
      const time = isWatched(one, status, reader) ? changedAt(one) : undefined;
      if (time !== undefined) folders.set(one, time);
    },
  };
  const names = new LinkNames(search);
  if (known === undefined) for (const tree of [...trees, ...stores]) names.searchTree(tree);
  else {
    const isChanged = (one: string): boolean => changed.some(([other]) => isWithin(one, other));
    for (const one of folders.keys()) if (isChanged(one)) folders.delete(one);
    for (const file of known.files) if (!isChanged(file)) names.searchFile(file);
    for (const [one] of changed) names.searchTree(one);
  }
  const outside = names.outside(reader).filter(isInTree);
  if (path !== undefined && (known === undefined || changed.length > 0)) {
    const linked = names.writable(reader);
    write(path, {
      ...subject,
      at: known?.at ?? Date.now(),
      folders: Object.fromEntries(folders),
      files: linked.length > MOST_FILES ? outside : linked,
    });
  }
  return { outside, own };
}
