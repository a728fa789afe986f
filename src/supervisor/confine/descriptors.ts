/**
 * Descriptors that a confined program inherits.
 *
 * A file stays on the mount that it was opened through, and an inherited one was opened outside, where it may be
 * executed: who can write it could map it as code, open it again through /proc/self/fd, or start at an inherited folder.
 * So regular files and folders are opened again, by their paths, through the mounts of the program's own, at the same
 * position and with the same flags. Pipes, sockets and terminals cannot be executed, and stay what they are.
 *
 * The position of a file that is opened again is the program's own. It is handed back to whoever has the old one when the
 * program stops or ends, so that `{ trampfd run ...; echo; } >file` writes one behind the other.
 *
 * @module
 */
import { fstatSync, readlinkSync } from 'node:fs';
import { errnoNumbers } from '../../abi/errno.js';
import { AT_FDCWD, FCNTL } from '../../abi/fcntl.js';
import { TrampfdError } from '../../error.js';
import {
  close,
  copyDescriptor,
  fcntl,
  openPidfd,
  position,
  readAt,
  setPosition,
  sharesOpenFile,
  writeStart,
} from '../../linux/descriptor.js';
import type { HeldProcess } from '../../linux/held_process.js';
import { allocate, allocateString, type NativeMemory } from '../../linux/libc.js';
import { duplicateOnto } from '../../linux/process.js';
import { queuedDescriptors } from '../../linux/socket.js';
import { asBytes } from './trees.js';

/** Flags that belong to an open file, not to its descriptor or to its opening (open(2)). */
const KEPT_FLAGS =
  FCNTL.O_ACCMODE |
  FCNTL.O_APPEND |
  FCNTL.O_NONBLOCK |
  FCNTL.O_DSYNC |
  FCNTL.O_SYNC |
  FCNTL.O_DIRECT |
  FCNTL.O_NOATIME |
  FCNTL.O_PATH |
  FCNTL.O_DIRECTORY |
  FCNTL.O_LARGEFILE;

/** How much of a file without a name is copied, at most: the here documents of shells are far smaller. */
const MOST_COPIED = 64 * 1024 * 1024;

/** An inherited descriptor that must not reach the program as it is. */
export interface OutsideFile {
  readonly descriptor: number;
  /** Its path as /proc has it, a character for each byte. */
  readonly path: string;
  /** The same, where a held process finds it. */
  readonly memory: NativeMemory;
  /** A buffer for another path there. */
  readonly scratch: NativeMemory;
  readonly flags: number;
  readonly kind: 'file' | 'folder';
  /** Whether it has lost its last name, or never had one. */
  readonly nameless: boolean;
  readonly device: number;
  readonly inode: number;
  /** Whether it belongs to the user of this process. */
  readonly isOwn: boolean;
}

/** Two descriptors of ours: the file as it was inherited, and as the program has it. */
export interface HandedPosition {
  readonly outside: number;
  readonly inside: number;
  /** The numbers that the program has it at. */
  readonly numbers: readonly number[];
}

/**
 * Finds those among our descriptors that are files or folders of an outer mount.
 *
 * @throws TrampfdError ENOTBLK for a block device
 */
export function outsideFiles(descriptors: readonly number[]): readonly OutsideFile[] {
  return descriptors.flatMap((descriptor): readonly OutsideFile[] => {
    const status = fstatSync(descriptor);
    const path = readlinkSync(asBytes(`/proc/self/fd/${descriptor}`), 'latin1');
    if (status.isBlockDevice()) {
      throw new TrampfdError(
        'ENOTBLK',
        `descriptor ${descriptor} is ${path}, a disk, and what may be executed could be on it; close it (${descriptor}<&-)`,
      );
    }
    if (status.isSocket()) refuseQueued(descriptor);
    // Else it is a pipe, a socket, a terminal, or the kernel's own, as an epoll or a timer is.
    if (!(status.isFile() || status.isDirectory()) || !path.startsWith('/')) return [];
    return [
      {
        descriptor,
        path,
        memory: allocateString(asBytes(path)),
        scratch: allocate(64),
        flags: fcntl(descriptor, FCNTL.F_GETFL, 0) & KEPT_FLAGS,
        kind: status.isFile() ? 'file' : 'folder',
        nameless: status.nlink === 0,
        device: status.dev,
        inode: status.ino,
        isOwn: [process.getuid?.(), process.geteuid?.()].includes(status.uid),
      },
    ];
  });
}

/**
 * Refuses a socket in whose queue files wait: whoever receives them has them as they were sent. What is sent later, from
 * outside of the run, is the affair of who sends it.
 */
function refuseQueued(descriptor: number): void {
  const queued = queuedDescriptors(descriptor);
  const files = queued.filter((one) => {
    const status = fstatSync(one);
    return status.isFile() || status.isDirectory() || status.isBlockDevice();
  });
  const names = files.map((one) => readlinkSync(`/proc/self/fd/${one}`));
  for (const one of queued) close(one);
  if (names.length === 0) return;
  throw new TrampfdError(
    'EXDEV',
    `descriptor ${descriptor} is a socket in which files wait to be received (${names.join(', ')}), so the program ` +
      'cannot have it under strict; send them when it runs, or close it',
  );
}

function refusal({ descriptor, path }: OutsideFile, reason: string): TrampfdError {
  const instead =
    descriptor === 0 ? 'give it as a pipe (cat FILE | ...)' : 'give a pipe in its place (... | cat >FILE)';
  return new TrampfdError(
    'EXDEV',
    `descriptor ${descriptor} is ${path}, ${reason}, so the program cannot have it under strict; ${instead}, or close it`,
  );
}

/** Opens a file of ours in the held process, read-only, with the same bytes: nobody has a name of the old one. */
function openCopy(held: HeldProcess, pidfd: number, folder: number, file: OutsideFile): number {
  const { size } = fstatSync(file.descriptor);
  const mode = file.flags & FCNTL.O_ACCMODE;
  if (file.kind !== 'file' || mode !== FCNTL.O_RDONLY || (file.flags & FCNTL.O_PATH) !== 0 || size > MOST_COPIED) {
    throw refusal(file, 'which has no name any more');
  }
  const bytes = readAt(file.descriptor, 0, size);
  held.write(file.scratch.address, Buffer.from('.\0'));
  const writable = Number(
    held.call('openat', folder, file.scratch.address, FCNTL.O_TMPFILE | FCNTL.O_RDWR | FCNTL.O_CLOEXEC, 0o600),
  );
  const ours = writable < 0 ? writable : copyDescriptor(pidfd, writable);
  if (bytes === undefined || ours < 0 || !writeStart(ours, bytes)) {
    throw refusal(file, 'which has no name any more and cannot be copied');
  }
  close(ours);
  held.write(file.scratch.address, Buffer.from(`/proc/self/fd/${writable}\0`));
  const flags = file.flags | FCNTL.O_CLOEXEC;
  const [opened = -1n] = held.callAll([
    { call: 'openat', arguments: [AT_FDCWD, file.scratch.address, flags] },
    { call: 'close', arguments: [writable] },
  ]);
  if (opened < 0n) throw refusal(file, 'which has no name any more and cannot be opened again');
  return Number(opened);
}

/** Opens a file again by its name; undefined where the old descriptor may stay, as it cannot be read in any way. */
function openByName(held: HeldProcess, pidfd: number, file: OutsideFile): number | undefined {
  const flags = FCNTL.O_NOCTTY | FCNTL.O_CLOEXEC;
  const number = Number(held.call('openat', AT_FDCWD, file.memory.address, file.flags | flags));
  if (number === -errnoNumbers.EACCES && (file.flags & FCNTL.O_ACCMODE) === FCNTL.O_WRONLY && !file.isOwn) {
    // By its descriptor, whose name in /proc asks no folder on the file's path. Its owner could give himself the permission.
    held.write(file.scratch.address, Buffer.from(`/proc/self/fd/${file.descriptor}\0`));
    const reading = held.call('openat', AT_FDCWD, file.scratch.address, flags);
    if (reading === BigInt(-errnoNumbers.EACCES)) return undefined;
  }
  if (number === -errnoNumbers.EROFS) throw refusal(file, 'which lies in a tree that is read-only');
  if (number < 0) throw refusal(file, 'which cannot be opened again');
  const ours = copyDescriptor(pidfd, number);
  const { dev, ino } = fstatSync(ours);
  close(ours);
  if (dev !== file.device || ino !== file.inode) throw refusal(file, 'and that is the name of another file now');
  return number;
}

/**
 * Opens inherited files again in a held process whose mounts are complete.
 *
 * @param folder - its descriptor of a folder that files without a name can be made in
 * @returns positions to hand back
 * @throws TrampfdError EXDEV for a file that cannot be opened again: the message says which, why, and what helps
 */
export function reopen(held: HeldProcess, folder: number, files: readonly OutsideFile[]): readonly HandedPosition[] {
  const pidfd = openPidfd(held.processId);
  try {
    return openFiles(files).flatMap(([file, ...others]): readonly HandedPosition[] => {
      const { descriptor } = file;
      const number = file.nameless ? openCopy(held, pidfd, folder, file) : openByName(held, pidfd, file);
      if (number === undefined) return [];
      const results = held.callAll([
        { call: 'dup3', arguments: [number, descriptor, 0] },
        { call: 'close', arguments: [number] },
        ...others.map((other) => ({ call: 'dup3' as const, arguments: [descriptor, other.descriptor, 0] })),
      ]);
      // The old one would stay.
      if (results.some((result) => result < 0n)) throw refusal(file, 'whose place cannot be taken');
      if (file.kind === 'folder' || (file.flags & FCNTL.O_PATH) !== 0) return [];
      const inside = copyDescriptor(pidfd, descriptor);
      setPosition(inside, position(descriptor));
      const numbers = [descriptor, ...others.map((other) => other.descriptor)];
      return [{ outside: fcntl(descriptor, FCNTL.F_DUPFD_CLOEXEC, 3), inside, numbers }];
    });
  } finally {
    close(pidfd);
  }
}

/** Descriptors by the open file that they are of: those of `>file 2>&1` write one behind the other. */
function openFiles(files: readonly OutsideFile[]): readonly [OutsideFile, ...OutsideFile[]][] {
  const groups: [OutsideFile, ...OutsideFile[]][] = [];
  for (const file of files) {
    const known = groups.find(([first]) => sharesOpenFile(first.descriptor, file.descriptor));
    if (known === undefined) groups.push([file]);
    else known.push(file);
  }
  return groups;
}

/** Has this process write to standard error where the program does, at one position. */
export function shareStandardError(positions: readonly HandedPosition[]): void {
  for (const { inside, numbers } of positions) if (numbers.includes(2)) duplicateOnto(inside, 2);
}

/** Hands positions back: what others read or write next goes on where the program has come to. */
export function handBack(positions: readonly HandedPosition[]): void {
  for (const { outside, inside } of positions) setPosition(outside, position(inside));
}
