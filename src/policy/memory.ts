/**
 * Which kinds of memory a call is about that makes memory executable: where a policy allows some kinds and denies others,
 * this is what decides.
 *
 * @module
 */
import { PROT } from '../abi/mman.js';
import type { MemoryKind } from './kinds.js';

/** Addresses from `start` to before `end`. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** A mapping, as far as it counts here. */
export interface JudgedMapping extends Range {
  readonly isWritable: boolean;
  readonly isShared: boolean;
  /** As /proc/PID/maps has it: a file, `[stack]` and the like, or empty. */
  readonly name: string;
  /** Whether it has pages that were written to; asked of private mappings of files alone. */
  readonly hasOwnPages: () => boolean;
}

/** No address of a program is as high; what is there instead is a tag, or nothing (arch/x86/include/asm/page_64_types.h). */
const TOP = 1n << 56n;
const PAGE = 4096n;

/**
 * The addresses that mprotect(2) is about: undefined where it fails whatever is there, as the kernel says by its
 * registers alone (mm/mprotect.c: do_mprotect_pkey).
 */
export function protectedRange(address: bigint, length: bigint): Range | 'tagged' | undefined {
  if (address % PAGE !== 0n || length === 0n) return undefined;
  const end = address + ((length + PAGE - 1n) / PAGE) * PAGE;
  if (end > 2n ** 64n) return undefined;
  return address >= TOP ? 'tagged' : { start: address, end };
}

/** Whether a file is none that a program could name: memory that is shared, or a file that was removed. */
function isNoFile(name: string): boolean {
  return !name.startsWith('/') || name.endsWith(' (deleted)');
}

/** The kind of one mapping that becomes executable; undefined where it is a file as it is. */
function kindOf({ name, isShared, isWritable, hasOwnPages }: JudgedMapping, writes: boolean): MemoryKind | undefined {
  if (name === '[heap]') return 'execheap';
  if (name === '[stack]') return 'execstack';
  // What is shared can be had a second time, writable; for a file that is execfile's matter, and the mount's.
  if (isShared) return writes || isNoFile(name) ? 'execmem' : undefined;
  if (!name.startsWith('/')) return 'execmem';
  // While it is writable, its pages may change after they were looked at: the kernel itself reads into them.
  return writes || isWritable || hasOwnPages() ? 'execmod' : undefined;
}

/** A mapping and what kind of memory it is. */
export interface FoundKind {
  readonly mapping: JudgedMapping;
  readonly kind: MemoryKind;
}

/**
 * The kinds of memory that a call of mprotect(2) makes executable: one for each mapping that it is about.
 *
 * @param mappings - in ascending order
 * @param protection - as the call has it
 */
export function kindsOfRange(
  mappings: readonly JudgedMapping[],
  { start, end }: Range,
  protection: number,
): readonly FoundKind[] {
  const growsDown = (protection & PROT.PROT_GROWSDOWN) !== 0;
  const first = mappings.find((mapping) => mapping.end > start);
  // With PROT_GROWSDOWN it begins where the mapping does.
  const from = growsDown && first !== undefined && first.start < start ? first.start : start;
  const writes = (protection & PROT.PROT_WRITE) !== 0;
  return mappings.flatMap((mapping) => {
    if (mapping.end <= from || mapping.start >= end) return [];
    const kind = kindOf(mapping, writes);
    return kind === undefined ? [] : [{ mapping, kind }];
  });
}
