/**
 * The answer that gives a target the descriptor of a new object.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { close } from '../linux/descriptor.js';
import { processOf } from '../linux/proc.js';
import { type Answer, type CallContext, refuse } from './call.js';

/** A file that an object stands behind. */
export interface HandedFile extends Disposable {
  /** Opens it as the target gets it. */
  readonly handOut: () => number;
}

/** An object in the making. */
export interface NewObject<File extends HandedFile> {
  /** Makes its file; `gone` is to be called when our descriptor of it is closed. */
  readonly make: (gone: () => void) => File;
  /** The last thing before the descriptor is given: undefined, or why it is not. */
  readonly prepare: () => Answer | undefined;
  /** Takes the object in: the target has it at this number. */
  readonly adopt: (file: File, number: number) => void;
}

/** Gives a caller the descriptor of a new object, at a number in the window. */
export function newDescriptor<File extends HandedFile>(context: CallContext, object: NewObject<File>): Answer {
  const { numbers, tables } = context.supervision;
  const { threadId } = context.notification;
  const { descriptors } = tables;
  const processId = processOf(threadId) ?? threadId;
  const number = numbers.choose(threadId);
  if (number === 'EACCES') return refuse(number, "the caller's descriptors cannot be looked at; run trampfd as root");
  if (number === 'EMFILE') {
    return refuse(number, 'no number is free for a trampoline; close the descriptors of what is mapped already');
  }
  // Some may be of objects that are gone.
  if (!descriptors.hasRoomFor(processId, 1)) tables.makeRoom();
  if (!descriptors.hasRoomFor(processId, 1)) {
    const most = descriptors.mostOf(processId);
    const reason = `this process may have ${most} trampolines that can change yet (half of what others have left of the supervisor's limit of open files)`;
    return refuse('EMFILE', `${reason}; complete or close some, or raise ulimit -n before trampfd is started`);
  }
  let file: File | undefined;
  let source: number;
  const gone = descriptors.take(processId, 1);
  try {
    try {
      file = object.make(gone);
    } catch (error) {
      if (!(error instanceof TrampfdError) || error.code !== 'EMFILE') throw error;
      // Our own descriptors have run out: some may be of objects that are gone.
      tables.makeRoom();
      file = object.make(gone);
    }
    source = file.handOut();
  } catch (error) {
    file?.[Symbol.dispose]();
    gone();
    if (!(error instanceof TrampfdError)) throw error;
    const errno = error.code === 'EMFILE' || error.code === 'ENFILE' ? 'EMFILE' : 'ENOMEM';
    return refuse(errno, `the supervisor cannot make another trampoline: ${error.message}`);
  }
  const made = file;
  const undo = (): void => {
    close(source);
    made[Symbol.dispose]();
  };
  let refusal: Answer | undefined;
  let isPrepared = false;
  try {
    refusal = object.prepare();
    isPrepared = refusal === undefined;
  } finally {
    // Also where it is to be made anew later (Late).
    if (!isPrepared) undo();
  }
  if (refusal !== undefined) return refusal;
  return {
    kind: 'descriptor',
    source,
    number,
    closeOnExec: true,
    aboveLimit: 'EMFILE',
    settle(installed) {
      if (!installed) return undo();
      close(source);
      object.adopt(made, number);
    },
  };
}
