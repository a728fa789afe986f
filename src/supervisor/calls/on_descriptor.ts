/**
 * Calls on descriptors: the rules of those in the window, which are the same for most, and of those at any number; and
 * what reads and writes have in common.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import { TRAMPFD, TRAMPFD_EXTENSION_STRUCTURE } from '../../abi/trampfd.js';
import { filePosition } from '../../linux/descriptor.js';
import { type ArgumentIndex, type Condition, notify, type Rule } from '../../policy/rule.js';
import { type CallContext, int32 } from '../call.js';
import type { Window } from '../window.js';

/** The names of a call, by entry. */
export type CallNames = Readonly<Record<Entry, readonly SyscallName[]>>;

/** Notifies the named calls where an argument is a descriptor in the window, and further conditions hold. */
export function descriptorRules(
  names: CallNames,
  argument: ArgumentIndex,
  further: readonly Condition[] = [],
): (window: Window) => readonly Rule[] {
  return (window) =>
    (['x86-64', 'i386'] as const).flatMap((entry) =>
      names[entry].map(
        (call): Rule => ({
          entry,
          call,
          when: [...further, { argument, is: 'within', from: window.from, below: window.below }],
          verdict: notify,
        }),
      ),
    );
}

/**
 * The largest structure that is written to or read from a descriptor of the interface: the first version's register
 * context, a header of 8 bytes and 40 registers of 16.
 */
const LARGEST_STRUCTURE = 8 + 40 * 16;
/** The highest of the offsets that name a structure, in either version of the interface. */
const HIGHEST_OFFSET = 3;

/** Offset and count that may be of the interface: i386 has the offset in two registers, the lower half first. */
const ofStructures: Readonly<Record<Entry, readonly Condition[]>> = {
  'x86-64': [
    { argument: 3, is: 'at-most-64', value: BigInt(HIGHEST_OFFSET) },
    { argument: 2, is: 'at-most-64', value: BigInt(LARGEST_STRUCTURE) },
  ],
  i386: [
    { argument: 3, is: 'within', from: 0, below: HIGHEST_OFFSET + 1 },
    { argument: 4, is: 'equal', value: 0 },
    { argument: 2, is: 'within', from: 0, below: LARGEST_STRUCTURE + 1 },
  ],
};

/** Offset and count of the extension for large tables. */
const ofExtension: Readonly<Record<Entry, readonly Condition[]>> = {
  'x86-64': [
    { argument: 3, is: 'equal-64', value: BigInt(TRAMPFD.TRAMPFD_EXTENSION) },
    { argument: 2, is: 'equal-64', value: BigInt(TRAMPFD_EXTENSION_STRUCTURE.size) },
  ],
  i386: [
    { argument: 3, is: 'equal', value: TRAMPFD.TRAMPFD_EXTENSION },
    { argument: 4, is: 'equal', value: 0 },
    { argument: 2, is: 'equal', value: TRAMPFD_EXTENSION_STRUCTURE.size },
  ],
};

/**
 * Notifies pread64 or pwrite64 on a descriptor of any number, where the arguments are such that they may be of the
 * interface: a table's descriptor that was received, or opened again through /proc, has an ordinary number. Programs
 * rarely read or write so few bytes so near to the start of a file by these calls.
 */
export function positionalRules(call: 'pread64' | 'pwrite64'): readonly Rule[] {
  const conditions = call === 'pwrite64' ? [ofStructures, ofExtension] : [ofStructures];
  return (['x86-64', 'i386'] as const).flatMap((entry) =>
    conditions.map((when): Rule => ({ entry, call, when: when[entry], verdict: notify })),
  );
}

/**
 * Where a read or write is: the argument of pread64 and pwrite64 (in two halves on i386), or the file position, which the
 * kernel keeps.
 */
export function filePositionOf({ notification, entry, name }: CallContext): bigint | 'closed' | 'unseen' {
  const [descriptor, , , low, high] = notification.arguments;
  if (name === 'pwrite64' || name === 'pread64') return entry === 'i386' ? (bits32(high) << 32n) | bits32(low) : low;
  const position = filePosition(notification.threadId, int32(descriptor));
  if (typeof position === 'bigint') return position;
  return position === -errnoNumbers.ENOENT ? 'closed' : 'unseen';
}

function bits32(value: bigint): bigint {
  return BigInt.asUintN(32, value);
}
