/**
 * Folders of a confined program that are no mounts: the one that memory files are made in, and the one that it works in.
 *
 * @module
 */
import { readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { AT, FCNTL } from '../../abi/fcntl.js';
import { MOUNT } from '../../abi/mount.js';
import { TrampfdError } from '../../error.js';
import { close, copyDescriptor, openPidfd } from '../../linux/descriptor.js';
import type { HeldProcess } from '../../linux/held_process.js';
import { allocateString, type NativeMemory } from '../../linux/libc.js';
import { makeFileSystem, type PreparedFileSystem, prepareFileSystem } from './file_system.js';
import type { Requirements } from './missing.js';
import { asBytes } from './trees.js';

/** Both in memory, at addresses that a held process finds too. */
export interface PreparedFolders {
  readonly memory: PreparedFileSystem;
  readonly working: { readonly path: NativeMemory; readonly isGone: boolean };
}

/** What a removed folder is called behind its name (proc(5)). */
const DELETED = / \(deleted\)$/;

/**
 * The working directory by its path, or where it was removed by the name that it had.
 *
 * @param folder - a descriptor of it, where it is not this process's
 * @throws TrampfdError EXDEV where it cannot be entered anew: from it the program would come to what lies under its mounts
 */
function workingFolder(folder: number | undefined): { readonly path: string; readonly isGone: boolean } {
  const link = folder === undefined ? '/proc/self/cwd' : `/proc/self/fd/${folder}`;
  const path = readlinkSync(link, 'latin1');
  const { dev, ino, nlink } = statSync(link, { bigint: true });
  const there = statSync(asBytes(path), { bigint: true, throwIfNoEntry: false });
  if (there?.dev === dev && there.ino === ino) return { path, isGone: false };
  if (nlink === 0n) return { path: basename(path.replace(DELETED, '')), isGone: true };
  throw new TrampfdError(
    'EXDEV',
    `the working folder, ${path}, cannot be entered by that name, and strict lets nobody come to what lies under its ` +
      'mounts; start in another folder',
  );
}

/** Writes to memory what both are made of; before the process is started that makes them. */
export function prepareFolders({ folder }: { readonly folder: number | undefined }): PreparedFolders {
  const { MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID } = MOUNT;
  const { path, isGone } = workingFolder(folder);
  return {
    // It has no limits of its own, as memfd_create(2) has none.
    memory: prepareFileSystem(
      'tmpfs',
      { size: '0', nr_inodes: '0', mode: '1777' },
      MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
    ),
    working: { path: allocateString(asBytes(path)), isGone },
  };
}

/**
 * Makes the folder for memory files: on a file system that is mounted nowhere, where nothing can be executed.
 *
 * @returns the held process's descriptor of it, and ours
 */
export function takeMemoryFolder(
  held: HeldProcess,
  { memory }: PreparedFolders,
  requirements: Requirements,
): [number, number] | undefined {
  const theirs = makeFileSystem(held, memory);
  const pidfd = openPidfd(held.processId);
  const ours = theirs < 0 ? theirs : copyDescriptor(pidfd, theirs);
  close(pidfd);
  const had = requirements.need(ours, {
    what: 'a file system for memory files cannot be made',
    remedy: 'a kernel with tmpfs, fsopen(2) and fsmount(2) can',
    open: 'memory files (memfd_create) are refused',
  });
  return had ? [theirs, ours] : undefined;
}

/**
 * Enters the working folder in a held process that stands in its root folder. A removed one would lead to the mounts that
 * it was in, by "..": the program gets another one that is removed.
 *
 * @param memory - the held process's descriptor of the folder for memory files
 */
export function enterFolder(held: HeldProcess, { working }: PreparedFolders, memory: number | undefined): void {
  const { address } = working.path;
  if (!working.isGone) held.call('chdir', address);
  if (!working.isGone || memory === undefined) return;
  const flags = FCNTL.O_PATH | FCNTL.O_DIRECTORY | FCNTL.O_CLOEXEC;
  const [, folder = -1n] = held.callAll([
    { call: 'mkdirat', arguments: [memory, address, 0o755] },
    { call: 'openat', arguments: [memory, address, flags] },
  ]);
  held.callAll([
    { call: 'fchdir', arguments: [folder] },
    { call: 'unlinkat', arguments: [memory, address, AT.AT_REMOVEDIR] },
    { call: 'close', arguments: [folder] },
  ]);
}
