/**
 * Takes a copy of a caller's descriptor, of the same open file: pidfd_getfd(2).
 *
 * A copy that is not the one that is meant has to be closed again, and to close a file is to ask its server, who may not
 * answer (fs/fuse/file.c: fuse_flush). So where there may be such files it is taken apart, looked at there, and handed over
 * only where it is the one.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { STATX } from '../abi/fcntl.js';
import { ApartSession, giveFiles } from '../linux/apart_pool.js';
import {
  close,
  copyDescriptor,
  type DescriptorFacts,
  descriptorFacts,
  FACTS,
  factsOf,
  openPidfd,
  PIDFD_THREAD,
  sharesDescriptors,
} from '../linux/descriptor.js';
import { putDescriptor } from '../linux/passed_descriptor.js';
import { processOf } from '../linux/proc.js';
import { isServed } from '../linux/served.js';

/** Whether a copy is of the file that is meant. */
export type IsWanted = (facts: DescriptorFacts) => boolean;

/** A copy; or that there is no such descriptor, or that it is of another file. */
type Taken = number | 'none' | 'other';

/** The descriptor of the socket that a process apart has. */
const SOCKET = 0;

function isMeant(facts: DescriptorFacts | number, isWanted: IsWanted): boolean {
  return typeof facts !== 'number' && isWanted(facts);
}

function take(threadId: number, id: number, flags: number, descriptor: number, isWanted: IsWanted): Taken {
  const taken = isServed() ? takeApart(threadId, id, flags, descriptor, isWanted) : 'forbidden';
  if (taken !== 'forbidden') return taken;
  const pidfd = openPidfd(id, flags);
  if (pidfd < 0) return 'none';
  const copy = copyDescriptor(pidfd, descriptor);
  close(pidfd);
  if (copy < 0) return 'none';
  if (isMeant(descriptorFacts(copy), isWanted)) return copy;
  close(copy);
  return 'other';
}

/** The same apart; `forbidden` where Yama lets only the caller's ancestors do it. */
function takeApart(
  threadId: number,
  id: number,
  flags: number,
  descriptor: number,
  isWanted: IsWanted,
): Taken | 'forbidden' {
  giveFiles();
  using session = new ApartSession(threadId);
  const call = (name: 'pidfd_open' | 'pidfd_getfd', first: number, second: number): number =>
    session.make(
      `taking descriptor ${descriptor} of thread ${threadId}`,
      () => [{ call: name, arguments: [first, second, 0] }],
      (apart) => apart.result(0),
    );
  const pidfd = call('pidfd_open', id, flags);
  if (pidfd < 0) return 'none';
  const copy = call('pidfd_getfd', pidfd, descriptor);
  if (copy < 0) return copy === -errnoNumbers.EPERM ? 'forbidden' : 'none';
  const facts = session.make<DescriptorFacts | number>(
    `looking at descriptor ${descriptor} of thread ${threadId}`,
    ({ data, dataAddress }) => {
      data[0] = 0;
      return [{ call: 'statx', arguments: [copy, dataAddress, FACTS.flags, FACTS.mask, dataAddress + 8n] }];
    },
    (apart) => {
      const { buffer, byteOffset } = apart.dataView;
      return apart.result(0) < 0 ? apart.result(0) : factsOf(new DataView(buffer, byteOffset + 8, STATX.size));
    },
  );
  if (!isMeant(facts, isWanted)) return 'other';
  return session.make<Taken>(
    `handing over descriptor ${descriptor} of thread ${threadId}`,
    ({ dataView, dataAddress }) => {
      putDescriptor(dataView, dataAddress, copy);
      return [{ call: 'sendmsg', arguments: [SOCKET, dataAddress, 0] }];
    },
    (apart) => apart.take() ?? 'none',
  );
}

/**
 * Takes it from the process's table, or from that of a thread which has one of its own; the latter can be asked from Linux
 * 6.9 on.
 *
 * @returns undefined where it cannot be had
 * @throws as {@link ApartSession.make}
 */
export function takeDescriptor(threadId: number, descriptor: number, isWanted: IsWanted): number | undefined {
  const processId = processOf(threadId);
  if (processId === undefined) return undefined;
  for (const [id, flags] of [
    [processId, 0],
    [threadId, PIDFD_THREAD],
  ] as const) {
    const taken = take(threadId, id, flags, descriptor, isWanted);
    if (typeof taken === 'number') return taken;
  }
  return undefined;
}

/** Takes what the calling thread itself has at a number, where it is wanted. @throws as {@link ApartSession.make} */
export function takeOwnDescriptor(threadId: number, descriptor: number, isWanted: IsWanted): Taken {
  const processId = processOf(threadId);
  if (processId === undefined) return 'none';
  const isShared = processId === threadId || sharesDescriptors(threadId, processId);
  return take(threadId, isShared ? processId : threadId, isShared ? 0 : PIDFD_THREAD, descriptor, isWanted);
}
