/**
 * The file behind a trampoline table: a memfd that only the supervisor ever writes.
 *
 * The target gets its descriptor before the table is configured, and could reopen it for writing through /proc. So the
 * file is sealed before it is handed out: F_SEAL_FUTURE_WRITE (Linux 5.1) ends every way to write but the one mapping
 * that exists already, which is the supervisor's. It has one page then, of traps. When the table is complete, its code is
 * generated, recognised slot by slot, written through that mapping, and the mapping is taken away: from then on nobody
 * can write. F_SEAL_GROW and F_SEAL_SEAL make that final. Then the seals must be there, the size the one that it should
 * be, and all of the code, read back from the file, is recognised once more.
 *
 * A file can grow until it is complete, for a table of many pages is known to be one only when it was handed out already.
 * The kernel gives no new writable mapping then, but lets the existing one be longer. A target may grow its file itself,
 * or add seals so that the supervisor cannot: its table fails, and is none. In no case are there bytes of its choice in
 * it. What is added to a file is zeros until it is written here. Only a mapping that got past the judgement of mmap(2)
 * can show them (a thread that exchanges descriptors meanwhile, MAP_DENYWRITE at an ordinary number), for that moment.
 * Who jumps there finds `add %al,(%rax)` up to the start of a trampoline or the end of the mapping: instructions that the
 * hole of any file is full of.
 *
 * F_SEAL_WRITE is not added on top: it would close nothing that is open, but the kernel waits for pinned pages before it
 * grants it, up to 150 milliseconds, at a target's will (memfd_wait_for_pins in mm/memfd.c).
 *
 * @module
 */
import { type ErrnoName, errnoName, errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { TrampfdError } from '../error.js';
import { close, fileIdentityOf, fileSizeOf, open, readAt } from '../linux/descriptor.js';
import { isHeldElsewhere, lock } from '../linux/lock.js';
import { addSeals, createMemoryFile, getSeals, growMemoryFile } from '../linux/memfd.js';
import { MappedFile } from '../linux/memory.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { codeLength, partsOf } from '../trampoline/parts.js';
import { assemblePage, recognisePage, requireTable, type Table } from '../trampoline/table.js';

/** Seals that end writing for everyone but an existing mapping. */
const HANDED_OUT = FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_FUTURE_WRITE;
/** Seals of a file that never changes again. */
const COMPLETE = HANDED_OUT | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL;

/** Name of the files, which /proc shows as `/memfd:trampfd (deleted)`. A name is for people; it proves nothing. */
const FILE_NAME = 'trampfd';

/** A system call's failure as an error. */
function failure(syscall: string, negated: number): TrampfdError {
  const name = errnoName(-negated) as ErrnoName;
  return new TrampfdError(name, `a trampoline table's file: ${syscall} failed with ${name}`, {
    syscall,
    errno: -negated,
  });
}

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
  /** Inode number: the table's identity for as long as the file exists. */
  readonly inode: bigint;
  readonly device: number;
  readonly #descriptor: number;
  readonly #mapping: MappedFile;
  readonly #pageSize: number;
  #disposed = false;

  private constructor(descriptor: number, mapping: MappedFile, inode: bigint, device: number) {
    this.#descriptor = descriptor;
    this.#mapping = mapping;
    this.#pageSize = mapping.length;
    this.inode = inode;
    this.device = device;
  }

  /**
   * Creates a file with one page of traps that can be handed out.
   *
   * @throws TrampfdError EMFILE, ENFILE or ENOMEM as memfd_create(2) and mmap(2) have them; EINVAL where the kernel does
   * not know F_SEAL_FUTURE_WRITE
   */
  static create(architecture: ArchitectureName, pageSize: number): UnsealedFile {
    const descriptor = createMemoryFile(FILE_NAME, pageSize);
    if (descriptor < 0) throw failure('memfd_create', descriptor);
    const mapping = MappedFile.map(descriptor, pageSize);
    if (typeof mapping === 'number') {
      close(descriptor);
      throw failure('mmap', mapping);
    }
    mapping.write(trapPage(architecture, pageSize));
    const sealed = addSeals(descriptor, HANDED_OUT);
    const identity = fileIdentityOf(descriptor);
    if (sealed < 0 || typeof identity === 'number') {
      mapping[Symbol.dispose]();
      close(descriptor);
      throw typeof identity === 'number' ? failure('statx', identity) : failure('fcntl', sealed);
    }
    return new UnsealedFile(descriptor, mapping, identity.inode, identity.device);
  }

  /**
   * Opens the file for reading only, as the target gets it, once. Mapped shared, it can then never become writable.
   *
   * @returns a descriptor of ours, which the caller closes
   * @throws TrampfdError EMFILE and the like, as open(2) has them
   */
  handOut(): number {
    const descriptor = open(`/proc/self/fd/${this.#descriptor}`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    if (descriptor < 0) throw failure('open', descriptor);
    const locked = lock(descriptor);
    if (locked === 0) return descriptor;
    close(descriptor);
    throw failure('flock', locked);
  }

  /** Whether what was handed out lives: open anywhere, mapped, or on its way between processes. */
  isHandedOut(): boolean {
    return isHeldElsewhere(this.#descriptor);
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
    // A target that reopened its descriptor for writing may have set seals itself: the check below is what counts.
    const added = addSeals(this.#descriptor, COMPLETE);
    if (added < 0 && added !== -errnoNumbers.EPERM) throw failure('fcntl', added);
    if ((getSeals(this.#descriptor) & COMPLETE) !== COMPLETE) {
      throw new TrampfdError('EIO', "the file's seals are not in place");
    }
    if (fileSizeOf(this.#descriptor) !== length) throw new TrampfdError('EIO', 'the file has another size');
    for (const part of partsOf(table, this.#pageSize)) {
      const code = readAt(this.#descriptor, part.offset, part.length);
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
    const grown = mapped < 0 ? mapped : growMemoryFile(this.#descriptor, length);
    if (grown === -errnoNumbers.EPERM)
      throw new TrampfdError('EIO', 'the file was sealed against growing by the target');
    if (grown < 0) throw new TrampfdError('ENOMEM', `no memory for ${length} bytes of code (${errnoName(-grown)})`);
  }

  /** Lets go of the file: it lives on while the target has it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#mapping[Symbol.dispose]();
    close(this.#descriptor);
  }
}
