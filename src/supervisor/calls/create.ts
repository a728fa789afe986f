/**
 * trampfd(2): a new table, as number 440 with the address of a struct trampfd_info.
 *
 * The number is process_madvise(2) since Linux 5.10, whose first argument is a small descriptor; an address is never
 * that small. The few negative descriptors that stand for the caller itself (Linux 6.14) stay process_madvise's.
 *
 * @module
 */

import { PIDFD_SELF } from '../../abi/process.js';
import type { Entry } from '../../abi/syscalls.js';
import { TrampfdError } from '../../error.js';
import { close } from '../../linux/descriptor.js';
import { writeMemory } from '../../linux/memory.js';
import { processOf } from '../../linux/proc.js';
import { createTable, encodeInfo, infoOf } from '../../object/table.js';
import { type ArgumentIndex, allow, type Condition, failWith, notify, type Rule } from '../../policy/rule.js';
import { type Answer, type CallContext, isValid, loggedCall, type NotifiedCall, refuse } from '../call.js';
import { UnsealedFile } from '../sealed_file.js';

/** The highest first argument that is process_madvise's. */
const HIGHEST_PIDFD = 65_535n;

/** The descriptors that name the caller, as an int that was widened with its sign, and as one that was not. */
function selfPidfdRules(entry: Entry): readonly Rule[] {
  // A 32-bit program's stack may lie at these very addresses, so there they are not set apart.
  if (entry === 'i386') return [];
  return PIDFD_SELF.flatMap((pidfd) =>
    [32, 64].map(
      (width): Rule => ({
        entry,
        call: 'process_madvise',
        when: [{ argument: 0, is: 'equal-64', value: BigInt.asUintN(width, BigInt(pidfd)) }],
        verdict: allow,
      }),
    ),
  );
}

/** An argument that may be an address. Of an i386 call the lower 32 bits count, whatever stands in the upper ones. */
function isAddress(entry: Entry, argument: ArgumentIndex): Condition {
  if (entry === 'i386') return { argument, is: 'any-bit', mask: 0xffff0000 };
  return { argument, is: 'above-64', value: HIGHEST_PIDFD };
}

function isZero(entry: Entry, argument: ArgumentIndex): Condition {
  return entry === 'i386' ? { argument, is: 'equal', value: 0 } : { argument, is: 'equal-64', value: 0n };
}

function rules(): readonly Rule[] {
  return (['x86-64', 'i386'] as const).flatMap((entry): readonly Rule[] => [
    ...selfPidfdRules(entry),
    { entry, call: 'process_madvise', when: [isAddress(entry, 0)], verdict: notify },
    // The first version's form, (0, address, flags), is not served: the errno of what an architecture does not support.
    {
      entry,
      call: 'process_madvise',
      when: [isZero(entry, 0), isAddress(entry, 1)],
      verdict: failWith('EOPNOTSUPP'),
    },
  ]);
}

function answer(context: CallContext): Answer {
  const { supervision, notification, entry } = context;
  const { numbers, tables, pageSize, log } = supervision;
  const { threadId } = notification;
  const creator = processOf(threadId);
  if (creator === undefined) return refuse('EACCES', 'the calling process cannot be found in /proc');
  const number = numbers.choose(threadId);
  if (number === 'EACCES') return refuse(number, "the caller's descriptors cannot be looked at; run trampfd as root");
  if (number === 'EMFILE') {
    return refuse(number, 'no number is free for a table; close the descriptors of tables that are mapped already');
  }

  const object = createTable(entry, pageSize);
  let file: UnsealedFile | undefined;
  let source: number;
  try {
    file = createFile(context);
    source = file.handOut();
  } catch (error) {
    file?.[Symbol.dispose]();
    if (!(error instanceof TrampfdError)) throw error;
    const errno = error.code === 'EMFILE' || error.code === 'ENFILE' ? 'EMFILE' : 'ENOMEM';
    return refuse(errno, `the supervisor cannot make another table: ${error.message}`);
  }
  const made = file;
  const undo = (): void => {
    close(source);
    made[Symbol.dispose]();
  };
  if (!isValid(context) || !writeMemory(threadId, notification.arguments[0], encodeInfo(infoOf(object)))) {
    undo();
    return refuse('EFAULT', 'the address of struct trampfd_info cannot be written; give the address of one');
  }
  return {
    kind: 'descriptor',
    source,
    number,
    closeOnExec: true,
    aboveLimit: 'EMFILE',
    settle(installed) {
      if (!installed) return undo();
      close(source);
      tables.adopt(made, object, creator);
      if (log.enabled) log.write({ event: 'table-created', descriptor: number, ...loggedCall(context) });
    },
  };
}

/** A new file; where our own descriptors have run out, after a look at which tables are gone. */
function createFile({ entry, supervision: { pageSize, tables } }: CallContext): UnsealedFile {
  try {
    return UnsealedFile.create(entry, pageSize);
  } catch (error) {
    if (!(error instanceof TrampfdError) || error.code !== 'EMFILE') throw error;
    tables.sweep();
    return UnsealedFile.create(entry, pageSize);
  }
}

export const create: NotifiedCall = {
  names: { 'x86-64': ['process_madvise'], i386: ['process_madvise'] },
  rules,
  answer,
};
