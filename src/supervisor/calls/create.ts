/**
 * trampfd(2): a new table, as number 440 with the address of a struct trampfd_info; or a new trampoline of version 1,
 * with 0 (TRAMPFD_USER) and the address of a struct trampfd_user.
 *
 * The number is process_madvise(2) since Linux 5.10, whose first argument is a small descriptor; an address is never
 * that small. The few negative descriptors that stand for the caller itself (Linux 6.14) stay process_madvise's.
 * A 0 there could be a pidfd only where standard input was closed and a pidfd took its number; such a call is ours all
 * the same.
 *
 * @module
 */

import { PIDFD_SELF } from '../../abi/process.js';
import type { Entry } from '../../abi/syscalls.js';
import { writeMemory } from '../../linux/memory.js';
import { processOf } from '../../linux/proc.js';
import { createTable, encodeInfo, infoOf } from '../../object/table.js';
import { type ArgumentIndex, allow, type Condition, notify, type Rule } from '../../policy/rule.js';
import { type Answer, type CallContext, isValid, loggedCall, type NotifiedCall, refuse } from '../call.js';
import { newDescriptor } from '../new_descriptor.js';
import { UnsealedFile } from '../sealed_file.js';
import { refuseMemory } from '../unreachable.js';
import { answerUserCreate } from '../user/create.js';

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
    // Version 1: (TRAMPFD_USER, address, flags).
    { entry, call: 'process_madvise', when: [isZero(entry, 0), isAddress(entry, 1)], verdict: notify },
  ]);
}

function answer(context: CallContext): Answer {
  const { notification, entry, supervision } = context;
  const { tables, pageSize, log } = supervision;
  const { threadId } = notification;
  const [address] = notification.arguments;
  if (address === 0n) return answerUserCreate(context);
  const creator = processOf(threadId);
  if (creator === undefined) return refuse('EACCES', 'the calling process cannot be found in /proc');
  const object = createTable(entry, pageSize);
  return newDescriptor(context, {
    make: (gone) => UnsealedFile.create(entry, pageSize, gone),
    prepare: () =>
      isValid(context) && writeMemory(threadId, address, encodeInfo(infoOf(object)))
        ? undefined
        : refuseMemory(
            threadId,
            address,
            'the address of struct trampfd_info cannot be written; give the address of one',
          ),
    adopt(file, descriptor) {
      tables.adopt(file, object, creator);
      if (log.enabled) log.write({ event: 'table-created', descriptor, ...loggedCall(context) });
    },
  });
}

export const create: NotifiedCall = {
  names: { 'x86-64': ['process_madvise'], i386: ['process_madvise'] },
  rules,
  answer,
};
