/**
 * What is said of a program that could not be started (execve(2)): what happened, why as far as its file shows it, and what
 * helps.
 *
 * @module
 */
import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { candidatePaths } from '../linux/search_path.js';

const ANY_EXECUTE = 0o111;

/** A file that a program's name leads to. */
interface Found {
  readonly path: string;
  readonly file: Stats;
}

/** The first file that a program may be, by its path or its name in PATH; undefined where none can be seen. */
function find(program: string): Found | undefined {
  for (const candidate of candidatePaths(Buffer.from(program))) {
    const path = Buffer.from(candidate).toString();
    try {
      return { path, file: statSync(path) };
    } catch {
      // It is not there, or in a folder that this user may not search.
    }
  }
  return undefined;
}

/** Whether a file may be executed by its permissions and its mount (access(2)). */
function mayBeExecuted(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a file is a script that names its interpreter. */
function isScript(path: string): boolean {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = new Uint8Array(2);
    return readSync(file, bytes, 0, bytes.length, 0) === bytes.length && Buffer.from(bytes).toString('latin1') === '#!';
  } finally {
    closeSync(file);
  }
}

/** Why a program is not permitted, and what helps; empty where its file does not show it. */
function deniedBecause(program: string, confined: boolean): string {
  const found = find(program);
  if (found === undefined) {
    return program.includes('/')
      ? ': this user may not search a folder on the way to it; give that permission, or name another program'
      : ': no folder of PATH that this user may search has it; give a path, or the permission to search the others';
  }
  const { path, file } = found;
  if (file.isDirectory()) return ': it is a folder; name a program';
  if (!file.isFile()) return ': it is no regular file; name a program';
  if ((file.mode & ANY_EXECUTE) === 0) return ': nobody has the permission to execute it; give it (chmod +x)';
  if (!mayBeExecuted(path)) {
    return ': this user has no permission to execute it, or its mount is noexec; give the permission, or put it on another mount';
  }
  if (!confined || !isScript(path)) return '';
  return (
    ': strict does not execute the interpreter that its first line names, which is no file of the system; ' +
    'name its folder (--exec PATH)'
  );
}

/**
 * The sentence for a program that could not be started.
 *
 * @param program - as it was named
 * @param errno - the error number of execve(2)
 * @param confined - whether the policy executes trusted files only
 */
export function unstartedSentence(program: string, errno: number, confined: boolean): string {
  const name = errnoName(errno);
  const failed = `${program}: cannot be executed (${name})`;
  try {
    if (errno === errnoNumbers.EACCES) return `${failed}${deniedBecause(program, confined)}`;
    if (errno !== errnoNumbers.ENOENT) return failed;
    return find(program)?.file.isFile() === true
      ? `${failed}: the interpreter that its first line names, or its loader, is not there; install it, or name another`
      : `${program}: no such program; give a path, or a name that is in PATH`;
  } catch {
    // Who may not look at the file is told what the kernel said.
    return failed;
  }
}
