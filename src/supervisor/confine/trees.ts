/**
 * The trees that a confined program may execute from: those of the system, those that the command line names, and the
 * program itself.
 *
 * @module
 */
import { realpathSync, statSync } from 'node:fs';
import { TrampfdError } from '../../error.js';
import { type Mount, mountTable } from '../../linux/mount_table.js';
import { outsideNames } from './links.js';
import { isWithin, SYSTEM_TREES } from './mount_plan.js';
import { asBytes, bytesText } from './paths.js';
import { type Reader, runReader } from './reader.js';

export { asBytes } from './paths.js';

function resolved(path: Uint8Array): string | undefined {
  try {
    return realpathSync.native(Buffer.from(path), 'latin1');
  } catch {
    return undefined;
  }
}

/** A name may come or go while a tree is searched, and a file then seem to have one elsewhere. One that does keeps it. */
const MOST_LOOKS = 8;

/** The sentence for what has a file with another name. */
export function linkError(named: string): TrampfdError {
  return new TrampfdError(
    'EMLINK',
    `${named}: a file of it has another name outside of it (a hard link), through which it could be written while it is ` +
      `executed; remove that name (find / -xdev -samefile FILE shows it), or copy it (cp -a --reflink=auto) and name the copy`,
  );
}

/** Who the run is, and what is mounted. */
export interface Surroundings {
  readonly reader: Reader;
  readonly mounts: readonly Mount[];
}

/** Those of this process. */
export function ownSurroundings(mounts: readonly Mount[] = mountTable()): Surroundings {
  return { reader: runReader(), mounts };
}

function withoutOutsideNames(tree: string, named: string, { reader, mounts }: Surroundings): string {
  const search = { mounts: new Map(mounts.map((mount) => [mount.path, mount])), isLenient: false };
  let outside: boolean;
  try {
    outside = true;
    for (let looks = 0; outside && looks < MOST_LOOKS; looks++)
      outside = outsideNames([tree], reader, search).length > 0;
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    throw new TrampfdError(code, `${named}: cannot be searched for hard links (${code}); give a tree that can be read`);
  }
  if (!outside) return tree;
  throw linkError(named);
}

/** Absolute paths, links resolved, a character for each byte; none of the system's lies in another. */
export interface TrustedTrees {
  readonly system: readonly string[];
  /** Those of --exec, and the program's file. */
  readonly named: readonly string[];
  /** The program's file, where it lies in none of the others. */
  readonly program: string | undefined;
  /** The program's file, wherever it lies; none where there is no such file. */
  readonly programFile: readonly string[];
  /** Paths of --exec, wherever they lie: who names one says that what stands behind it is trusted. */
  readonly vouched: readonly string[];
}

/**
 * Resolves what may be executed from.
 *
 * @param named - the paths of --exec
 * @param program - the file of the program, or undefined where there is none
 * @throws TrampfdError ENOENT for a named path that is not there, EINVAL for the root folder, EMLINK for hard links that
 * lead out of a tree
 */
export function trustedTrees(
  named: readonly Uint8Array[],
  program: Uint8Array | undefined,
  surroundings: Surroundings = ownSurroundings(),
): TrustedTrees {
  const system = SYSTEM_TREES.map((path) => resolved(Buffer.from(path))).filter((path) => path !== undefined);
  const folders = [...new Set(system)].filter((path) => path !== '/' && statSync(asBytes(path)).isDirectory());
  const outermost = folders.filter((path) => !folders.some((other) => other !== path && isWithin(path, other)));
  const own: string[] = [];
  const vouched: string[] = [];
  const add = (path: string, text: string): void => {
    if (![...outermost, ...own].some((tree) => isWithin(path, tree)))
      own.push(withoutOutsideNames(path, text, surroundings));
  };
  for (const path of named) {
    const text = Buffer.from(path).toString();
    const tree = resolved(path);
    if (tree === undefined)
      throw new TrampfdError('ENOENT', `--exec ${text}: there is no such file or folder; name one`);
    if (tree === '/') {
      throw new TrampfdError(
        'EINVAL',
        `--exec ${text}: everything is in it, and nothing could be written; name the tree`,
      );
    }
    add(tree, `--exec ${text}`);
    vouched.push(tree);
  }
  const file = program === undefined ? undefined : resolved(program);
  const programFile = [file].filter((path) => path !== undefined).filter((path) => statSync(asBytes(path)).isFile());
  const before = own.length;
  for (const path of programFile) add(path, bytesText(program ?? new Uint8Array()));
  return { system: outermost, named: own, program: own[before], programFile, vouched };
}
