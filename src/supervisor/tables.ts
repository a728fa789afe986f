/**
 * The tables that are alive: which file is a trampoline table, who created it, and what was set of it.
 *
 * A file's inode says which table it is; never a name or a descriptor number, which the target can change. What is sealed
 * needs nothing of the supervisor but these few words, and they go when the creator no longer holds the table. The kernel
 * tells nobody about a close(2) without making every close slow, so that is looked at from time to time: whenever the
 * number of tables has doubled since the last look.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { descriptorPath, fileIdentity } from '../linux/descriptor.js';
import { openDescriptors, threadsOf } from '../linux/proc.js';
import type { TableObject } from '../object/table.js';
import type { DescriptorKind } from '../object/write.js';
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

/** Tables below this number are never looked through. */
const SMALLEST_SWEEP = 64;

/** All tables of all targets of one supervisor. */
export class Tables {
  readonly #window: Window;
  readonly #entries = new Map<bigint, TableEntry>();
  #sweepAt = SMALLEST_SWEEP;
  /** The kernel's own file system of memfds: the same for all of them. */
  #device: number | undefined;

  constructor(window: Window) {
    this.#window = window;
  }

  /** How many are known. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes a table in. */
  adopt(file: UnsealedFile, object: TableObject, creator: number): void {
    this.#device = file.device;
    const { inode, device } = file;
    this.#entries.set(inode, { inode, device, creator, object, file, wasMapped: false, repeatable: undefined });
    if (this.#entries.size >= this.#sweepAt) this.sweep();
  }

  /**
   * The table behind a thread's descriptor.
   *
   * @returns it; undefined where the descriptor is none of a table or not open; 'unseen' where /proc cannot be asked
   */
  find(threadId: number, descriptor: number): TableEntry | undefined | 'unseen' {
    const identity = fileIdentity(descriptorPath(threadId, descriptor));
    if (typeof identity === 'number') return identity === -errnoNumbers.ENOENT ? undefined : 'unseen';
    return identity.device === this.#device ? this.#entries.get(identity.inode) : undefined;
  }

  /** Forgets a table that cannot be used any more. */
  drop(entry: TableEntry): void {
    entry.file?.[Symbol.dispose]();
    this.#entries.delete(entry.inode);
  }

  /** Forgets the tables that their creators hold no longer. */
  sweep(): void {
    const byCreator = new Map<number, TableEntry[]>();
    for (const entry of this.#entries.values()) {
      const entries = byCreator.get(entry.creator);
      if (entries === undefined) byCreator.set(entry.creator, [entry]);
      else entries.push(entry);
    }
    for (const [creator, entries] of byCreator) {
      const held = this.#heldBy(creator);
      for (const entry of entries) if (!held.has(entry.inode)) this.drop(entry);
    }
    this.#sweepAt = Math.max(SMALLEST_SWEEP, 2 * this.#entries.size);
  }

  /** Inodes behind a process's descriptors in the window, over all of its threads: each may have a table of its own. */
  #heldBy(processId: number): ReadonlySet<bigint> {
    const inodes = new Set<bigint>();
    for (const threadId of threadsOf(processId)) {
      for (const descriptor of openDescriptors(threadId)) {
        if (!isInside(this.#window, descriptor)) continue;
        const identity = fileIdentity(descriptorPath(threadId, descriptor));
        if (typeof identity !== 'number' && identity.device === this.#device) inodes.add(identity.inode);
      }
    }
    return inodes;
  }
}
