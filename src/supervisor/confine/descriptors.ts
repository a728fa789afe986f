/**
 * Descriptors that a confined program inherits.
 *
 * A file stays on the mount that it was opened through, and an inherited one was opened outside, where it may be
 * executed: who can write it could map it as code, open it again through /proc/self/fd, or start at an inherited folder.
 * So files, folders and devices are opened again, by their paths, through the mounts of the program's own, at the same
 * position and with the same flags. What gives out nothing of the outside stays what it is; all else is refused.
 * The position of a file that is opened again is the program's own (positions.ts).
 *
 * @module
 */
import { fstatSync } from 'node:fs';
import { FCNTL } from '../../abi/fcntl.js';
import { TrampfdError } from '../../error.js';
import { allocate, allocateString, type NativeMemory } from '../../linux/libc.js';
import { factsOf } from './descriptor_facts.js';
import { descriptorKind } from './descriptor_kinds.js';
import { queueRefusal } from './queued.js';
import { asBytes } from './trees.js';

/** Flags that belong to an open file, not to its descriptor or to its opening (open(2)). */
const KEPT_FLAGS =
  FCNTL.O_ACCMODE |
  FCNTL.O_APPEND |
  FCNTL.O_NONBLOCK |
  FCNTL.O_DSYNC |
  FCNTL.O_SYNC |
  FCNTL.O_DIRECT |
  FCNTL.O_NOATIME |
  FCNTL.O_PATH |
  FCNTL.O_DIRECTORY |
  FCNTL.O_NOFOLLOW |
  FCNTL.O_LARGEFILE;

/** An inherited descriptor that must not reach the program as it is. */
export interface OutsideFile {
  readonly descriptor: number;
  /** Its path as /proc has it, a character for each byte. */
  readonly path: string;
  /** Paths that it may be opened again by, where a held process finds them. */
  readonly names: readonly NativeMemory[];
  /** A buffer for another path there. */
  readonly scratch: NativeMemory;
  readonly flags: number;
  readonly kind: 'file' | 'folder' | 'link' | 'device';
  /** Whether it may stay as it is where it cannot be opened again. */
  readonly canStay: boolean;
  /** Whether it has lost its last name, or never had one. */
  readonly nameless: boolean;
  readonly device: bigint;
  /** Some file systems use all 64 bits of it. */
  readonly inode: bigint;
  /** Of a device, which one it is. */
  readonly deviceNumber: bigint;
  /** Whether it belongs to the user of this process. */
  readonly isOwn: boolean;
  /** Whether someone may execute it, or it has several names. */
  readonly isDelicate: boolean;
}

/** Execute permissions (inode(7)). */
const ANY_EXECUTE = 0o111n;

/**
 * Finds those among our descriptors that are to be opened again.
 *
 * @throws TrampfdError EXDEV for a descriptor of a kind that gives out files or memory of the outside, or may do so
 */
export function outsideFiles(descriptors: readonly number[]): readonly OutsideFile[] {
  return descriptors.flatMap((descriptor): readonly OutsideFile[] => {
    const facts = factsOf(descriptor);
    const found = descriptorKind(facts);
    if (found.kind === 'kept') return [];
    if (found.kind === 'refused') throw unsuitable(descriptor, `${facts.link}, ${found.reason}`);
    if (found.kind === 'queue') {
      const reason = queueRefusal(descriptor);
      if (reason !== undefined) throw unsuitable(descriptor, reason, 'send them when it runs, or ');
      return [];
    }
    const status = fstatSync(descriptor, { bigint: true });
    const { link } = facts;
    return [
      {
        descriptor,
        path: link,
        names: (found.kind === 'device' ? found.paths : [link]).map((path) => allocateString(asBytes(path))),
        scratch: allocate(64),
        flags: facts.flags & KEPT_FLAGS,
        kind: found.kind,
        canStay: found.kind === 'device' && found.canStay,
        nameless: found.kind !== 'device' && status.nlink === 0n,
        device: status.dev,
        inode: status.ino,
        deviceNumber: status.rdev,
        isOwn: [process.getuid?.(), process.geteuid?.()].includes(Number(status.uid)),
        isDelicate: (status.mode & ANY_EXECUTE) !== 0n || status.nlink !== 1n,
      },
    ];
  });
}

function unsuitable(descriptor: number, what: string, instead = ''): TrampfdError {
  return new TrampfdError(
    'EXDEV',
    `descriptor ${descriptor} is ${what}, so the program cannot have it under strict; ${instead}close it (${descriptor}<&-)`,
  );
}
