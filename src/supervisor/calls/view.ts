/**
 * mmap(2) of the executable half of a double mapping, where trampolines are emulated: an executable view, shared, of a
 * file that the caller has open for writing.
 *
 * Where `execfile` is denied, the kernel would refuse it, as such files lie on mounts without execution; every caller but
 * a compiler gets a view of the supervisor's pages in its place. Where it is allowed, the kernel may map what the program
 * writes, and those get one that are known to write nothing but trampolines: a compiler that maps twice goes on as before.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { FCNTL } from '../../abi/fcntl.js';
import { MAP, PROT } from '../../abi/mman.js';
import { descriptorPath, isRegularFile } from '../../linux/descriptor.js';
import { fieldOf } from '../../linux/status.js';
import { allows } from '../../policy/kinds.js';
import { type Answer, type CallContext, int32 } from '../call.js';
import { codeWriterOf } from '../code_writer.js';

/** Whether a thread has a file open for reading and writing (proc(5): the flags of /proc/PID/fdinfo/FD, octal). */
function isOpenForWriting(threadId: number, descriptor: number): boolean {
  try {
    const flags = fieldOf(readFileSync(`/proc/${threadId}/fdinfo/${descriptor}`, 'latin1'), 'flags');
    return flags !== undefined && (Number.parseInt(flags, 8) & FCNTL.O_ACCMODE) === FCNTL.O_RDWR;
  } catch {
    return false;
  }
}

/** The answer where it is such a call, and is to be had otherwise; undefined for all others. */
export function answerView({ supervision, notification, entry, name }: CallContext): Answer | undefined {
  const { emulation, policy, waitsKillable } = supervision;
  if (emulation === undefined || !waitsKillable) return undefined;
  const [, length, protection, flags, descriptor] = notification.arguments;
  const isExecutable = (int32(protection) & PROT.PROT_EXEC) !== 0 && (int32(protection) & PROT.PROT_WRITE) === 0;
  const isShared = (int32(flags) & (MAP.MAP_SHARED | MAP.MAP_ANONYMOUS)) === MAP.MAP_SHARED;
  // Of no length there is none: the kernel says so (EINVAL).
  if (!isExecutable || !isShared || (int32(flags) & MAP.MAP_FIXED) !== 0 || length === 0n) return undefined;
  const { threadId } = notification;
  if (!isOpenForWriting(threadId, int32(descriptor))) return undefined;
  // What is shared with a device, or a socket, is no memory that code is written to.
  if (!isRegularFile(descriptorPath(threadId, int32(descriptor)))) return undefined;
  if (allows(policy, 'execfile')) {
    if (codeWriterOf(notification, entry).writes !== 'maps twice') return undefined;
  }
  emulation.hand({ kind: 'memory', notification, entry, name });
  return { kind: 'later' };
}
