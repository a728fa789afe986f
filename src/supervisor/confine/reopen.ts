/**
 * Opens inherited files, folders and devices again in a held process whose mounts are complete.
 *
 * @module
 */
import { fstatSync, readFileSync } from 'node:fs';
import { errnoNumbers } from '../../abi/errno.js';
import { AT_FDCWD, FCNTL } from '../../abi/fcntl.js';
import { TrampfdError } from '../../error.js';
import { capabilitySets } from '../../linux/capabilities.js';
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
import { mountIdOf, mountTable, parseMountTable } from '../../linux/mount_table.js';
import type { OutsideFile } from './descriptors.js';
import { isWithin, mountOf } from './mount_plan.js';
import type { HandedPosition } from './positions.js';

/** How much of a file without a name is copied, at most: the here documents of shells are far smaller. */
const MOST_COPIED = 64 * 1024 * 1024;

/** Where the run has nodes of its own, in folders of its own. */
const DEVICES = '/dev';

/** @param isThere - whether the run has something that the program can open itself */
function refusal({ descriptor, path, kind }: OutsideFile, reason: string, isThere = kind !== 'file'): TrampfdError {
  const pipe = descriptor === 0 ? 'give it as a pipe (cat FILE | ...)' : 'give a pipe in its place (... | cat >FILE)';
  const instead = isThere ? 'have the program open it itself' : pipe;
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

/** Whether what a held process has opened is what was inherited. */
function isSame(pidfd: number, number: number, file: OutsideFile): boolean {
  const ours = copyDescriptor(pidfd, number);
  if (ours < 0) return false;
  const status = fstatSync(ours, { bigint: true });
  close(ours);
  // Nodes of a device are many, and the device is one. Of /dev and its folders the run may have its own.
  if (file.kind === 'device') return status.isCharacterDevice() && status.rdev === file.deviceNumber;
  if (file.kind === 'folder' && isWithin(file.path, DEVICES)) return status.isDirectory();
  return status.dev === file.device && status.ino === file.inode;
}

/**
 * Whether a file that the run may only write may stay as it was opened outside, as a log that root has opened for a user. It
 * cannot be read in any way then, so that it cannot be mapped; and it must not be executed, nor be another name of what
 * is trusted.
 */
function mayStay(held: HeldProcess, file: OutsideFile): boolean {
  if ((file.flags & FCNTL.O_ACCMODE) !== FCNTL.O_WRONLY || file.kind !== 'file' || file.isOwn || file.isDelicate)
    return false;
  // With a capability the permission could be had after all.
  if (capabilitySets(process.pid).permitted !== 0n) return false;
  held.write(file.scratch.address, Buffer.from(`/proc/self/fd/${file.descriptor}\0`));
  const reading = held.call('openat', AT_FDCWD, file.scratch.address, FCNTL.O_NOCTTY | FCNTL.O_CLOEXEC);
  if (reading !== BigInt(-errnoNumbers.EACCES)) return false;
  const mounts = parseMountTable(readFileSync(`/proc/${held.processId}/mountinfo`, 'latin1'));
  return mountOf(mounts, file.path)?.options.includes('rw') === true;
}

/** Opens a file again by one of its names; undefined where the old descriptor may stay. */
function openByName(held: HeldProcess, pidfd: number, file: OutsideFile): number | undefined {
  const flags = file.flags | FCNTL.O_NOCTTY | FCNTL.O_CLOEXEC;
  let result = 0;
  for (const name of file.names) {
    result = Number(held.call('openat', AT_FDCWD, name.address, flags));
    if (result < 0) continue;
    if (isSame(pidfd, result, file)) return result;
    held.call('close', result);
  }
  if (file.canStay || (result === -errnoNumbers.EACCES && mayStay(held, file))) return undefined;
  if (result === -errnoNumbers.EROFS) throw refusal(file, 'which lies in a tree that is read-only');
  // Of memfd_secret(2) the mount is the kernel's own, and the name none.
  if (!file.path.endsWith(' (deleted)') && !mountTable().some(({ id }) => id === mountIdOf(file.descriptor))) {
    throw refusal(
      file,
      'which was opened through a mount that is not seen here, and is not what that path leads to',
      false,
    );
  }
  if (result >= 0) throw refusal(file, 'and that is the name of another file now');
  if (file.kind === 'device') throw refusal(file, 'a device that the run does not have', false);
  throw refusal(file, 'which cannot be opened again');
}

/**
 * Opens inherited files again.
 *
 * @param folder - a descriptor of the held process's, of a folder that files without a name can be made in
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
      if (file.kind !== 'file' || (file.flags & FCNTL.O_PATH) !== 0) return [];
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
