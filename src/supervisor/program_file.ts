/**
 * What the file asks for that a waiting execve(2) is about: an executable stack, or nothing of the kind.
 *
 * This is no judgement that protects: the file and its name can change until the kernel reads them. It finds the programs
 * whose trampolines are to be emulated, so that all others need not be looked at any closer.
 *
 * @module
 */
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { AT, AT_FDCWD } from '../abi/fcntl.js';
import { readString } from '../linux/memory.js';
import { type ExecutableKind, HEADER_BYTES, judgeExecutable } from '../policy/executable.js';
import { type CallContext, int32 } from './call.js';

/** Bytes of a path, at most (linux/limits.h: PATH_MAX, with the zero). */
const LONGEST_PATH = 4095;
const SLASH = '/'.charCodeAt(0);
/** Interpreters of interpreters, at most (fs/exec.c of the kernel). */
const DEEPEST = 5;
/** Files that are remembered; then all are forgotten. */
const MOST_REMEMBERED = 4096;

const ASCII = /^[ -~]*$/;
const MAY_BE_GONE = { throwIfNoEntry: false } as const;

/** What was found of a file. */
interface Found {
  readonly kind: ExecutableKind;
  /** The interpreter that a script's first line names. */
  readonly interpreter: string | undefined;
}

/** By the file's identity and times: a path is reached by another name for each process. */
const found = new Map<string, Found>();

function interpreterOf(start: Uint8Array): string | undefined {
  const line = /^#![ \t]*([^ \t\n]+)/.exec(Buffer.from(start.subarray(0, 256)).toString('latin1'));
  return line?.[1];
}

/** Which state of a file it is; undefined where there is none. */
function stateOf(path: string): string | undefined {
  try {
    const stats = statSync(ASCII.test(path) ? path : Buffer.from(path, 'latin1'), MAY_BE_GONE);
    // The kernel executes no other, and to open a device may do something.
    if (stats?.isFile() !== true) return undefined;
    return `${stats.dev} ${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.size}`;
  } catch {
    return undefined;
  }
}

/** What a file asks for, looked at when it is new or has changed: each execution asks. */
function look(path: string): Found | undefined {
  const state = stateOf(path);
  if (state === undefined) return undefined;
  const known = found.get(state);
  if (known !== undefined) return known;
  let file: number;
  try {
    file = openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const start = new Uint8Array(HEADER_BYTES);
    const length = readSync(file, start, 0, HEADER_BYTES, 0);
    const kind = judgeExecutable(start.subarray(0, length), (offset, wanted) => {
      const bytes = new Uint8Array(wanted);
      return readSync(file, bytes, 0, wanted, offset) === wanted ? bytes : undefined;
    });
    const one = { kind, interpreter: interpreterOf(start.subarray(0, length)) };
    if (found.size >= MOST_REMEMBERED) found.clear();
    found.set(state, one);
    return one;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** The path, as we reach it, of what a thread names; undefined where it names nothing that we can read. */
function pathFor({ notification, name }: CallContext): string | undefined {
  const { threadId, arguments: values } = notification;
  const isAt = name === 'execveat';
  const path = readString(threadId, values[isAt ? 1 : 0], LONGEST_PATH);
  if (path === undefined || path === 'too long') return undefined;
  const text = Buffer.from(path).toString('latin1');
  if (path[0] === SLASH) return `/proc/${threadId}/root${text}`;
  const folder = isAt ? int32(values[0]) | 0 : AT_FDCWD;
  if (path.length === 0) {
    return isAt && (int32(values[4]) & AT.AT_EMPTY_PATH) !== 0 ? `/proc/${threadId}/fd/${folder}` : undefined;
  }
  return folder === AT_FDCWD ? `/proc/${threadId}/cwd/${text}` : `/proc/${threadId}/fd/${folder}/${text}`;
}

/** Whether a file asks for a stack that is executable, or its interpreter does; `reach` says how the path of one is reached. */
function asks(first: string | undefined, reach: (interpreter: string) => string): boolean {
  let path = first;
  for (let depth = 0; path !== undefined && depth < DEEPEST; depth++) {
    const file = look(path);
    if (file === undefined) return false;
    if (file.interpreter === undefined) return file.kind === 'executable stack' || file.kind === 'executable memory';
    path = reach(file.interpreter);
  }
  return false;
}

/** Whether the program that a thread wants to execute asks for a stack, or for more, that is executable. */
export function asksForExecutableStack(context: CallContext): boolean {
  const { threadId } = context.notification;
  const reach = (interpreter: string): string =>
    `/proc/${threadId}/${interpreter.startsWith('/') ? 'root' : 'cwd/'}${interpreter}`;
  return asks(pathFor(context), reach);
}

/** The same of a file of this process's own mounts, by its path. */
export function fileAsksForExecutableStack(path: Uint8Array): boolean {
  return asks(Buffer.from(path).toString('latin1'), (interpreter) => interpreter);
}
