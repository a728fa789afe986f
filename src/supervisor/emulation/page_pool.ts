/**
 * Pages of the supervisor's that wait in the memory of processes until one of them stands in the place of a page of
 * trampolines (own_page.ts).
 *
 * A process can be given a file only while a request of its waits. So it is given a few pages then, of traps, mapped aside.
 * Processes that were forked have the same pages: one is written
 * only while one memory has a use for it.
 *
 * @module
 */
import type { MappedFile } from '../../linux/mapped_file.js';
import { TRAP } from '../../trampoline/promoted.js';
import { PAGE_LENGTH } from '../../trampoline/promoted_page.js';
import { OwnFile } from '../own_file.js';

/** Pages of a pool: with GCC's trampolines on the heap, some thousands of those. */
export const POOL_PAGES = 32;
export const POOL_LENGTH: number = POOL_PAGES * PAGE_LENGTH;

/** The supervisor's file of a pool. */
export class PagePool implements Disposable {
  readonly file: OwnFile;
  readonly #mapping: MappedFile;
  /** How many memories have a use for each page. */
  readonly #uses = new Uint32Array(POOL_PAGES);
  #users = 1;
  readonly #gone: () => void;

  private constructor(file: OwnFile, mapping: MappedFile, gone: () => void) {
    this.file = file;
    this.#mapping = mapping;
    this.#gone = gone;
  }

  /**
   * Makes the pages, of traps alone, that nobody else can ever write.
   *
   * @param gone is told when they are needed no more
   * @throws TrampfdError ENOMEM and the like, as memfd_create(2) and mmap(2) have them
   */
  static create(gone: () => void = () => undefined): PagePool {
    const { file, mapping } = OwnFile.createSealed(POOL_LENGTH, new Uint8Array(POOL_LENGTH).fill(TRAP), 'fixed');
    return new PagePool(file, mapping, gone);
  }

  /** Another memory has the pages. */
  share(): this {
    this.#users += 1;
    return this;
  }

  /** A memory has them no more. */
  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) this[Symbol.dispose]();
  }

  get hasRoom(): boolean {
    return this.#uses.includes(0);
  }

  /** Takes a page that nobody has a use for: its number, or undefined where there is none. */
  take(): number | undefined {
    const index = this.#uses.indexOf(0);
    if (index < 0) return undefined;
    this.#uses[index] = 1;
    return index;
  }

  /** Another memory has the use of a page that one has. */
  shareUse(index: number): void {
    this.#uses[index] = (this.#uses[index] ?? 0) + 1;
  }

  /** A memory has no use for a page any more. */
  leaveUse(index: number): void {
    this.#uses[index] = (this.#uses[index] ?? 1) - 1;
  }

  /** Whether one memory alone has a use for a page. */
  isUsedOnce(index: number): boolean {
    return this.#uses[index] === 1;
  }

  /** Writes a page. Who executes there meanwhile, where it waits, finds traps until all of it is there. */
  write(index: number, page: Uint8Array): void {
    const offset = index * PAGE_LENGTH;
    this.#mapping.write(new Uint8Array(PAGE_LENGTH).fill(TRAP), offset);
    this.#mapping.write(page, offset);
  }

  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
    this.file[Symbol.dispose]();
    this.#gone();
  }
}
