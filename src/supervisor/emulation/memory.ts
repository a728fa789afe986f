/**
 * What is known of the memory of a traced process: where it asked for executable memory and got it without X, where a view
 * of a file has pages of the supervisor's in its place, and where executable memory is.
 *
 * @module
 */
import { addressSpaceOf } from '../../linux/address_space.js';
import { monotonic } from '../../linux/clock.js';
import { promptly } from '../../linux/late_call.js';
import { type MapsLine, mappings } from '../../linux/maps.js';
import { lineAt, linesWithin } from '../../linux/maps_search.js';
import { hasEnded } from '../../linux/proc.js';
import type { Range } from '../../policy/memory.js';
import { fileName } from '../caller.js';
import { sayFailure } from '../failure.js';
import { OwnPages } from './own_pages.js';
import type { View } from './view.js';

/** Mappings that are read again and again, at most, and how long it is before more are read again, in milliseconds. */
const MOST_READ = 16_384;
const LARGE = 10_000;

/** Addresses of code that are kept with what was found there. */
const MOST_FOUND = 4096;

const STACK = '[stack]';

function isIn({ start, end }: Range, address: bigint): boolean {
  return address >= start && address < end;
}

function keep<Found>(map: Map<bigint, Found>, address: bigint, found: Found): void {
  // A program that calls from ever new addresses is looked at anew.
  if (map.size >= MOST_FOUND) map.clear();
  map.set(address, found);
}

/** The memory of one process, or of several that share it. */
export class TracedMemory {
  /** Where executable memory was asked for, and is not executable. */
  #granted: Range[] = [];
  /** Whether the same goes for the stack of the process's first thread, wherever that reaches. */
  #stackIsGranted = false;
  #views: View[] = [];
  /** Pages that may be promoted where they stand. */
  #ownPages = new OwnPages();
  /** How many processes have it. */
  #users = 1;
  /** The mappings as they were read last. */
  #lines: readonly MapsLine[] = [];
  #readAt = 0;
  /** What was found in them for addresses that are called, and for those that calls come from. */
  readonly #executable = new Map<bigint, MapsLine>();
  readonly #names = new Map<bigint, string>();

  /** Where the first thread's stack was seen. */
  #stack: Range | undefined;

  /** Another process shares it. */
  share(): this {
    this.#users += 1;
    return this;
  }

  get ownPages(): OwnPages {
    return this.#ownPages;
  }

  /**
   * A copy, for a process that begins with the same memory (fork(2)).
   *
   * @param hasThreads whether another thread of the process could run while it was copied
   */
  copy(hasThreads: boolean): TracedMemory {
    const wasRunning = hasThreads || this.#users > 1;
    const copied = new TracedMemory();
    copied.#granted = [...this.#granted];
    copied.#stackIsGranted = this.#stackIsGranted;
    copied.#views = this.#views.map((view) => view.copy());
    copied.#ownPages = this.#ownPages.copy(wasRunning);
    return copied;
  }

  /** A process has it no more. */
  leave(processId: number): void {
    this.#users -= 1;
    this.#ownPages.leftBy(processId);
    if (this.#users > 0) return;
    this.#ownPages.leave();
    for (const { pages } of this.#views.splice(0)) pages.leave();
  }

  /** Whether there is anything that a process is traced for. */
  get isInteresting(): boolean {
    return this.#granted.length > 0 || this.#stackIsGranted || this.#views.length > 0;
  }

  grant(range: Range): void {
    const { start, end } = range;
    // What touches becomes one, so that a program that asks without end leaves one.
    const touching = this.#granted.filter((other) => other.start <= end && other.end >= start);
    const all = [range, ...touching];
    const joined = {
      start: all.reduce((least, one) => (one.start < least ? one.start : least), start),
      end: all.reduce((most, one) => (one.end > most ? one.end : most), end),
    };
    this.#granted = [...this.#granted.filter((other) => !touching.includes(other)), joined];
    this.#forgetViews(range);
  }

  grantStack(): void {
    this.#stackIsGranted = true;
  }

  addView(view: View): void {
    this.#forgetViews(view);
    this.#views.push(view);
  }

  /** What was where the program has got other memory is gone. */
  #forgetViews({ start, end }: Range): void {
    const gone = this.#views.filter((view) => view.start < end && view.end > start);
    this.#views = this.#views.filter((view) => !gone.includes(view));
    for (const { pages } of gone) pages.leave();
  }

  /** The views. */
  get views(): readonly View[] {
    return this.#views;
  }

  /** The view that an address is in. */
  viewAt(address: bigint): View | undefined {
    return this.#views.find((view) => isIn(view, address));
  }

  /** Whether an address is where executable memory was asked for. */
  isGranted(threadId: number, address: bigint): boolean {
    if (this.#granted.some((range) => isIn(range, address))) return true;
    if (!this.#stackIsGranted) return false;
    if (this.#stack === undefined || !isIn(this.#stack, address)) {
      const line = this.#now(threadId, address);
      if (line?.name === STACK) this.#stack = line;
    }
    return this.#stack !== undefined && isIn(this.#stack, address);
  }

  /** The mapping that an executable address is in; what was read before counts, for the kernel refuses to execute what is not. */
  executableAt(threadId: number, address: bigint): MapsLine | undefined {
    const known = this.#executable.get(address);
    if (known !== undefined) return known;
    const isCode = (line: MapsLine | undefined): line is MapsLine => line?.permissions[2] === 'x';
    const read = lineAt(this.#lines, address);
    const found = isCode(read) ? read : this.#now(threadId, address);
    if (!isCode(found)) return undefined;
    keep(this.#executable, address, found);
    return found;
  }

  /** The name of the code at an address: its file, or the address where it is in none; as it was when mappings were read last. */
  codeNameAt(threadId: number, address: bigint): string {
    const known = this.#names.get(address);
    if (known !== undefined) return known;
    const line = this.executableAt(threadId, address);
    const name = fileName(line === undefined ? undefined : { line, address });
    keep(this.#names, address, name);
    return name;
  }

  /** The mapping that an address is in now. @throws as {@link TracedMemory.read} */
  #now(threadId: number, address: bigint): MapsLine | undefined {
    return lineAt(this.linesAt(threadId, [address]), address);
  }

  /** The mappings that addresses are in now, in order: among all others, unless they are very many. @throws as {@link TracedMemory.read} */
  linesAt(threadId: number, addresses: readonly bigint[]): readonly MapsLine[] {
    if (!this.isLarge) return this.read(threadId);
    using space = addressSpaceOf(threadId);
    const lines = addresses.map((address) => space?.at(address)).filter((line) => line !== undefined);
    return lines.sort((one, other) => (one.start < other.start ? -1 : 1));
  }

  /** Whether it has so many mappings that to read them has others wait: nothing is done then that needs them all. */
  get isLarge(): boolean {
    return this.#lines.length > MOST_READ && monotonic() - this.#readAt < LARGE;
  }

  /**
   * All mappings, as they are now; none where they cannot be read.
   *
   * @param threadId of a thread that has not ended: what is left of a process's first one has no mappings
   * @throws Late where they cannot be read in time
   */
  read(threadId: number): readonly MapsLine[] {
    const lines = mappings(threadId);
    if (lines === undefined && !hasEnded(threadId)) {
      sayFailure(`the memory of process ${threadId} cannot be looked at: what it calls in it now is not emulated`);
    }
    this.#lines = lines ?? [];
    this.#readAt = monotonic();
    this.#executable.clear();
    this.#names.clear();
    return this.#lines;
  }

  /** The same for who cannot be put off: as they were read last, where they cannot be read in time. */
  readNow(threadId: number): readonly MapsLine[] {
    return promptly(() => this.read(threadId), this.#lines);
  }

  /** Forgets what is not mapped any more. */
  prune(threadId: number): void {
    // One that shares it may have left it already, for the memory of a program that it executes.
    if (this.#users > 1 || this.isLarge) return;
    const lines = promptly(() => this.read(threadId), []);
    // None can be read; a process that has not ended has some.
    if (lines.length === 0) return;
    this.#granted = this.#granted.filter(({ start, end }) =>
      linesWithin(lines, { start, end }).some((line) => line.permissions[2] !== 'x' || this.#ownPages.isPromoted(line)),
    );
    this.#ownPages.prune(lines);
    const gone = this.#views.filter((view) => !view.isMapped(lines));
    this.#views = this.#views.filter((view) => !gone.includes(view));
    for (const { pages } of gone) pages.leave();
  }
}
