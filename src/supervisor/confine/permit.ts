/**
 * Permits single files to be executed, by a Landlock domain that permits no other (landlock(7)): then no execution has to
 * be looked at. Each file's headers are judged before; one that asks for executable memory cannot be permitted so, for the
 * kernel would give it what it asks for.
 *
 * The files lie on mounts that are read-only in the program's namespace, and are known to the kernel by their inodes.
 *
 * @module
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { AT_FDCWD, FCNTL } from '../../abi/fcntl.js';
import { LANDLOCK, LANDLOCK_PATH_BENEATH } from '../../abi/landlock.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocate, allocateShared, type NativeMemory } from '../../linux/libc.js';
import { HEADER_BYTES, judgeExecutable, mayHave } from '../../policy/executable.js';
import type { Policy } from '../../policy/kinds.js';
import { asBytes } from './trees.js';

/** Files in memory, at addresses that a held process finds too. */
export interface PreparedFiles {
  readonly files: readonly string[];
  /** Their paths, one behind the other, and where each begins. */
  readonly paths: NativeMemory;
  readonly offsets: readonly number[];
  /** What is read of each. */
  readonly starts: NativeMemory;
  /** A struct landlock_path_beneath_attr. */
  readonly rule: NativeMemory;
}

/** Writes paths to memory; before the process is started that it is for. */
export function prepareFiles(files: readonly string[]): PreparedFiles {
  const whole = asBytes(`${files.join('\0')}\0`);
  const paths = allocate(whole.length);
  paths.bytes.set(whole);
  let at = 0;
  const offsets = files.map(({ length }) => {
    const offset = at;
    at += length + 1;
    return offset;
  });
  return { files, paths, offsets, starts: allocateShared(files.length * HEADER_BYTES), rule: allocate(16) };
}

/** The number that the next descriptor of a held process gets: the lowest free one. */
function nextDescriptor(held: HeldProcess, { paths }: PreparedFiles): number {
  const [number = -1n] = held.callAll([
    { call: 'openat', arguments: [AT_FDCWD, paths.address, FCNTL.O_PATH | FCNTL.O_CLOEXEC] },
  ]);
  if (number >= 0n) held.call('close', number);
  return Number(number);
}

/** Bytes of a file that is the same in our own mounts; undefined where it has not as many. */
function readFrom(path: string, offset: number, length: number): Uint8Array | undefined {
  const file = openSync(asBytes(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const bytes = new Uint8Array(length);
    return readSync(file, bytes, 0, length, offset) === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** What came of it. */
export type Permission =
  /** The ruleset permits every file that could be judged. */
  | { readonly kind: 'permitted' }
  /** These files ask for executable memory, so that each execution has to be looked at. */
  | { readonly kind: 'not plain'; readonly files: readonly string[] }
  /** The kernel did not take a rule. */
  | { readonly kind: 'impossible' };

/**
 * Judges files, and adds a rule for each to a ruleset.
 *
 * @param held - with its mounts complete
 * @param policy - what a file may ask for
 * @param ruleset - its descriptor of a ruleset that handles LANDLOCK_ACCESS_FS_EXECUTE
 */
export function permitFiles(held: HeldProcess, prepared: PreparedFiles, ruleset: number, policy: Policy): Permission {
  const { files, paths, offsets, starts, rule } = prepared;
  const number = nextDescriptor(held, prepared);
  if (number < 0) return { kind: 'impossible' };
  rule.view.setBigUint64(LANDLOCK_PATH_BENEATH.allowed_access, BigInt(LANDLOCK.LANDLOCK_ACCESS_FS_EXECUTE), true);
  rule.view.setInt32(LANDLOCK_PATH_BENEATH.parent_fd, number, true);
  held.write(rule.address, rule.bytes);
  const flags = FCNTL.O_RDONLY | FCNTL.O_NONBLOCK | FCNTL.O_NOCTTY | FCNTL.O_CLOEXEC;
  // Each is opened, read, permitted and closed before the next is: they all get the same number. Were one not to be
  // permitted, the ruleset is not put in force.
  const calls: readonly HeldCall[] = [
    { call: 'openat', arguments: [AT_FDCWD, 0, flags, 0] },
    { call: 'pread64', arguments: [number, 0, HEADER_BYTES, 0] },
    { call: 'landlock_add_rule', arguments: [ruleset, LANDLOCK.LANDLOCK_RULE_PATH_BENEATH, rule.address, 0] },
    { call: 'close', arguments: [number] },
  ];
  const results = held.callRepeatedly(calls, files.length, (index, put) => {
    put(0, 1, paths.address + BigInt(offsets[index] ?? 0));
    put(1, 1, starts.address + BigInt(index * HEADER_BYTES));
  });
  const notPlain: string[] = [];
  for (const [index, path] of files.entries()) {
    const at = index * calls.length;
    const count = results[at + 1] ?? -1;
    // One that is gone, or not to be read, was not permitted either: nothing was open.
    if (results[at] !== number) continue;
    if (count < 0 || results[at + 2] !== 0) return { kind: 'impossible' };
    const start = starts.bytes.subarray(index * HEADER_BYTES, index * HEADER_BYTES + count);
    const kind = judgeExecutable(start, (offset, length) => readFrom(path, offset, length));
    if (!mayHave(policy, kind)) notPlain.push(path);
  }
  return notPlain.length === 0 ? { kind: 'permitted' } : { kind: 'not plain', files: notPlain };
}
