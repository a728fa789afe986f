/**
 * A page that a program writes trampolines to and calls them in, at one address. It is not executable. Where it is called
 * again and again, and holds nothing but trampolines, it is moved aside, and a page of the supervisor's with equal code
 * stands in its place (trampoline/promoted_page.ts). When the program writes to it, it is moved back.
 *
 * Both are one step of the kernel's each, whatever other threads do: there is no moment at which something else could come
 * to be mapped there, and what is written meanwhile stops its thread until it can be written where it belongs.
 *
 * @module
 */
import { MAP, MREMAP, PROT } from '../../abi/mman.js';
import { monotonic } from '../../linux/clock.js';
import type { RemoteCall } from '../../linux/injected_calls.js';
import type { MapsLine } from '../../linux/maps.js';
import { lineAt } from '../../linux/maps_search.js';
import { PAGE_LENGTH, type PlacedTrampoline, startOf } from '../../trampoline/promoted_page.js';
import type { PagePool } from './page_pool.js';
import { roomFor } from './room.js';

const PAGE = BigInt(PAGE_LENGTH);

/** How often a page is called before it is promoted, where it is known who writes it, and that nobody reads it. */
export const WAIT_OF_KNOWN = 2;
/** And where that is not known: one who writes code and looks at it, or has the kernel write it, has done so by then. */
export const WAIT_OF_OTHERS = 256;
/** So many times as often at most, where it is written to again and again as soon as it was promoted. */
const LONGEST_WAIT = 32;
/** A page that was promoted for less than this was not worth it, in milliseconds; one for longer than that was. */
const SHORT = 1;
const LONG = 10;
/** How many calls a page waits at most that holds something else too. */
const LONGEST_LOOK = 65_536;

/** Where a pool is in the memory of a process: its pages, executable. */
export interface PoolPlace {
  readonly pool: PagePool;
  readonly code: bigint;
}

/** What the mappings say of a page: the supervisor's stands there, the program's does, or neither as it was. */
export type PageState = 'promoted' | 'closed' | 'own' | 'between' | 'other';

/** See the module. One of one process's memory. */
export class OwnPage {
  readonly start: bigint;
  /** The page of a pool, once it was promoted. It keeps it for the next time. */
  #place: { readonly at: PoolPlace; readonly index: number } | undefined;
  /** Where the program's page is while it is promoted, once that was decided; the memory is kept for the next time. */
  #room: bigint | undefined;
  #hasRoom = false;
  #trampolines: readonly PlacedTrampoline[] = [];
  /** Since when it is promoted (monotonic()). */
  #since: number | undefined;
  #calls = 0;
  readonly #firstWait: number;
  #wait: number;
  /** Whether its process was copied from one whose threads ran on: what is known of it may be older than the copy, or newer. */
  #isUnsure = false;
  /** The fault that was last answered by having the thread try again. */
  #retried = '';

  /** @param firstWait how often it is called before it is promoted */
  constructor(start: bigint, firstWait: number) {
    this.start = start;
    this.#firstWait = firstWait;
    this.#wait = firstWait;
  }

  /** The same, in the memory of a process that begins as a copy (fork(2)). */
  copy(wasRunning: boolean): OwnPage {
    const copied = new OwnPage(this.start, this.#firstWait);
    copied.#place = this.#place;
    copied.#room = this.#room;
    copied.#hasRoom = this.#hasRoom;
    copied.#trampolines = this.#trampolines;
    copied.#since = this.#since;
    copied.#calls = this.#calls;
    copied.#wait = this.#wait;
    copied.#isUnsure = wasRunning;
    this.#place?.at.pool.shareUse(this.#place.index);
    return copied;
  }

  /** Its memory is gone, or the program has mapped something else there. */
  leave(): void {
    this.#place?.at.pool.leaveUse(this.#place.index);
    this.#place = undefined;
    this.#since = undefined;
  }

  get isPromoted(): boolean {
    return this.#since !== undefined;
  }

  /** Where memory is kept for the program's page. */
  get room(): bigint | undefined {
    return this.#hasRoom ? this.#room : undefined;
  }

  /** What mappings, as they are now, say of it. */
  state(lines: readonly MapsLine[]): PageState {
    const line = lineAt(lines, this.start);
    if (line === undefined) return 'other';
    if (this.#place !== undefined && line.inode === this.#place.at.pool.file.inode) {
      // Equal inodes of two devices are possible, and equal names: the program cannot have this memory executable otherwise.
      return line.permissions === 'r-xs' ? 'promoted' : 'closed';
    }
    if (line.inode !== 0n || line.permissions[3] !== 'p') return 'other';
    if (line.permissions === 'rw-p') return 'own';
    return line.permissions === 'r--p' && this.#isUnsure ? 'between' : 'other';
  }

  /** Whether a thread is to try again what it has failed to do in the program's own page; not, where it did so before. */
  mayRetry(fault: string): boolean {
    if (this.#retried === fault) return false;
    this.#retried = fault;
    return true;
  }

  /** Counts a call that was emulated; whether it is time to promote it. */
  called(): boolean {
    this.#calls += 1;
    return this.#calls >= this.#wait;
  }

  /** It could not be promoted as it is: it is looked at again, later each time. */
  postpone(): void {
    this.#calls = 0;
    this.#wait = Math.min(2 * this.#wait, LONGEST_LOOK);
  }

  /** It is never promoted. */
  giveUp(): void {
    this.#wait = Number.POSITIVE_INFINITY;
  }

  /** The offset of the trampoline that a thread is in the middle of, by code that stood here before; nothing where it is in none. */
  startOf(address: bigint): bigint | undefined {
    const offset = startOf(this.#trampolines, Number(address - this.start));
    return offset === undefined ? undefined : this.start + BigInt(offset);
  }

  /**
   * Takes a page of a pool for it, which nobody else has a use for, and decides where the program's page will be.
   *
   * @param lines the mappings, as they are now
   * @returns its number, and how far away the program's page will be; nothing where there is none, or no such place is free
   */
  take(
    places: readonly PoolPlace[],
    lines: readonly MapsLine[],
  ): { readonly pool: PagePool; index: number; distance: number } | undefined {
    if (this.#place !== undefined && !this.#place.at.pool.isUsedOnce(this.#place.index)) this.leave();
    if (this.#place === undefined) {
      for (const at of places) {
        const index = at.pool.take();
        if (index === undefined) continue;
        this.#place = { at, index };
        break;
      }
    }
    if (this.#place === undefined) return undefined;
    if (!this.#hasRoom) this.#room = roomFor(this.start, PAGE, lines);
    if (this.#room === undefined) return undefined;
    const { at, index } = this.#place;
    return { pool: at.pool, index, distance: Number(this.#room - this.start) };
  }

  /** Whether what it needs of a pool is as it was mapped: the program may have mapped something else there. */
  isPoolThere(lines: readonly MapsLine[]): boolean {
    if (this.#place === undefined) return false;
    const { at, index } = this.#place;
    const code = lineAt(lines, at.code + BigInt(index) * PAGE);
    if (code?.inode !== at.pool.file.inode || code.permissions !== 'r-xs') return false;
    if (!this.#hasRoom || this.#room === undefined) return true;
    const room = lineAt(lines, this.#room);
    if (room?.inode === 0n && room.permissions === '---p') return true;
    this.#hasRoom = false;
    return false;
  }

  /** The call that keeps memory for the program's page; none where that is done. Its result must be the address. */
  reserving(): RemoteCall | undefined {
    if (this.#hasRoom || this.#room === undefined) return undefined;
    const flags = BigInt(MAP.MAP_PRIVATE | MAP.MAP_ANONYMOUS | MAP.MAP_FIXED_NOREPLACE);
    return {
      name: 'mmap',
      values: [this.#room, PAGE, BigInt(PROT.PROT_NONE), flags, BigInt.asUintN(64, -1n), 0n],
    };
  }

  /** It was made. */
  reserved(): void {
    this.#hasRoom = true;
  }

  /** The call that keeps the program from writing to its page. */
  freezing(): readonly RemoteCall[] {
    return [{ name: 'mprotect', values: [this.start, PAGE, BigInt(PROT.PROT_READ)] }];
  }

  /** The call that lets it again. */
  thawing(): readonly RemoteCall[] {
    return [{ name: 'mprotect', values: [this.start, PAGE, BigInt(PROT.PROT_READ | PROT.PROT_WRITE)] }];
  }

  /** The calls that put the supervisor's page in the place of the program's, which was frozen. */
  promoting(): readonly RemoteCall[] {
    if (this.#place === undefined || this.#room === undefined) return [];
    const { at, index } = this.#place;
    const moved = BigInt(MREMAP.MREMAP_MAYMOVE | MREMAP.MREMAP_FIXED);
    return [
      move(this.start, this.#room),
      // Of length 0: the pages stay where they wait as well (mremap(2)).
      { name: 'mremap', values: [at.code + BigInt(index) * PAGE, 0n, PAGE, moved, this.start] },
    ];
  }

  /**
   * They were made.
   *
   * @param now milliseconds, from any time on
   * @returns whether it is the first time
   */
  promoted(trampolines: readonly PlacedTrampoline[], now: number = monotonic()): boolean {
    const isFirst = this.#trampolines.length === 0;
    this.#trampolines = trampolines;
    this.#since = now;
    this.#isUnsure = false;
    this.#calls = 0;
    // From here on the same fault is another one.
    this.#retried = '';
    return isFirst;
  }

  /** The calls that put the program's page back. */
  demoting(protection: number = PROT.PROT_READ | PROT.PROT_WRITE): readonly RemoteCall[] {
    const room = this.#room ?? 0n;
    return [
      { name: 'mprotect', values: [room, PAGE, BigInt(protection)] },
      move(room, this.start),
      { name: 'mprotect', values: [room, PAGE, BigInt(PROT.PROT_NONE)] },
    ];
  }

  /** It was put back, or was found so. */
  demoted(now: number = monotonic()): void {
    this.#isUnsure = false;
    if (this.#since === undefined) return;
    const lasted = now - this.#since;
    this.#since = undefined;
    this.#calls = 0;
    if (lasted < SHORT) this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT * this.#firstWait);
    else if (lasted >= LONG) this.#wait = this.#firstWait;
  }

  /**
   * The calls that make it the program's own again where a process was copied while it was being promoted, by a thread
   * that ran on: it is still in its place and cannot be written, or it was moved aside already.
   */
  mending(lines: readonly MapsLine[]): readonly RemoteCall[] {
    const wasMoved = this.room !== undefined && lineAt(lines, this.room)?.permissions === 'r--p';
    return wasMoved ? this.demoting() : this.thawing();
  }
}

/** Moves a page of the program's over another, and leaves an empty one behind, so that nothing else can be mapped there. */
function move(from: bigint, to: bigint): RemoteCall {
  const { MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP } = MREMAP;
  return {
    name: 'mremap',
    values: [from, PAGE, PAGE, BigInt(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP), to],
  };
}
