/**
 * Files that programs name or have mapped, to be looked at: statx(2), open(2), pread(2). Their file system may be one that
 * another process serves; then they are looked at apart (served.ts).
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { AT, AT_FDCWD, FCNTL, FILE_KIND, STATX, STATX_FLAGS } from '../abi/fcntl.js';
import { DATA_SIZE } from './apart.js';
import { ApartSession } from './apart_pool.js';
import { isServed } from './served.js';

/** What a file is. */
export interface FileStatus {
  readonly isFile: boolean;
  readonly inode: bigint;
  readonly size: number;
  /** Another one for each file and each state of it that differs by its times or its size. */
  readonly state: string;
}

/** A file that was opened for reading. */
export interface OpenFile extends Disposable {
  readonly status: FileStatus;
  /** Bytes of it; fewer where it ends. @throws as {@link ApartSession.make}, or the error of Node.js */
  readonly read: (offset: number, length: number) => Uint8Array;
}

/** No device is waited for, and no terminal becomes ours. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const WANTED = STATX_FLAGS.STATX_TYPE | STATX_FLAGS.STATX_INO | STATX_FLAGS.STATX_SIZE | STATX_FLAGS.STATX_MTIME;
/** Where the structure of statx(2) stands in a session's memory, and the bytes of a file. */
const STRUCTURE = 8192;
const BYTES = STRUCTURE + STATX.size;
const ASCII = /^[ -~]*$/;

function nameOf(path: string): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1');
}

function errnoOf(error: unknown): number {
  return (error as NodeJS.ErrnoException).errno ?? -1;
}

type Stats = ReturnType<typeof statSync> & object;

function fromStats(stats: Stats): FileStatus {
  const { dev, ino, mtimeMs, ctimeMs, size } = stats;
  const state = `${dev} ${ino} ${mtimeMs} ${ctimeMs} ${size}`;
  return { isFile: stats.isFile(), inode: BigInt(ino), size: Number(size), state };
}

function fromStructure(bytes: Uint8Array): FileStatus {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [inode, size] = [view.getBigUint64(STATX.stx_ino, true), view.getBigUint64(STATX.stx_size, true)];
  // Sixteen bytes each: seconds and nanoseconds.
  const times = [STATX.stx_ctime, STATX.stx_mtime].map((at) =>
    Buffer.from(bytes.subarray(at, at + 12)).toString('hex'),
  );
  const device = [STATX.stx_dev_major, STATX.stx_dev_minor].map((at) => view.getUint32(at, true)).join(':');
  return {
    isFile: (view.getUint16(STATX.stx_mode, true) & FILE_KIND.S_IFMT) === FILE_KIND.S_IFREG,
    inode,
    size: Number(size),
    state: `${device} ${inode} ${times.join(' ')} ${size}`,
  };
}

/** Asks for the status of a path, or of an open file, in a session. */
function statusApart(session: ApartSession, path: string, file = AT_FDCWD): FileStatus | number {
  return session.make<FileStatus | number>(
    `looking at ${path}`,
    (apart) => {
      apart.data.set(Buffer.from(file === AT_FDCWD ? `${path}\0` : '\0', 'latin1'));
      const structure = apart.dataAddress + BigInt(STRUCTURE);
      const flags = file === AT_FDCWD ? 0 : AT.AT_EMPTY_PATH;
      return [{ call: 'statx', arguments: [file, apart.dataAddress, flags, WANTED, structure] }];
    },
    (apart) => {
      const result = apart.result(0);
      return result < 0 ? result : fromStructure(apart.data.slice(STRUCTURE, STRUCTURE + STATX.size));
    },
  );
}

/**
 * What stands at a path, links followed; or a negated error number.
 *
 * @param path - with one character for each byte
 * @param threadId - a thread of the process that has named it
 * @throws as {@link ApartSession.make}
 */
export function programFileStatus(path: string, threadId: number): FileStatus | number {
  if (isServed()) {
    using session = new ApartSession(threadId);
    return statusApart(session, path);
  }
  try {
    return fromStats(statSync(nameOf(path)));
  } catch (error) {
    return errnoOf(error);
  }
}

/** Opens what stands at a path, in the same way; or a negated error number. */
export function openProgramFile(path: string, threadId: number): OpenFile | number {
  if (isServed()) return openApart(path, threadId);
  try {
    const file = openSync(nameOf(path), FLAGS);
    return {
      status: fromStats(fstatSync(file)),
      read(offset, length) {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
      },
      [Symbol.dispose]: () => closeSync(file),
    };
  } catch (error) {
    return errnoOf(error);
  }
}

function openApart(path: string, threadId: number): OpenFile | number {
  const session = new ApartSession(threadId);
  let opened: OpenFile | number | undefined;
  try {
    const file = session.make(
      `opening ${path}`,
      (apart) => {
        apart.data.set(Buffer.from(`${path}\0`, 'latin1'));
        return [{ call: 'openat', arguments: [AT_FDCWD, apart.dataAddress, FLAGS | FCNTL.O_CLOEXEC, 0] }];
      },
      (apart) => apart.result(0),
    );
    if (file < 0) return file;
    const status = statusApart(session, path, file);
    if (typeof status === 'number') return status;
    opened = {
      status,
      read: (offset, length) => readApart(session, file, offset, length),
      [Symbol.dispose]: () => session[Symbol.dispose](),
    };
    return opened;
  } finally {
    if (opened === undefined) session[Symbol.dispose]();
  }
}

function readApart(session: ApartSession, file: number, offset: number, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < length; ) {
    const wanted = Math.min(length - at, DATA_SIZE - BYTES);
    const part = session.make(
      'reading a file',
      ({ dataAddress }) => [{ call: 'pread64', arguments: [file, dataAddress + BigInt(BYTES), wanted, offset + at] }],
      (apart) => apart.data.slice(BYTES, BYTES + Math.max(0, apart.result(0))),
    );
    parts.push(part);
    if (part.length === 0) break;
    at += part.length;
  }
  return Buffer.concat(parts);
}
