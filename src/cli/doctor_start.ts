/**
 * What `trampfd doctor` finds of the files that a supervisor is read from: whether a run could change the next one.
 *
 * @module
 */
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ownFiles } from '../supervisor/confine/own_files.js';
import { type Finding, finding } from './finding.js';

/** What is asked of a path; a test asks of one that is none. */
export interface PathFacts {
  /** Whether this user may write it. */
  readonly isWritable: boolean;
  /** Whether only the owner of what is in the folder may rename it there (S_ISVTX, inode(7)). */
  readonly isSticky: boolean;
  /** Whether it belongs to this user. */
  readonly isOwn: boolean;
}

/** A file and the folders above it, the file first. */
function pathsTo(file: string): readonly string[] {
  const above = dirname(file);
  return above === file ? [file] : [file, ...pathsTo(above)];
}

/**
 * The first path by which a file can be changed or another put in its place: itself or a folder above that can be written,
 * and where that is sticky, only by the owner of what lies there.
 *
 * @param file - an absolute path, links resolved
 */
export function changeableBy(file: string, facts: (path: string) => PathFacts): string | undefined {
  const paths = pathsTo(file);
  return paths.find((path, index) => {
    const { isWritable, isSticky, isOwn } = facts(path);
    // The owner of what cannot be written can allow it.
    if (index === 0) return isWritable || isOwn;
    const entry = paths[index - 1] ?? path;
    return isOwn || (isWritable && (!isSticky || facts(entry).isOwn));
  });
}

function factsOf(path: string): PathFacts {
  const { mode, uid } = statSync(Buffer.from(path, 'latin1'));
  let isWritable = true;
  try {
    accessSync(Buffer.from(path, 'latin1'), constants.W_OK);
  } catch {
    isWritable = false;
  }
  return { isWritable, isSticky: (mode & 0o1000) !== 0, isOwn: uid === process.geteuid?.() };
}

function isProgram(path: string): boolean {
  try {
    accessSync(Buffer.from(path, 'latin1'), constants.X_OK);
    return statSync(Buffer.from(path, 'latin1')).isFile();
  } catch {
    return false;
  }
}

/**
 * Where the launcher looks for Node.js before it finds it: folders of PATH, or what is there of one that can yet be made.
 *
 * @param search - PATH
 */
export function foldersBefore(search: string): readonly string[] {
  const folders = search.split(':').filter((folder) => folder.startsWith('/'));
  const found = folders.findIndex((folder) => isProgram(`${folder}/node`));
  return folders.slice(0, found + 1).map((folder) => {
    let there = folder;
    while (!existsSync(Buffer.from(there, 'latin1'))) there = dirname(there);
    return realpathSync.native(Buffer.from(there, 'latin1'), 'latin1');
  });
}

/** The finding. Root can write everything, and has another sentence. */
export function startFinding(): Finding {
  const name = 'files of the next supervisor';
  if (process.geteuid?.() === 0) {
    return {
      name,
      answer: 'no',
      meaning:
        'root can write them, and so can a program that root runs under wx; strict has trampfd and Node.js read-only in ' +
        'the run, and what else starts with them is for you to keep: give services a user of their own',
    };
  }
  const shell = realpathSync.native('/bin/sh', 'latin1');
  const ways = (files: readonly string[]): readonly string[] =>
    files.flatMap((file) => changeableBy(file, factsOf) ?? []).map((path) => Buffer.from(path, 'latin1').toString());
  const [first] = ways([...ownFiles(), shell]);
  const [before] = ways(foldersBefore(Buffer.from(process.env['PATH'] ?? '').toString('latin1')));
  if (first === undefined && before !== undefined) {
    const meaning =
      `PATH has ${before} no later than Node.js, this user can write there, and so can a program under wx and strict: ` +
      'the next supervisor is started with what is named node there; start trampfd with a PATH of folders of root';
    return { name, answer: 'no', meaning };
  }
  return finding(
    name,
    first === undefined,
    'this user can write none of them, so no run of this user changes the next one',
    `this user can write ${first}, and so can a program under wx, or put another folder in its place: ` +
      'install trampfd and Node.js where only root can write',
  );
}
