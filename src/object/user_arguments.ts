/**
 * write(2), pwrite(2), read(2), pread(2) and lseek(2) on the descriptor of a trampoline of version 1: what the arguments
 * are worth before the program's memory is looked at.
 *
 * An offset is the name of a context. A count must be one that the context can have: from its header alone to all the
 * entries that it may hold; so it is for reads as well, as in the proposal, and a read of zero bytes is refused like a
 * write of none. Whatever is wrong, the errno is EINVAL.
 *
 * @module
 */
import {
  TRAMPFD_MAP,
  TRAMPFD_REG,
  TRAMPFD_REGS,
  TRAMPFD_STACK,
  TRAMPFD_V1,
  TRAMPFD_VALUE_SIZE,
  TRAMPFD_VALUES,
} from '../abi/trampfd_user.js';
import { SEEK } from '../abi/unistd.js';
import { invalid, type Refusal } from './refusal.js';

/** A context that can be read. */
export type ReadableContext = 'mapping' | 'registers' | 'stack';

/** A context that can be written. */
export type WritableContext = 'registers' | 'stack' | 'pcs';

/** A context by its name here. */
export type ContextKind = ReadableContext | WritableContext;

/** What is common to the contexts: where they stand, and what sizes they can have. */
export interface ContextForm {
  readonly offset: number;
  /** How a sentence calls it, and its entries. */
  readonly label: string;
  readonly entries: string;
  /** Bytes of the structure without entries. */
  readonly header: number;
  /** Bytes of an entry, and how many there may be. */
  readonly entrySize: number;
  readonly mostEntries: number;
}

/** Every context. */
export const contexts: Readonly<Record<ContextKind, ContextForm>> = {
  mapping: {
    offset: TRAMPFD_V1.TRAMPFD_MAP_OFFSET,
    label: 'mapping parameters',
    entries: 'entries',
    header: TRAMPFD_MAP.sizeof,
    entrySize: 0,
    mostEntries: 0,
  },
  registers: {
    offset: TRAMPFD_V1.TRAMPFD_REGS_OFFSET,
    label: 'register context',
    entries: 'registers',
    header: TRAMPFD_REGS.sizeof,
    entrySize: TRAMPFD_REG.sizeof,
    mostEntries: TRAMPFD_V1.TRAMPFD_MAX_REGS,
  },
  stack: {
    offset: TRAMPFD_V1.TRAMPFD_STACK_OFFSET,
    label: 'stack context',
    entries: 'bytes of data',
    header: TRAMPFD_STACK.sizeof,
    entrySize: 1,
    mostEntries: TRAMPFD_V1.TRAMPFD_MAX_DATA_SIZE,
  },
  pcs: {
    offset: TRAMPFD_V1.TRAMPFD_PCS_OFFSET,
    label: 'list of allowed PCs',
    entries: 'values',
    header: TRAMPFD_VALUES.sizeof,
    entrySize: TRAMPFD_VALUE_SIZE,
    mostEntries: TRAMPFD_V1.TRAMPFD_MAX_PCS,
  },
};

/** The arguments of a read or a write, as unsigned values of the caller's width. */
export interface TransferArguments {
  readonly bufferAddress: bigint;
  readonly count: bigint;
  /** The offset of pread(2) and pwrite(2), or the file position. */
  readonly offset: bigint;
}

/** Bytes of the largest context of a kind. */
export function mostBytes(kind: ContextKind): number {
  const { header, entrySize, mostEntries } = contexts[kind];
  return header + entrySize * mostEntries;
}

/** What a write's arguments ask for: the context that the offset names, where the count can be one of its sizes. */
export function judgeUserWrite(given: TransferArguments): WritableContext | Refusal {
  return judge('write', ['registers', 'stack', 'pcs'], given);
}

/** What a read's arguments ask for: the context that the offset names, where the count can be one of its sizes. */
export function judgeUserRead(given: TransferArguments): ReadableContext | Refusal {
  return judge('read', ['mapping', 'registers', 'stack'], given);
}

function judge<Kind extends ContextKind>(
  call: 'read' | 'write',
  kinds: readonly Kind[],
  { bufferAddress, count, offset }: TransferArguments,
): Kind | Refusal {
  const kind = kinds.find((known) => offset === BigInt(contexts[known].offset));
  if (kind === undefined) {
    const known = kinds.map((one) => `${contexts[one].offset} (${contexts[one].label})`).join(', ');
    return invalid(`a ${call} at offset ${offset}; a trampoline has contexts to ${call} at ${known}`);
  }
  const { label, header } = contexts[kind];
  const most = mostBytes(kind);
  if (bufferAddress === 0n) return invalid(`a ${call} of the ${label} gives NULL; give the address of a buffer`);
  if (count < BigInt(header) || count > BigInt(most)) {
    const sizes = header === most ? `exactly ${most}` : `${header} to ${most}`;
    return invalid(`a ${call} of ${count} bytes at the offset of the ${label}; ${call} ${sizes}`);
  }
  return kind;
}

/**
 * Judges a lseek(2).
 *
 * @param whence only the lower 32 bits count, as in the kernel
 * @returns nothing where the file position may move there: SEEK_SET, and an offset that names a context
 */
export function judgeUserSeek(whence: bigint, offset: bigint): Refusal | undefined {
  const last = TRAMPFD_V1.TRAMPFD_NUM_USER_OFFSETS - 1;
  if (BigInt.asUintN(32, whence) === BigInt(SEEK.SEEK_SET) && offset >= 0n && offset <= BigInt(last)) return undefined;
  return invalid(`a seek from ${whence} to ${offset}; the position of a trampoline is 0 to ${last}, set with SEEK_SET`);
}
