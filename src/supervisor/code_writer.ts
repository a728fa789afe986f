/**
 * Who asks for executable memory, as far as it is known: by the files that the call came from, or by a function in them,
 * for a program may have a library in it.
 *
 * @module
 */
import type { Entry } from '../abi/syscalls.js';
import type { Notification } from '../linux/listener.js';
import { isClosureMaker, secondWayOf } from '../policy/runtimes.js';
import { filesOf, placesOf } from './caller.js';
import { type CodePlace, functionOf } from './functions.js';
import type { LoggedCaller } from './log.js';

/** A caller, and what it is known to write. */
export interface CodeWriter {
  readonly caller: LoggedCaller;
  readonly places: readonly CodePlace[];
  readonly writes: ReturnType<typeof secondWayOf>;
}

/** Looks who makes a waiting call. */
export function codeWriterOf(notification: Notification, entry: Entry): CodeWriter {
  const { caller, places } = placesOf(notification, entry === 'i386' ? 4 : 8);
  const isClosures = (place: CodePlace): boolean =>
    isClosureMaker(functionOf(notification.threadId, place)?.name ?? '');
  return {
    caller,
    places,
    writes: secondWayOf(filesOf(caller)) ?? (places.some(isClosures) ? 'maps twice' : undefined),
  };
}
