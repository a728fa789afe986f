/**
 * The answer that gives a target the descriptor of a new object.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { close } from '../linux/descriptor.js';
import { type Answer, type CallContext, refuse } from './call.js';

/** A file that an object stands behind. */
export interface HandedFile extends Disposable {
  /** Opens it as the target gets it. */
  readonly handOut: () => number;
}

/** An object in the making. */
export interface NewObject<File extends HandedFile> {
  /** Makes its file. */
  readonly make: () => File;
  /** The last thing before the descriptor is given: undefined, or why it is not. */
  readonly prepare: () => Answer | undefined;
  /** Takes the object in: the target has it at this number. */
  readonly adopt: (file: File, number: number) => void;
}

/** Gives a caller the descriptor of a new object, at a number in the window. */
export function newDescriptor<File extends HandedFile>(context: CallContext, object: NewObject<File>): Answer {
  const { numbers, tables } = context.supervision;
  const number = numbers.choose(context.notification.threadId);
  if (number === 'EACCES') return refuse(number, "the caller's descriptors cannot be looked at; run trampfd as root");
  if (number === 'EMFILE') {
    return refuse(number, 'no number is free for a trampoline; close the descriptors of what is mapped already');
  }
  let file: File | undefined;
  let source: number;
  try {
    try {
      file = object.make();
    } catch (error) {
      if (!(error instanceof TrampfdError) || error.code !== 'EMFILE') throw error;
      // Our own descriptors have run out: some may be of objects that are gone.
      tables.sweep();
      file = object.make();
    }
    source = file.handOut();
  } catch (error) {
    file?.[Symbol.dispose]();
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
