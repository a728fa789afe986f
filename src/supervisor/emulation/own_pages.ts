/**
 * The pages of a process that may be promoted where they stand (own_page.ts), and the pools that it was given for that.
 *
 * They are those that it has mapped writable and executable, and nothing else: of such memory it is known that the program
 * writes it without asking for that, and gives it back by unmapping it. What it had before and made executable with
 * mprotect(2), the heap or a variable, it may protect anew, which fails for a page of the supervisor's.
 *
 * @module
 */

import type { RemoteCall } from '../../linux/injected_calls.js';
import type { MapsLine } from '../../linux/maps.js';
import { lineAt, linesWithin } from '../../linux/maps_search.js';
import type { Range } from '../../policy/memory.js';
import { PAGE_LENGTH } from '../../trampoline/promoted_page.js';
import { OwnPage, type PoolPlace, WAIT_OF_KNOWN, WAIT_OF_OTHERS } from './own_page.js';

const PAGE = BigInt(PAGE_LENGTH);
/** Pages that are looked after in one memory, and ranges where there may be some, at most; calls elsewhere stay emulated. */
const MOST_PAGES = 8192;
const MOST_RANGES = 4096;
/** Pools of one memory, at most. */
const MOST_POOLS = 32;

/** Memory where pages may be promoted. */
interface OwnRange extends Range {
  /** How often a page is called before that. */
  readonly firstWait: number;
}

/** What is left of ranges without another. */
function without(ranges: readonly OwnRange[], { start, end }: Range): OwnRange[] {
  return ranges.flatMap((range) => {
    if (range.end <= start || range.start >= end) return [range];
    const before = { ...range, end: start };
    const behind = { ...range, start: end };
    return [before, behind].filter((rest) => rest.start < rest.end);
  });
}

/** Those of one memory. */
export class OwnPages {
  #ranges: readonly OwnRange[] = [];
  readonly #pages = new Map<bigint, OwnPage>();
  readonly #pools: PoolPlace[] = [];
  /** Processes of the memory of which a thread may have a filter of its own: while there are any, no page is promoted. */
  readonly #filtered = new Set<number>();
  /** Memory that was kept for pages which are forgotten. */
  #leftRooms: bigint[] = [];

  /** A copy, for a process that begins with the same memory. */
  copy(wasRunning: boolean): OwnPages {
    const copied = new OwnPages();
    copied.#ranges = this.#ranges;
    for (const place of this.#pools) copied.#pools.push({ ...place, pool: place.pool.share() });
    copied.#leftRooms = [...this.#leftRooms];
    for (const [start, page] of this.#pages) copied.#pages.set(start, page.copy(wasRunning));
    return copied;
  }

  /** The memory is gone. */
  leave(): void {
    for (const page of this.#pages.values()) page.leave();
    this.#pages.clear();
    for (const { pool } of this.#pools.splice(0)) pool.leave();
  }

  /** The pages that were promoted, and not put back. */
  get promoted(): readonly OwnPage[] {
    return [...this.#pages.values()].filter(({ isPromoted }) => isPromoted);
  }

  get areAnyPromoted(): boolean {
    return this.promoted.length > 0;
  }

  /**
   * From here on no page is promoted: a thread of a process takes a filter, or has one that others of it have not.
   *
   * @returns whether that was not so already
   */
  keepOwn(processId: number): boolean {
    const before = this.#filtered.size;
    this.#filtered.add(processId);
    return this.#filtered.size > before;
  }

  /** A process has the memory no more. */
  leftBy(processId: number): void {
    this.#filtered.delete(processId);
  }

  get pools(): readonly PoolPlace[] {
    return this.#pools;
  }

  /**
   * Whether a pool is to be had for memory that is about to be granted.
   */
  get needsPool(): boolean {
    return this.#pools.length < MOST_POOLS && !this.#pools.some(({ pool }) => pool.hasRoom);
  }

  addPool(place: PoolPlace): void {
    this.#pools.push(place);
  }

  /**
   * The program has got new memory, writable, where pages may be promoted.
   *
   * @param isKnown whether it is known who writes to it, and that nobody reads it
   */
  grant(range: Range, isKnown: boolean): void {
    this.forget(range);
    if (this.#ranges.length >= MOST_RANGES) return;
    this.#ranges = [...this.#ranges, { ...range, firstWait: isKnown ? WAIT_OF_KNOWN : WAIT_OF_OTHERS }];
  }

  /** What was there is the program's no more, or is never to be promoted. */
  forget(range: Range): void {
    this.#ranges = without(this.#ranges, range);
    for (const page of this.within(range)) {
      if (page.room !== undefined) this.#leftRooms.push(page.room);
      page.leave();
      this.#pages.delete(page.start);
    }
  }

  /**
   * The calls that give memory back which was kept for pages that are forgotten, as far as it is still what it was.
   *
   * @param lines the mappings, as they are now
   */
  returning(lines: readonly MapsLine[]): readonly RemoteCall[] {
    const rooms = this.#leftRooms;
    this.#leftRooms = [];
    const isKept = (room: bigint): boolean => {
      const line = lineAt(lines, room);
      return line?.inode === 0n && ['---p', 'r--p'].includes(line.permissions);
    };
    return rooms.filter(isKept).map((room) => ({ name: 'munmap', values: [room, PAGE] }));
  }

  /** The pages in a range that were called. */
  within({ start, end }: Range): readonly OwnPage[] {
    return [...this.#pages.values()].filter((page) => page.start >= start && page.start < end);
  }

  /** The page at an address, where it was called before. */
  at(address: bigint): OwnPage | undefined {
    return this.#pages.size === 0 ? undefined : this.#pages.get(address - (address % PAGE));
  }

  /** The page at an address that is called; nothing where it is none that may be promoted. */
  called(address: bigint): OwnPage | undefined {
    if (this.#filtered.size > 0) return undefined;
    const known = this.at(address);
    if (known !== undefined) return known;
    const start = address - (address % PAGE);
    const range = this.#ranges.find((one) => start >= one.start && start < one.end);
    if (range === undefined || this.#pages.size >= MOST_PAGES) return undefined;
    const page = new OwnPage(start, range.firstWait);
    this.#pages.set(start, page);
    return page;
  }

  /** Whether a mapping is the supervisor's in the place of a page of the program's. */
  isPromoted({ inode }: MapsLine): boolean {
    return inode !== 0n && this.#pools.some(({ pool }) => pool.file.inode === inode);
  }

  /** Whether it is, and all of it stands where pages of the program's have their place. */
  isInPlace(line: MapsLine): boolean {
    if (!this.isPromoted(line)) return false;
    for (let at = line.start; at < line.end; at += PAGE) if (this.at(at)?.isPromoted !== true) return false;
    return true;
  }

  /** Forgets what is not mapped any more, or has become something else. */
  prune(lines: readonly MapsLine[]): void {
    this.#ranges = this.#ranges.filter((range) => linesWithin(lines, range).length > 0);
    for (const page of this.#pages.values()) {
      const isThere = lineAt(lines, page.start) !== undefined;
      if (isThere && (!page.isPromoted || page.state(lines) !== 'own')) continue;
      if (isThere) page.demoted();
      else this.forget({ start: page.start, end: page.start + PAGE });
    }
  }
}
