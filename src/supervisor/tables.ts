/**
 * The tables that are alive: which file is a trampoline table, who created it, and what was set of it.
 *
 * A file's inode says which table it is; never a name or a descriptor number, which the target can change. The kernel
 * tells nobody about a close(2) without making every close slow, so whether a table is still needed is looked at from
 * time to time: whenever the number of tables has doubled since the last look.
 *
 * A table that is not complete yet lives while its open file does, wherever that is: in another process, or on its way
 * there. It has a descriptor of ours, and through that the kernel says so exactly (linux/lock.ts). A target that undoes
 * that lock makes its own table die early; one that has nothing but the file opened again through /proc keeps it as long
 * as it is the creator.
 *
 * So does a trampoline of version 1, whose contexts change as long as it lives. When nobody has the descriptor any more
 * that was handed out, and no mapping was made by it, nothing can change it: what another descriptor of the file has
 * mapped goes on with the last context.
 *
 * What is sealed has no descriptor here, for there may be ten thousands, and needs nothing of the supervisor but a
 * kilobyte. That lives while the creator has the table open at any number, or mapped; so there are at most as many as the
 * kernel lets processes open and map. What is lost when another process alone has such a table: its mmap is then the
 * kernel's and not EINVAL, a write EBADF and not EEXIST, a read the page and not EINVAL. These answers protect nobody; the
 * page is sealed, whoever asks.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { monotonic } from '../linux/clock.js';
import { descriptorPath, fileIdentity } from '../linux/descriptor.js';
import { promptly } from '../linux/late_call.js';
import { resourceLimit } from '../linux/process.js';
import type { TableObject } from '../object/table.js';
import type { UserTrampoline } from '../object/user.js';
import type { DescriptorKind } from '../object/write.js';
import { Allowance } from './allowance.js';
import type { ContextFile } from './context_file.js';
import { heldBy } from './holdings.js';
import type { UnsealedFile } from './sealed_file.js';
import { isInside, type Window } from './window.js';

/** A write, and what tells that the same is made again. */
export interface RepeatableWrite {
  readonly kind: DescriptorKind;
  readonly bytes: Uint8Array;
  readonly threadId: number;
  readonly instructionPointer: bigint;
}

/** One table. */
export interface TableEntry {
  readonly kind: 'table';
  readonly inode: bigint;
  readonly device: number;
  /** Id of the process that created it. */
  readonly creator: number;
  object: TableObject;
  /** Its file while the supervisor still writes it; undefined once it is sealed. */
  file: UnsealedFile | undefined;
  /** Whether a mapping of it was ever let through: only then must /proc be asked whether it is mapped now. */
  wasMapped: boolean;
  /** The last write that was carried out, where its caller may have been interrupted behind the answer, and ask again. */
  repeatable: RepeatableWrite | undefined;
}

/** One trampoline of version 1. */
export interface UserEntry {
  readonly kind: 'user';
  readonly inode: bigint;
  readonly device: number;
  object: UserTrampoline;
  readonly file: ContextFile;
}

/** Descriptors of ours that are left for all else, and the part of what others have left that one process may have of the rest. */
const RESERVE = 256;
const SHARE = 1 / 2;

/** How many times as long as it has taken nobody looks again for room. */
const REST = 8;

/** Tables below this number are never looked through. */
const SMALLEST_SWEEP = 64;

/** All tables of all targets of one supervisor. */
export class Tables {
  readonly #window: Window;
  readonly #entries = new Map<bigint, TableEntry | UserEntry>();
  #sweepAt = SMALLEST_SWEEP;
  #nextRoom = 0;
  /** The kernel's own file system of memfds: the same for all of them. */
  #device: number | undefined;

  constructor(window: Window) {
    this.#window = window;
  }

  /** The descriptors that are held for objects which can change yet. */
  readonly descriptors: Allowance = new Allowance(() => {
    const { soft } = resourceLimit('RLIMIT_NOFILE');
    return Math.max(0, Number(soft) - RESERVE);
  }, SHARE);

  /** How many are known. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes a table in. */
  adopt(file: UnsealedFile, object: TableObject, creator: number): void {
    this.#device = file.device;
    const { inode, device } = file;
    this.#entries.set(inode, {
      kind: 'table',
      inode,
      device,
      creator,
      object,
      file,
      wasMapped: false,
      repeatable: undefined,
    });
    if (this.#entries.size >= this.#sweepAt) this.sweep();
  }

  /** Takes a trampoline of version 1 in. */
  adoptUser(file: ContextFile, object: UserTrampoline): void {
    this.#device = file.device;
    const { inode, device } = file;
    this.#entries.set(inode, { kind: 'user', inode, device, object, file });
    if (this.#entries.size >= this.#sweepAt) this.sweep();
  }

  /**
   * The table, or the trampoline of version 1, behind a thread's descriptor.
   *
   * @returns it; undefined where the descriptor is none of a table or not open, and also where /proc cannot be asked about
   * a number outside of the window: most such files are none of ours, and a table's is sealed against whatever the
   * kernel then does with it; 'unseen' where /proc cannot be asked about a number in the window
   */
  find(threadId: number, descriptor: number): TableEntry | UserEntry | undefined | 'unseen' {
    if (this.#entries.size === 0) return undefined;
    const identity = fileIdentity(descriptorPath(threadId, descriptor));
    if (typeof identity === 'number') {
      return identity === -errnoNumbers.ENOENT || !isInside(this.#window, descriptor) ? undefined : 'unseen';
    }
    return identity.device === this.#device ? this.#entries.get(identity.inode) : undefined;
  }

  /** Forgets a table that cannot be used any more. */
  drop(entry: TableEntry | UserEntry): void {
    entry.file?.[Symbol.dispose]();
    this.#entries.delete(entry.inode);
  }

  /** Forgets what nobody needs any longer, for a caller that gets nothing else: not more often than others can bear. */
  makeRoom(): void {
    const now = monotonic();
    if (now < this.#nextRoom) return;
    this.sweep();
    this.#nextRoom = monotonic() + REST * (monotonic() - now);
  }

  /** Forgets the tables that nobody needs any longer. */
  sweep(): void {
    const byCreator = new Map<number, TableEntry[]>();
    for (const entry of this.#entries.values()) {
      if (entry.file?.isHandedOut()) continue;
      if (entry.kind === 'user') {
        this.drop(entry);
        continue;
      }
      const entries = byCreator.get(entry.creator);
      if (entries === undefined) byCreator.set(entry.creator, [entry]);
      else entries.push(entry);
    }
    for (const [creator, entries] of byCreator) {
      const inodes = new Set(entries.map(({ inode }) => inode));
      const held = promptly(() => heldBy(creator, inodes, this.#device ?? 0), undefined);
      // Of a process that cannot be looked at now, all are kept.
      if (held === undefined) continue;
      for (const entry of entries) if (!held.has(entry.inode)) this.drop(entry);
    }
    this.#sweepAt = Math.max(SMALLEST_SWEEP, 2 * this.#entries.size);
  }
}
