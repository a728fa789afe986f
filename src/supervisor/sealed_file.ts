/**
 * The file behind a trampoline table: a memfd that only the supervisor ever writes.
 *
 * It is sealed before it is handed out, so that its one mapping here is the only way to write it (own_file.ts). The code
 * begins one page behind the file's start, as the proposal has it (TRAMPFD_CODE_PGOFF); the page before is a hole, which
 * takes no memory. Where the code will be there is one page of traps then. When the table is complete, its code is generated, recognised slot by slot, written through that
 * mapping, and the mapping is taken away: from then on nobody can write. Then the seals are made final and must be there,
 * the size the one that it should be, and all of the code, read back from the file, is recognised once more.
 *
 * A file can grow until it is complete, for a table of many pages is known to be one only when it was handed out already.
 * The kernel gives no new writable mapping then, but lets the existing one be longer. A target may grow its file itself,
 * or add seals so that the supervisor cannot: its table fails, and is none. In no case are there bytes of its choice in
 * it. What is added to a file is zeros until it is written here. Only a mapping that got past the judgement of mmap(2)
 * can show them (a thread that exchanges descriptors meanwhile, MAP_DENYWRITE at an ordinary number), for that moment.
 * Who jumps there finds `add %al,(%rax)` up to the start of a trampoline or the end of the mapping: instructions that the
 * hole of any file is full of.
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import type { MappedFile } from '../linux/mapped_file.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { codeLength, partsOf } from '../trampoline/parts.js';
import { assemblePage, recognisePage, requireTable, type Table } from '../trampoline/table.js';
import { OwnFile } from './own_file.js';

/** A page of traps, by architecture and size. */
const trapPages = new Map<string, Uint8Array>();

function trapPage(architecture: ArchitectureName, pageSize: number): Uint8Array {
  const key = `${architecture} ${pageSize}`;
  let page = trapPages.get(key);
  if (page === undefined) {
    const trap = architectures[architecture].trap.bytes;
    page = Uint8Array.from({ length: pageSize }, (_, index) => trap[index % trap.length] ?? 0);
    trapPages.set(key, page);
  }
  return page;
}

/** The file of a table that is not complete yet. */
export class UnsealedFile implements Disposable {
  readonly #file: OwnFile;
  readonly #mapping: MappedFile;
  readonly #pageSize: number;

  private constructor(file: OwnFile, mapping: MappedFile) {
    this.#file = file;
    this.#mapping = mapping;
    this.#pageSize = mapping.length;
  }

  /**
   * Creates a file with one page of traps that can be handed out.
   *
   * @param gone is told when the supervisor has let go of it
   * @throws TrampfdError EMFILE, ENFILE or ENOMEM as memfd_create(2) and mmap(2) have them; EINVAL where the kernel does
   * not know F_SEAL_FUTURE_WRITE
   */
  static create(architecture: ArchitectureName, pageSize: number, gone?: () => void): UnsealedFile {
    const { file, mapping } = OwnFile.createSealed(
      2 * pageSize,
      trapPage(architecture, pageSize),
      'may grow',
      pageSize,
      gone,
    );
    return new UnsealedFile(file, mapping);
  }

  /** Inode number: the table's identity for as long as the file exists. */
  get inode(): bigint {
    return this.#file.inode;
  }

  get device(): number {
    return this.#file.device;
  }

  /** As {@link OwnFile.handOut}. */
  handOut(): number {
    return this.#file.handOut();
  }

  /** As {@link OwnFile.isHandedOut}. */
  isHandedOut(): boolean {
    return this.#file.isHandedOut();
  }

  /**
   * Gives the file its code for good, and lets go of it.
   *
   * @throws TrampfdError ENOMEM where there is no memory for that many pages; nothing is changed then. EIO where the code,
   * the size or the seals are not as they must be: the file is of no use then, and must not be mapped. EINVAL as
   * {@link requireTable} does
   */
  seal(table: Table): void {
    const length = codeLength(table.architecture, table.count, this.#pageSize);
    requireTable(table, length);
    if (length > this.#pageSize) this.#grow(length);
    for (const part of partsOf(table, this.#pageSize)) {
      const code = assemblePage(part.table, part.length);
      if (!recognisePage(code, part.table)) throw new TrampfdError('EIO', 'the generated code was not recognised');
      this.#mapping.write(code, part.offset);
    }
    this.#mapping[Symbol.dispose]();
    // Its first page has no code.
    const start = this.#pageSize;
    this.#file.makeFinal(start + length);
    for (const part of partsOf(table, this.#pageSize)) {
      const code = this.#file.read(start + part.offset, part.length);
      if (code === undefined || !recognisePage(code, part.table)) {
        throw new TrampfdError('EIO', 'the sealed code is not the one that was recognised');
      }
    }
    this[Symbol.dispose]();
  }

  /** Makes the file and the mapping of it longer. */
  #grow(length: number): void {
    // First what can be undone: a mapping may be longer than its file.
    const mapped = this.#mapping.grow(length);
    const grown = mapped < 0 ? mapped : this.#file.grow(this.#pageSize + length);
    if (grown === -errnoNumbers.EPERM)
      throw new TrampfdError('EIO', 'the file was sealed against growing by the target');
    if (grown < 0) throw new TrampfdError('ENOMEM', `no memory for ${length} bytes of code (${errnoName(-grown)})`);
  }

  /** Lets go of the file: it lives on while the target has it. */
  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }
}
