/**
 * A memfd that only the supervisor writes, though its target has it open: what the files of tables and of contexts have
 * in common.
 *
 * A target could open its descriptor again for writing, through /proc. So the file is sealed before it is handed out:
 * F_SEAL_FUTURE_WRITE (Linux 5.1) ends every way to write but through mappings that exist already, and these are the
 * supervisor's. F_SEAL_WRITE is not added on top: it would close nothing that is open, but the kernel waits for pinned
 * pages before it grants it, up to 150 milliseconds, at a target's will (memfd_wait_for_pins in mm/memfd.c).
 *
 * @module
 */
import { type ErrnoName, errnoName, errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { TrampfdError } from '../error.js';
import { close, fileIdentityOf, open, readStart } from '../linux/descriptor.js';
import { isHeldElsewhere, lock } from '../linux/lock.js';
import { addSeals, createMemoryFile, getSeals } from '../linux/memfd.js';
import { MappedFile } from '../linux/memory.js';

/** Seals that end resizing, and writing for everyone but an existing mapping. */
const HANDED_OUT = FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_FUTURE_WRITE;

/** Name of the files, which /proc shows as `/memfd:trampfd (deleted)`. A name is for people; it proves nothing. */
const FILE_NAME = 'trampfd';

/** A system call's failure as an error. */
function failure(syscall: string, negated: number): TrampfdError {
  const name = errnoName(-negated) as ErrnoName;
  return new TrampfdError(name, `a trampoline's file: ${syscall} failed with ${name}`, { syscall, errno: -negated });
}

/** Such a file. Its mappings are whose who made them. */
export class OwnFile implements Disposable {
  /** Inode number: the object's identity for as long as the file exists. */
  readonly inode: bigint;
  readonly device: number;
  readonly #descriptor: number;
  #disposed = false;

  private constructor(descriptor: number, inode: bigint, device: number) {
    this.#descriptor = descriptor;
    this.inode = inode;
    this.device = device;
  }

  /**
   * Creates a file of a size, which nobody else has yet.
   *
   * @throws TrampfdError EMFILE, ENFILE or ENOMEM as memfd_create(2) has them
   */
  static create(size: number): OwnFile {
    const descriptor = createMemoryFile(FILE_NAME, size);
    if (descriptor < 0) throw failure('memfd_create', descriptor);
    const identity = fileIdentityOf(descriptor);
    if (typeof identity !== 'number') return new OwnFile(descriptor, identity.inode, identity.device);
    close(descriptor);
    throw failure('statx', identity);
  }

  /**
   * Maps a part for writing; before {@link OwnFile.seal}.
   *
   * @throws TrampfdError ENOMEM and the like, as mmap(2) has them
   */
  map(offset: number, length: number): MappedFile {
    const mapping = MappedFile.map(this.#descriptor, length, offset);
    if (typeof mapping === 'number') throw failure('mmap', mapping);
    return mapping;
  }

  /**
   * Ends every way to write but the mappings that there are.
   *
   * @throws TrampfdError EINVAL where the kernel does not know F_SEAL_FUTURE_WRITE
   */
  seal(): void {
    const sealed = addSeals(this.#descriptor, HANDED_OUT);
    if (sealed < 0) throw failure('fcntl', sealed);
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
   * Makes the seals final, and compares the file's start with what it must be.
   *
   * @throws TrampfdError EIO where a seal or a byte is not as it must be: the file must then not be mapped
   */
  finish(start: Uint8Array): void {
    // A target that reopened its descriptor for writing may have set this seal itself: the check below is what counts.
    const added = addSeals(this.#descriptor, FCNTL.F_SEAL_SEAL);
    if (added < 0 && added !== -errnoNumbers.EPERM) throw failure('fcntl', added);
    const required = HANDED_OUT | FCNTL.F_SEAL_SEAL;
    if ((getSeals(this.#descriptor) & required) !== required) {
      throw new TrampfdError('EIO', "the file's seals are not in place");
    }
    const readBack = readStart(this.#descriptor, start.length);
    if (readBack === undefined || Buffer.compare(readBack, start) !== 0) {
      throw new TrampfdError('EIO', 'the sealed file does not hold what was recognised');
    }
  }

  /** Lets go of the file: it lives on while the target has it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    close(this.#descriptor);
  }
}
