/**
 * Takes a copy of a caller's descriptor, of the same open file: pidfd_getfd(2).
 *
 * @module
 */
import { close, copyDescriptor, openPidfd, PIDFD_THREAD, sharesDescriptors } from '../linux/descriptor.js';
import { processOf } from '../linux/proc.js';

/**
 * Takes it from the process's table, or from that of a thread which has one of its own; the latter can be asked from Linux
 * 6.9 on.
 *
 * @param isWanted - whether a copy is of the file that is meant
 * @returns undefined where it cannot be had
 */
export function takeDescriptor(
  threadId: number,
  descriptor: number,
  isWanted: (copy: number) => boolean,
): number | undefined {
  const processId = processOf(threadId);
  if (processId === undefined) return undefined;
  for (const [id, flags] of [
    [processId, 0],
    [threadId, PIDFD_THREAD],
  ] as const) {
    const pidfd = openPidfd(id, flags);
    if (pidfd < 0) continue;
    const copy = copyDescriptor(pidfd, descriptor);
    close(pidfd);
    if (copy < 0) continue;
    if (isWanted(copy)) return copy;
    close(copy);
  }
  return undefined;
}

/** Takes what the calling thread itself has at a number. */
export function takeOwnDescriptor(threadId: number, descriptor: number): number | undefined {
  const processId = processOf(threadId);
  if (processId === undefined) return undefined;
  const isShared = processId === threadId || sharesDescriptors(threadId, processId);
  const pidfd = openPidfd(isShared ? processId : threadId, isShared ? 0 : PIDFD_THREAD);
  if (pidfd < 0) return undefined;
  const copy = copyDescriptor(pidfd, descriptor);
  close(pidfd);
  return copy < 0 ? undefined : copy;
}
