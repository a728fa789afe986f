/**
 * Descriptors that wait in the queue of an inherited socket, and in the queues of sockets that wait there: whoever
 * receives them has them as they were sent, from the mounts of the outside.
 *
 * They cannot be opened again in their place, so what would have to be is a reason not to start. What is sent later, from
 * outside of the run, is the affair of who sends it.
 *
 * @module
 */
import { fstatSync } from 'node:fs';
import { close } from '../../linux/descriptor.js';
import { queuedDescriptors } from '../../linux/socket.js';
import { factsOf } from './descriptor_facts.js';
import { descriptorKind } from './descriptor_kinds.js';

/** How many sockets are looked into, one in the other or beside it. */
const MOST_SOCKETS = 256;

/**
 * What a Unix socket is that cannot be passed on, as the end of a sentence; undefined where nothing waits in it that is of
 * the outside.
 *
 * @param socket - our descriptor of it
 */
export function queueRefusal(socket: number): string | undefined {
  /** Sockets that were looked into, by inode: one may wait in its own queue. */
  const seen = new Set<bigint>([fstatSync(socket, { bigint: true }).ino]);
  /** Ours of those that are to be looked into. */
  const waiting: number[] = [];
  const names: string[] = [];
  let isAll = true;
  const lookInto = (one: number): void => {
    const queued = queuedDescriptors(one);
    isAll &&= queued.isAll;
    for (const copy of queued.descriptors) {
      const facts = factsOf(copy);
      const found = descriptorKind(facts);
      const { ino } = fstatSync(copy, { bigint: true });
      if (found.kind === 'queue' && !seen.has(ino)) {
        seen.add(ino);
        waiting.push(copy);
        continue;
      }
      const canStay = found.kind === 'kept' || found.kind === 'queue' || (found.kind === 'device' && found.canStay);
      if (!canStay) names.push(facts.link);
      close(copy);
    }
  };
  lookInto(socket);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.size > MOST_SOCKETS) isAll = false;
    else lookInto(next);
    close(next);
  }
  if (names.length > 0) {
    const shown = [...new Set(names)].slice(0, 4);
    return `a socket in which descriptors of the outside wait to be received (${shown.join(', ')})`;
  }
  return isAll ? undefined : 'a socket in which descriptors wait to be received that cannot be looked at';
}
