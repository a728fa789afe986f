/**
 * The file of `--log`: open(2) of what a run may have prepared for the next one. A program that may write in the log's
 * folder could leave a link there, a second name of another file, or a FIFO that nobody reads.
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { FCNTL } from '../abi/fcntl.js';
import { TrampfdError } from '../error.js';
import { fcntl } from '../linux/descriptor.js';

/** Appending, so that several runs may share one file; a terminal does not become ours. */
const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY | constants.O_NONBLOCK;

/** Whoever made the log may read it, for it says where code lies in memory. */
const MODE = 0o600;

/** Names of descriptors of ours, which /proc and /dev show as links. */
const DESCRIPTOR_NAME = /^\/(?:dev\/(?:fd\/(\d+)|(stdout)|(stderr))|proc\/self\/fd\/(\d+))$/;

/** How long somebody who is to read a FIFO may take to open it, and how often that is tried, in milliseconds. */
const READER_PATIENCE = 2000;
const READER_INTERVAL = 10;

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}

/** A refusal: what the file is, and what helps. */
function refusal(name: Buffer, code: string, what: string): TrampfdError {
  const path = name.toString();
  return new TrampfdError(code, `${path}: the log cannot be written (${code}); ${what}`, { path });
}

/** The descriptor that a name stands for, where it is one of those. */
function namedDescriptor(name: Buffer): number | undefined {
  const [, first, output, errors, last] = DESCRIPTOR_NAME.exec(name.toString('latin1')) ?? [];
  if (output !== undefined) return 1;
  if (errors !== undefined) return 2;
  const digits = first ?? last;
  return digits === undefined ? undefined : Number(digits);
}

/**
 * What a log may be by its kind and its names; undefined where nothing is wrong with it.
 *
 * @param stats - of the file itself, links not followed
 */
export function wrongWith(stats: Pick<Stats, 'mode' | 'nlink'>): { code: string; what: string } | undefined {
  switch (stats.mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return stats.nlink > 1
        ? { code: 'EMLINK', what: `the file has ${stats.nlink} names (hard links); name one that has no other` }
        : undefined;
    case constants.S_IFIFO:
    case constants.S_IFCHR:
      return undefined;
    case constants.S_IFLNK:
      return { code: 'ELOOP', what: 'it is a symbolic link, which a program may have made; name the file itself' };
    case constants.S_IFDIR:
      return { code: 'EISDIR', what: 'it is a folder; name a file' };
    default:
      return { code: 'EINVAL', what: 'it is neither a file nor a FIFO nor a terminal; name a file that can be' };
  }
}

/** Opens what was looked at, and nothing else. A FIFO is given a moment for its reader to come. */
function openLooked(name: Buffer, looked: number): number {
  for (let waited = 0; ; waited += READER_INTERVAL) {
    try {
      return openSync(`/proc/self/fd/${looked}`, APPENDING);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENXIO') throw refusal(name, code, 'name a file that can be');
      if (waited >= READER_PATIENCE) throw refusal(name, code, 'nobody reads this FIFO; start its reader first');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READER_INTERVAL);
    }
  }
}

/** Looks at a file without opening it: a descriptor for its place (O_PATH), or undefined where there is none. */
function look(name: Buffer): number | undefined {
  try {
    return openSync(name, FCNTL.O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refusal(name, codeOf(error), 'name a file that can be');
  }
}

/** Makes the file; undefined where somebody else has just done so. */
function create(name: Buffer): number | undefined {
  try {
    return openSync(name, APPENDING | constants.O_CREAT | constants.O_EXCL, MODE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw refusal(name, codeOf(error), 'name a file that can be');
  }
}

/** A log that was given as a descriptor: the file is opened anew, or where that cannot be, the descriptor copied. */
function openDescriptor(name: Buffer, descriptor: number, inherited: readonly number[]): number {
  // Others are this process's own.
  if (!inherited.includes(descriptor)) throw refusal(name, 'EBADF', 'no such descriptor is open');
  try {
    return openSync(`/proc/self/fd/${descriptor}`, APPENDING);
  } catch {
    const copy = fcntl(descriptor, FCNTL.F_DUPFD_CLOEXEC, 3);
    if (copy < 0 || (fcntl(copy, FCNTL.F_GETFL, 0) & FCNTL.O_ACCMODE) === FCNTL.O_RDONLY) {
      throw refusal(name, 'EBADF', 'this descriptor is not open for writing');
    }
    return copy;
  }
}

/**
 * Opens a log: a new file of mode 0600, or what is there where that is a file with one name, a FIFO, a terminal or the like.
 * The last part of the name may be no link, save for a descriptor's: /dev/stderr, /dev/fd/3.
 *
 * @param bytes - its name
 * @param inherited - descriptors that may be named
 * @returns a descriptor, which is closed on execve
 * @throws TrampfdError with the code of what is wrong
 */
export function openLogFile(bytes: Uint8Array, inherited: readonly number[]): number {
  const name = Buffer.from(bytes);
  const descriptor = namedDescriptor(name);
  if (descriptor !== undefined) return openDescriptor(name, descriptor, inherited);
  // Somebody who makes and removes the file all the time is not followed for ever.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const looked = look(name);
    if (looked === undefined) {
      const made = create(name);
      if (made !== undefined) return made;
      continue;
    }
    try {
      const wrong = wrongWith(fstatSync(looked));
      if (wrong !== undefined) throw refusal(name, wrong.code, wrong.what);
      return openLooked(name, looked);
    } finally {
      closeSync(looked);
    }
  }
  throw refusal(name, 'EAGAIN', 'something makes and removes it again and again; name another file');
}
