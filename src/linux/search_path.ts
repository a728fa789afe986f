/**
 * Where a program's file is: PATH, as execvp(3) reads it.
 *
 * @module
 */
import { accessSync, constants, statSync } from 'node:fs';

/** The paths that a name may have, in their order; a path is its own only one, and so is an empty name. */
export function candidatePaths(program: Uint8Array): readonly Uint8Array[] {
  if (program.length === 0 || program.includes('/'.charCodeAt(0))) return [program];
  const folders = (process.env['PATH'] ?? '/bin:/usr/bin').split(':');
  return folders.map((folder) => Buffer.concat([Buffer.from(`${folder === '' ? '.' : folder}/`), program]));
}

/** The first of them that is a file that may be executed. */
export function findProgram(program: Uint8Array): Uint8Array | undefined {
  return candidatePaths(program).find((path) => {
    try {
      accessSync(Buffer.from(path), constants.X_OK);
      return statSync(Buffer.from(path)).isFile();
    } catch {
      return false;
    }
  });
}

/** Folders of the system's programs come first: one of PATH may be a folder that a run can write. */
export function systemPath(): string {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(':');
}
