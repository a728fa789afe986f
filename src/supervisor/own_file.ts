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
import { close, fileIdentityOf, fileSizeOf, open, readAt } from '../linux/descriptor.js';
import { isHeldElsewhere, lock } from '../linux/lock.js';
import { MappedFile } from '../linux/mapped_file.js';
import { addSeals, createMemoryFile, getSeals, growMemoryFile } from '../linux/memfd.js';

/** Seals that end shrinking, and writing for everyone but an existing mapping. */
const HANDED_OUT = FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_FUTURE_WRITE;
/** Seals of a file whose size and seals never change again. */
const FINAL = HANDED_OUT | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL;

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
  readonly #gone: () => void;
  #disposed = false;

  private constructor(descriptor: number, inode: bigint, device: number, gone: () => void) {
    this.#gone = gone;
    this.#descriptor = descriptor;
    this.inode = inode;
    this.device = device;
  }

  /**
   * Creates a file of a size, which nobody else has yet.
   *
   * @param gone is told when its descriptor is closed
   * @throws TrampfdError EMFILE, ENFILE or ENOMEM as memfd_create(2) has them
   */
  static create(size: number, gone: () => void = () => undefined): OwnFile {
    const descriptor = createMemoryFile(FILE_NAME, size);
    if (descriptor < 0) throw failure('memfd_create', descriptor);
    const identity = fileIdentityOf(descriptor);
    if (typeof identity !== 'number') return new OwnFile(descriptor, identity.inode, identity.device, gone);
    close(descriptor);
    throw failure('statx', identity);
  }

  /**
   * Creates a file with a content, mapped from there on, and sealed against everybody's writing but by that mapping.
   *
   * @param size in bytes, a multiple of the page size; what the content does not fill is zero
   * @param growth whether the file can become larger from then on
   * @param start bytes before the content, a multiple of the page size: a hole, which takes no memory
   * @param gone as for {@link OwnFile.create}
   * @throws TrampfdError as {@link OwnFile.create}, {@link OwnFile.map} and {@link OwnFile.seal}
   */
  static createSealed(
    size: number,
    content: Uint8Array,
    growth: 'fixed' | 'may grow',
    start = 0,
    gone: () => void = () => undefined,
  ): { readonly file: OwnFile; readonly mapping: MappedFile } {
    const file = OwnFile.create(size, gone);
    let mapping: MappedFile | undefined;
    try {
      mapping = file.map(start, size - start);
      mapping.write(content);
      file.seal(growth);
      return { file, mapping };
    } catch (error) {
      mapping?.[Symbol.dispose]();
      file[Symbol.dispose]();
      throw error;
    }
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
   * @param size whether the file can become larger from then on
   * @throws TrampfdError EINVAL where the kernel does not know F_SEAL_FUTURE_WRITE
   */
  seal(size: 'fixed' | 'may grow'): void {
    const sealed = addSeals(this.#descriptor, size === 'fixed' ? HANDED_OUT | FCNTL.F_SEAL_GROW : HANDED_OUT);
    if (sealed < 0) throw failure('fcntl', sealed);
  }

  /** Makes the file larger: 0 or a negated error number, EPERM where somebody has sealed it against that. */
  grow(length: number): number {
    return growMemoryFile(this.#descriptor, length);
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
   * Makes the size and the seals final.
   *
   * @param length bytes that the file must have
   * @throws TrampfdError EIO where a seal or the size is not as it must be: the file must then not be mapped
   */
  makeFinal(length: number): void {
    // A target that reopened its descriptor for writing may have set seals itself: the checks below are what counts.
    const added = addSeals(this.#descriptor, FINAL);
    if (added < 0 && added !== -errnoNumbers.EPERM) throw failure('fcntl', added);
    if ((getSeals(this.#descriptor) & FINAL) !== FINAL) {
      throw new TrampfdError('EIO', "the file's seals are not in place");
    }
    if (fileSizeOf(this.#descriptor) !== length) throw new TrampfdError('EIO', 'the file has another size');
  }

  /** Bytes of the file, or undefined where they are not all there. */
  read(offset: number, length: number): Uint8Array | undefined {
    return readAt(this.#descriptor, offset, length);
  }

  /** Lets go of the file: it lives on while the target has it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    close(this.#descriptor);
    this.#gone();
  }
}
