/**
 * The path that a call of execve(2) or execveat(2) names, read while its caller waits.
 *
 * @module
 */
import { AT, AT_FDCWD } from '../abi/fcntl.js';
import type { SyscallName } from '../abi/syscalls.js';
import { promptly } from '../linux/late_call.js';
import type { Notification } from '../linux/listener.js';
import { readString } from '../linux/memory.js';
import { readStringByFile } from '../linux/memory_by_file.js';
import { int32 } from './call.js';

/** Bytes of a path, at most (linux/limits.h: PATH_MAX, with the zero). */
const LONGEST_PATH = 4095;

/** The path as it stands in the call; undefined where it cannot be read. */
function pathText({ threadId, arguments: values }: Notification, name: SyscallName): string | undefined {
  const address = values[name === 'execveat' ? 1 : 0] ?? 0n;
  // A sandbox around this process may refuse process_vm_readv(2), and the file is asked for the same permission.
  const path = readString(threadId, address, LONGEST_PATH) ?? readStringByFile(threadId, address, LONGEST_PATH);
  return path === undefined || path === 'too long' ? undefined : Buffer.from(path).toString('latin1');
}

/** The path, as we reach it, of what a thread executes; undefined where it cannot be read. */
export function executedPath(notification: Notification, name: SyscallName): string | undefined {
  const { threadId, arguments: values } = notification;
  const isAt = name === 'execveat';
  const text = pathText(notification, name);
  if (text === undefined) return undefined;
  if (text.startsWith('/')) return `/proc/${threadId}/root${text}`;
  const folder = isAt ? int32(values[0]) | 0 : AT_FDCWD;
  if (text.length === 0) {
    return isAt && (int32(values[4]) & AT.AT_EMPTY_PATH) !== 0 ? `/proc/${threadId}/fd/${folder}` : undefined;
  }
  return folder === AT_FDCWD ? `/proc/${threadId}/cwd/${text}` : `/proc/${threadId}/fd/${folder}/${text}`;
}

/** What a person calls it. */
export function executedName(notification: Notification, name: SyscallName): string {
  return promptly(() => pathText(notification, name), undefined) || 'a program';
}
