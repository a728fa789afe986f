/**
 * What a process has mapped where, asked address by address (proc(5)).
 *
 * Mostly /proc/PID/maps is short and read at once. A process may have ten thousands of mappings, though, and whoever reads
 * them all for one address has others wait: of those the kernel is asked for the one, where it answers that (PROCMAP_QUERY,
 * Linux 6.11; found out by asking), and else all are read.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { PROCMAP, PROCMAP_QUERY, PROCMAP_QUERY_FLAGS } from '../abi/procmap.js';
import { close, open } from './descriptor.js';
import { allocate, native, negatedErrno } from './libc.js';
import { type MapsLine, mappings, mappingsOf } from './maps.js';
import { lineAt, linesWithin } from './maps_search.js';
import { readMapsText } from './maps_text.js';
import { isServed } from './served.js';

const libcIoctl = native('int ioctl(int, ulong, uint64_t)');

/** See the module. To be disposed of when all was asked. */
export interface AddressSpace extends Disposable {
  /** The mapping that an address is in. */
  readonly at: (address: bigint) => MapsLine | undefined;
  /** The mappings that have some of a range. */
  readonly within: (range: { readonly start: bigint; readonly end: bigint }) => readonly MapsLine[];
  /** Where the file of a mapping begins to be mapped. */
  readonly baseOf: (line: MapsLine) => bigint;
}

/** What was read at once. */
function readSpace(lines: readonly MapsLine[]): AddressSpace {
  return {
    at: (address) => lineAt(lines, address),
    within: (range) => linesWithin(lines, range),
    baseOf: (line) => lines.find(({ name, inode }) => name === line.name && inode === line.inode)?.start ?? line.start,
    [Symbol.dispose]: () => undefined,
  };
}

const LONGEST_NAME = 4096;
/** Mappings of one file beside each other that are looked at for its first, at most: a library has five. */
const MOST_BESIDE = 16;
const query = allocate(PROCMAP.size);
const nameBuffer = allocate(LONGEST_NAME);

/** Asks for the mapping at an address, or else the next above it; an error number, negated, where there is none. */
function ask(maps: number, address: bigint): MapsLine | number {
  const { view, bytes } = query;
  bytes.fill(0);
  view.setBigUint64(PROCMAP.length, BigInt(PROCMAP.size), true);
  view.setBigUint64(PROCMAP.query_flags, BigInt(PROCMAP_QUERY_FLAGS.PROCMAP_QUERY_COVERING_OR_NEXT_VMA), true);
  view.setBigUint64(PROCMAP.query_addr, BigInt.asUintN(64, address), true);
  view.setUint32(PROCMAP.vma_name_size, LONGEST_NAME, true);
  view.setBigUint64(PROCMAP.vma_name_addr, nameBuffer.address, true);
  const result = negatedErrno(libcIoctl(maps, PROCMAP_QUERY, query.address));
  if (result < 0) return result;
  const flags = Number(view.getBigUint64(PROCMAP.vma_flags, true));
  const length = view.getUint32(PROCMAP.vma_name_size, true);
  const start = view.getBigUint64(PROCMAP.vma_start, true);
  const end = view.getBigUint64(PROCMAP.vma_end, true);
  const letter = (flag: number, is: string, isNot: string): string => ((flags & flag) !== 0 ? is : isNot);
  const { PROCMAP_QUERY_VMA_READABLE, PROCMAP_QUERY_VMA_WRITABLE } = PROCMAP_QUERY_FLAGS;
  const permissions =
    letter(PROCMAP_QUERY_VMA_READABLE, 'r', '-') +
    letter(PROCMAP_QUERY_VMA_WRITABLE, 'w', '-') +
    letter(PROCMAP_QUERY_FLAGS.PROCMAP_QUERY_VMA_EXECUTABLE, 'x', '-') +
    letter(PROCMAP_QUERY_FLAGS.PROCMAP_QUERY_VMA_SHARED, 's', 'p');
  // With the zero behind it; the kernel escapes the newline in the text alone.
  const name = length === 0 ? '' : Buffer.from(nameBuffer.bytes.subarray(0, length - 1)).toString('utf8');
  const offset = view.getBigUint64(PROCMAP.vma_offset, true);
  const inode = view.getBigUint64(PROCMAP.inode, true);
  const [major, minor] = [view.getUint32(PROCMAP.dev_major, true), view.getUint32(PROCMAP.dev_minor, true)];
  const device = major * 2 ** 32 + minor;
  const hexadecimal = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');
  const range = `${hexadecimal(start, 8)}-${hexadecimal(end, 8)}`;
  const file = `${hexadecimal(offset, 8)} ${hexadecimal(major, 2)}:${hexadecimal(minor, 2)} ${inode}`;
  const text = `${range} ${permissions} ${file} ${name}`.trimEnd();
  return { start, end, permissions, offset, inode, device, name: name.replaceAll('\n', '\\012'), text };
}

function spaceOfAll(threadId: number): AddressSpace | undefined {
  const all = mappings(threadId);
  return all === undefined ? undefined : readSpace(all);
}

/** What the kernel is asked for mapping by mapping; undefined where it does not answer that. */
function askedSpace(threadId: number): AddressSpace | undefined {
  const maps = open(`/proc/${threadId}/maps`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
  if (maps < 0) return undefined;
  const first = ask(maps, 0n);
  // ENOTTY of an older kernel, and whatever else may come.
  if (typeof first === 'number' && first !== -errnoNumbers.ENOENT) {
    close(maps);
    return undefined;
  }
  const from = (address: bigint): MapsLine | undefined => {
    const found = ask(maps, address);
    if (typeof found !== 'number') return found;
    if (found === -errnoNumbers.ENOENT || found === -errnoNumbers.ESRCH) return undefined;
    throw new RangeError(`PROCMAP_QUERY of thread ${threadId} has failed (${found})`);
  };
  return {
    at(address) {
      const line = from(address);
      return line !== undefined && line.start <= address ? line : undefined;
    },
    within({ start, end }) {
      const lines: MapsLine[] = [];
      for (let line = from(start); line !== undefined && line.start < end; line = from(line.end)) lines.push(line);
      return lines;
    },
    baseOf(line) {
      let first = line;
      for (let looked = 0; looked < MOST_BESIDE && first.start > 0n; looked++) {
        const before = from(first.start - 1n);
        if (before?.end !== first.start || before.inode !== line.inode || before.name !== line.name) break;
        first = before;
      }
      return first.start;
    },
    [Symbol.dispose]: () => close(maps),
  };
}

/**
 * What a process has mapped; undefined where that cannot be looked at.
 *
 * @throws as {@link mappings}
 */
export function addressSpaceOf(threadId: number): AddressSpace | undefined {
  // Whoever asks the kernel there may wait as long as a reader does.
  if (isServed()) return spaceOfAll(threadId);
  const text = readMapsText(threadId);
  const lines = text === undefined ? undefined : mappingsOf(text.toString('utf8'));
  if (lines !== undefined) return readSpace(lines);
  return askedSpace(threadId) ?? spaceOfAll(threadId);
}
