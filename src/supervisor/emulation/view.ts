/**
 * The executable half of a double mapping: pages of the supervisor's where a program has asked for an executable view of
 * a file that it writes through another one. It is how libffi makes closures where memory is never writable and
 * executable.
 *
 * The pages are traps, and wait aside until the view is first called. Where a closure is called that the program has written, and the form is one that can be promoted,
 * equal code is put into the page (trampoline/promoted.ts): from then on nobody is asked.
 *
 * @module
 */
import { MAP, MREMAP, PROT } from '../../abi/mman.js';
import type { Entry } from '../../abi/syscalls.js';
import { descriptorPath, type FileIdentity, fileIdentity } from '../../linux/descriptor.js';
import type { RemoteCall } from '../../linux/injected_calls.js';
import type { MappedFile } from '../../linux/mapped_file.js';
import type { MapsLine } from '../../linux/maps.js';
import { linesWithin } from '../../linux/maps_search.js';
import type { LegacyForm } from '../../trampoline/legacy_form.js';
import { assemblePromoted, isPromoted, linkWords, PROMOTED_SIZE, TRAP } from '../../trampoline/promoted.js';
import { viewOf } from '../../trampoline/recognise.js';
import { OwnFile } from '../own_file.js';

/** The file that a program wants to execute a part of. */
export interface WrittenFile extends FileIdentity {
  /** As /proc/PID/maps has it. */
  readonly name: string;
  /** Where the view begins in it. */
  readonly offset: bigint;
  /** The descriptor by which the program has it open, as long as that is of this file. */
  readonly descriptor: number;
}

/** mmap2(2) counts its offset in these units. */
const MMAP2_UNIT = 4096n;

/** Bytes that are written at once. */
const SLICE = 65_536;

/** The supervisor's file behind a view: its pages, and as many behind them with the links. Processes share it, as they share the program's file. */
export class ViewPages implements Disposable {
  readonly file: OwnFile;
  readonly #mapping: MappedFile;
  /** Bytes of the pages. */
  readonly length: number;
  /** Offsets of what was promoted. */
  readonly #promoted = new Set<number>();
  /** How far the writable view and the links are away from the pages. */
  #distance: bigint | undefined;
  #linkDistance: number | undefined;
  #users = 1;
  readonly #gone: () => void;

  private constructor(file: OwnFile, mapping: MappedFile, length: number, gone: () => void) {
    this.file = file;
    this.#mapping = mapping;
    this.length = length;
    this.#gone = gone;
  }

  /**
   * Makes the pages, of traps alone, that nobody else can ever write.
   *
   * @param length bytes, a multiple of a page
   * @param gone is told when they are needed no more
   * @throws TrampfdError ENOMEM and the like, as memfd_create(2) and mmap(2) have them
   */
  static create(length: number, gone: () => void = () => undefined): ViewPages {
    const traps = new Uint8Array(Math.min(length, SLICE)).fill(TRAP);
    const { file, mapping } = OwnFile.createSealed(2 * length, traps, 'fixed');
    for (let at = traps.length; at < length; at += SLICE) mapping.write(traps.subarray(0, length - at), at);
    return new ViewPages(file, mapping, length, gone);
  }

  share(): this {
    this.#users += 1;
    return this;
  }

  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) this[Symbol.dispose]();
  }

  isPromoted(at: number): boolean {
    return this.#promoted.has(at);
  }

  /**
   * Promotes what is at an offset.
   *
   * @param distance how far the writable view is away from the pages
   * @param linkDistance how far the links are away from the pages
   * @returns whether it is promoted; not where the form has no code for that, or others are in the way
   */
  promote(at: number, distance: bigint, linkDistance: number, form: LegacyForm, length: number): boolean {
    // All closures of a view are found by one distance. Where the program has mapped the file anew, they begin anew.
    if (this.#distance !== distance || this.#linkDistance !== linkDistance) this.#begin(distance, linkDistance);
    if (this.#promoted.has(at)) return true;
    if (at + PROMOTED_SIZE > this.length) return false;
    for (let other = at - PROMOTED_SIZE + 1; other < at + PROMOTED_SIZE; other++) {
      if (this.#promoted.has(other)) return false;
    }
    const code = assemblePromoted(form, length, linkDistance);
    if (code === undefined || !isPromoted(viewOf(code), form, length, linkDistance)) return false;
    const link = BigUint64Array.from(linkWords(distance));
    this.#mapping.write(new Uint8Array(link.buffer), this.length + at);
    this.#put(code, at);
    this.#promoted.add(at);
    return true;
  }

  /** Makes a trap of what was promoted at an offset. */
  demote(at: number): void {
    if (this.#promoted.delete(at)) this.#put(new Uint8Array(PROMOTED_SIZE).fill(TRAP), at);
  }

  #begin(distance: bigint, linkDistance: number): void {
    for (const at of [...this.#promoted]) this.demote(at);
    this.#distance = distance;
    this.#linkDistance = linkDistance;
  }

  /** Puts code into a page. A thread that executes there meanwhile finds a trap until all of it is there. */
  #put(code: Uint8Array, offset: number): void {
    this.#mapping.write(Uint8Array.of(TRAP), offset);
    this.#mapping.write(code.subarray(1), offset + 1);
    this.#mapping.write(code.subarray(0, 1), offset);
  }

  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
    this.file[Symbol.dispose]();
    this.#gone();
  }
}

/**
 * A view in the memory of a process. At first it is the program's file, not executable: libffi reads there what it writes
 * elsewhere, to see that both views are of one file. The pages wait aside, and are put in its place when it is first
 * called: from then on nobody reads it.
 */
export class View {
  readonly start: bigint;
  readonly end: bigint;
  readonly pages: ViewPages;
  readonly #written: WrittenFile;
  /** Where the pages wait. */
  readonly #aside: bigint;
  /** Where the links are, at one of the distances; undefined where there was no room. */
  readonly #links: bigint | undefined;
  #isPlaced = false;
  /** Whether what the program writes is its own process's, and not the file's any more. */
  #isPrivate = false;

  constructor(start: bigint, aside: bigint, links: bigint | undefined, pages: ViewPages, written: WrittenFile) {
    this.start = start;
    this.end = start + BigInt(pages.length);
    this.#aside = aside;
    this.#links = links;
    this.pages = pages;
    this.#written = written;
  }

  /** The same, in the memory of a process that begins as a copy (fork(2)). */
  copy(): View {
    const copied = new View(this.start, this.#aside, this.#links, this.pages.share(), this.#written);
    copied.#isPlaced = this.#isPlaced;
    copied.#isPrivate = this.#isPrivate;
    return copied;
  }

  isMapped(lines: readonly MapsLine[]): boolean {
    const inodes = [this.pages.file.inode, this.#written.inode];
    return linesWithin(lines, this).some(({ inode }) => inodes.includes(inode));
  }

  /**
   * Where the program writes what it calls at an address of the view.
   *
   * @param lines its mappings, as they are now
   */
  writtenAt(address: bigint, lines: readonly MapsLine[]): bigint | undefined {
    const { offset } = this.#written;
    const wanted = offset + (address - this.start);
    const line = this.#writable(lines).find(
      (one) => wanted >= one.offset && wanted < one.offset + (one.end - one.start),
    );
    return line === undefined ? undefined : line.start + (wanted - line.offset);
  }

  /** The writable mappings of the file, where they are of the view's part of it. */
  #writable(lines: readonly MapsLine[]): readonly MapsLine[] {
    const { inode, device, name, offset } = this.#written;
    const end = offset + (this.end - this.start);
    return lines.filter(
      (one) =>
        one.inode === inode &&
        (one.device === device || one.name === name) &&
        one.permissions.startsWith('rw') &&
        one.offset < end &&
        one.offset + (one.end - one.start) > offset,
    );
  }

  /**
   * The calls that make what the program writes its own process's, as the memory would have been that it asked for first:
   * else a child of fork(2) would change its parent's closures. What is there stays, for it is read from the file. None
   * where that is done, or the program has not kept its descriptor.
   *
   * @param lines the mappings, as they are now
   */
  separating(threadId: number, entry: Entry, lines: readonly MapsLine[]): readonly RemoteCall[] {
    const { inode, device, descriptor } = this.#written;
    if (this.#isPrivate) return [];
    const open = fileIdentity(descriptorPath(threadId, descriptor));
    if (typeof open === 'number' || open.inode !== inode || open.device !== device) return [];
    const shared = this.#writable(lines).filter(({ permissions }) => permissions[3] === 's');
    // MAP_DENYWRITE, which the kernel ignores, has the filter let it be.
    const flags = BigInt(MAP.MAP_PRIVATE | MAP.MAP_FIXED | MAP.MAP_DENYWRITE);
    const protection = BigInt(PROT.PROT_READ | PROT.PROT_WRITE);
    return shared.map(({ start, end, offset }) => ({
      name: entry === 'i386' ? 'mmap2' : 'mmap',
      values: [
        start,
        end - start,
        protection,
        flags,
        BigInt(descriptor),
        entry === 'i386' ? offset / MMAP2_UNIT : offset,
      ],
    }));
  }

  /** Whether it has yet to be made the process's own. */
  get isShared(): boolean {
    return !this.#isPrivate;
  }

  /** What the program writes is its process's own. */
  separated(): void {
    this.#isPrivate = true;
  }

  /** Where a closure begins that has trapped at an address: at its own end, where it is not what it was. */
  entryOf(address: bigint): bigint {
    const start = address - BigInt(PROMOTED_SIZE - 1);
    return this.pages.isPromoted(Number(start - this.start)) ? start : address;
  }

  /** The calls that put the pages in the view's place; none where that is done, or there are no links. */
  placing(): readonly RemoteCall[] {
    if (this.#isPlaced || this.#links === undefined) return [];
    const length = BigInt(this.pages.length);
    const flags = BigInt(MREMAP.MREMAP_MAYMOVE | MREMAP.MREMAP_FIXED);
    return [{ name: 'mremap', values: [this.#aside, length, length, flags, this.start] }];
  }

  /** The pages are in their place. */
  placed(): void {
    this.#isPlaced = true;
  }

  /**
   * Promotes the closure at an address.
   *
   * @param written where the program writes it
   * @returns whether it is promoted
   */
  promote(address: bigint, written: bigint, form: LegacyForm, length: number): boolean {
    if (!this.#isPlaced || this.#links === undefined) return false;
    const linkDistance = Number(this.#links - this.start);
    return this.pages.promote(Number(address - this.start), written - address, linkDistance, form, length);
  }

  /** Makes a trap of what was promoted at an address. */
  demote(address: bigint): void {
    this.pages.demote(Number(address - this.start));
  }
}
