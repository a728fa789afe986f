/**
 * The pages of a process that may be promoted where they stand (own_page.ts), and the pools that it was given for that.
 *
 * They are those that it has mapped writable and executable, and nothing else: of such memory it is known that the program
 * writes it without asking for that, and gives it back by unmapping it. What it had before and made executable with
 * mprotect(2), the heap or a variable, it may protect anew, which fails for a page of the supervisor's.
 *
 * @module
 */
import type { MapsLine } from '../../linux/proc.js';
import type { Range } from '../../policy/memory.js';
import { PAGE_LENGTH } from '../../trampoline/promoted_page.js';
import { isNear, OwnPage, type PoolPlace } from './own_page.js';

const PAGE = BigInt(PAGE_LENGTH);
/** Pools of one memory, at most. */
const MOST_POOLS = 32;

/** What is left of ranges without another. */
function without(ranges: readonly Range[], { start, end }: Range): Range[] {
  return ranges.flatMap((range) => {
    if (range.end <= start || range.start >= end) return [range];
    const before = { start: range.start, end: start };
    const behind = { start: end, end: range.end };
    return [before, behind].filter((rest) => rest.start < rest.end);
  });
}

/** Those of one memory. */
export class OwnPages {
  #ranges: readonly Range[] = [];
  readonly #pages = new Map<bigint, OwnPage>();
  readonly #pools: PoolPlace[] = [];

  /** A copy, for a process that begins with the same memory. */
  copy(wasRunning: boolean): OwnPages {
    const copied = new OwnPages();
    copied.#ranges = this.#ranges;
    for (const place of this.#pools) copied.#pools.push({ ...place, pool: place.pool.share() });
    for (const [start, page] of this.#pages) copied.#pages.set(start, page.copy(wasRunning));
    return copied;
  }

  /** The memory is gone. */
  leave(): void {
    for (const page of this.#pages.values()) page.leave();
    this.#pages.clear();
    for (const { pool } of this.#pools.splice(0)) pool.leave();
  }

  get pools(): readonly PoolPlace[] {
    return this.#pools;
  }

  /**
   * Whether a pool is to be had for memory that is about to be granted.
   *
   * @param hint where the program wants it; 0 for where the kernel does, which is near what it has chosen before
   */
  needPool(hint: bigint): boolean {
    if (this.#pools.length >= MOST_POOLS) return false;
    return !this.#pools.some((place) => place.pool.hasRoom && (hint === 0n || isNear(place, hint)));
  }

  addPool(place: PoolPlace): void {
    this.#pools.push(place);
  }

  /** The program has got new memory, writable, where pages may be promoted. */
  grant(range: Range): void {
    this.forget(range);
    this.#ranges = [...this.#ranges, range];
  }

  /** What was there is the program's no more, or is never to be promoted. */
  forget(range: Range): void {
    this.#ranges = without(this.#ranges, range);
    for (const page of this.within(range)) {
      page.leave();
      this.#pages.delete(page.start);
    }
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
    const known = this.at(address);
    if (known !== undefined) return known;
    const start = address - (address % PAGE);
    if (!this.#ranges.some((range) => start >= range.start && start < range.end)) return undefined;
    const page = new OwnPage(start);
    this.#pages.set(start, page);
    return page;
  }

  /** Whether a mapping is the supervisor's in the place of a page of the program's. */
  isPromoted({ inode }: MapsLine): boolean {
    return inode !== 0n && this.#pools.some(({ pool }) => pool.file.inode === inode);
  }

  /** Forgets what is not mapped any more, or has become something else. */
  prune(lines: readonly MapsLine[]): void {
    this.#ranges = this.#ranges.filter(({ start, end }) => lines.some((line) => line.start < end && line.end > start));
    for (const page of this.#pages.values()) {
      const isThere = lines.some(({ start, end }) => page.start >= start && page.start < end);
      if (isThere && (!page.isPromoted || page.state(lines) !== 'own')) continue;
      if (isThere) page.demoted();
      else this.forget({ start: page.start, end: page.start + PAGE });
    }
  }
}
