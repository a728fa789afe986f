/**
 * Whether a program may get a stack, or other memory, that is writable and executable because its file asks for that, or its
 * interpreter's does: asked before execve(2), by the path that the call names.
 *
 * The file and its name can change until the kernel reads them, so this finds the programs that are to be looked at before
 * their first instruction; all others need not be. What cannot be told, for the path or the file cannot be read, counts as
 * a program that asks.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { fileIdentity } from '../linux/descriptor.js';
import { isTooMany, Late, promptly } from '../linux/late_call.js';
import { type OpenFile, openProgramFile, programFileStatus } from '../linux/program_files.js';
import { candidatePaths } from '../linux/search_path.js';
import { fieldOf, statusOf } from '../linux/status.js';
import { type ExecutableKind, HEADER_BYTES, judgeExecutable, mayHave } from '../policy/executable.js';
import type { Policy } from '../policy/kinds.js';
import type { CallContext } from './call.js';
import { executedPath } from './program_path.js';

/** Interpreters of interpreters, at most (fs/exec.c of the kernel). */
const DEEPEST = 5;
/** Files that are remembered; then all are forgotten. */
const MOST_REMEMBERED = 4096;

/** Error numbers that say that there is no such file. */
const ABSENT: ReadonlySet<number> = new Set([-errnoNumbers.ENOENT, -errnoNumbers.ENOTDIR]);

/** What was found of a file. */
interface Found {
  readonly kind: ExecutableKind;
  /** The interpreter that a script's first line names. */
  readonly interpreter: string | undefined;
}

/** A file that cannot be told of. */
const UNKNOWN: Found = { kind: 'unknown', interpreter: undefined };

/** By the file's identity and times: a path is reached by another name for each process. */
const found = new Map<string, Found>();

function interpreterOf(start: Uint8Array): string | undefined {
  const line = /^#![ \t]*([^ \t\n]+)/.exec(Buffer.from(start.subarray(0, 256)).toString('latin1'));
  return line?.[1];
}

/**
 * What a file asks for; `none` where there is no file that the kernel would execute.
 *
 * @param isOurReach - whether who executes it comes to no file that this process does not come to
 * @param threadId - of who executes it
 */
function look(path: string, isOurReach: boolean, threadId: number): Found | 'none' {
  // Its file server may be one that does not answer, and is waited for by who executes it alone.
  return promptly(() => lookInTime(path, isOurReach, threadId), UNKNOWN);
}

function lookInTime(path: string, isOurReach: boolean, threadId: number): Found | 'none' {
  const status = programFileStatus(path, threadId);
  if (typeof status === 'number') {
    const isNone = ABSENT.has(status) || (isOurReach && status === -errnoNumbers.EACCES);
    return isNone ? 'none' : UNKNOWN;
  }
  // The kernel executes no other, and to open a device may do something.
  if (!status.isFile) return 'none';
  // Which state of it: it is looked at when it is new or has changed, for each execution asks.
  const { state } = status;
  const known = found.get(state);
  if (known !== undefined) return known;
  const file = openProgramFile(path, threadId);
  if (typeof file === 'number') return UNKNOWN;
  using _ = file;
  const one = lookInto(file, status.size);
  if (found.size >= MOST_REMEMBERED) found.clear();
  found.set(state, one);
  return one;
}

function lookInto(file: OpenFile, size: number): Found {
  try {
    const start = file.read(0, HEADER_BYTES);
    if (start.length < Math.min(size, HEADER_BYTES)) return UNKNOWN;
    const kind = judgeExecutable(start, (offset, wanted) => {
      const bytes = file.read(offset, wanted);
      return bytes.length === wanted ? bytes : undefined;
    });
    return { kind, interpreter: interpreterOf(start) };
  } catch (error) {
    if (error instanceof Late || isTooMany(error)) throw error;
    return UNKNOWN;
  }
}

/** Our own root folder, as {@link sharesRoot} compares it. */
const ownRoot: string | undefined = rootOf('self');

function rootOf(threadId: number | 'self'): string | undefined {
  const identity = fileIdentity(`/proc/${threadId}/root`);
  return typeof identity === 'number' ? undefined : `${identity.device} ${identity.inode}`;
}

/** Whether a thread's paths can be followed from here: links in them that begin at a root begin at ours. */
function sharesRoot(threadId: number): boolean {
  return ownRoot !== undefined && rootOf(threadId) === ownRoot;
}

/** The fields of /proc/ID/status that say which folders a thread may search. */
const RIGHTS = ['Uid', 'Gid', 'Groups', 'CapEff'] as const;

/** Whether a thread may search the folders that this process may search, and no other. */
function hasOurRights(threadId: number): boolean {
  const theirs = statusOf(threadId);
  const ours = statusOf('self');
  if (theirs === undefined || ours === undefined) return false;
  return RIGHTS.every((name) => fieldOf(theirs, name) === fieldOf(ours, name));
}

/** Whether what a file asks for has to be looked at. */
type IsAsking = (kind: ExecutableKind) => boolean;

const isNotPlain: IsAsking = (kind) => kind !== 'plain';

/** Whether a file that is executed may ask for memory that is executable; `reach` says how the path of an interpreter is reached. */
function mayAsk(
  first: string,
  threadId: number,
  isAsking: IsAsking,
  isOurReach: () => boolean,
  reach: (interpreter: string) => string,
): boolean {
  let path = first;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const seen = look(path, false, threadId);
    const file = seen === UNKNOWN && isOurReach() ? look(path, true, threadId) : seen;
    if (file === 'none') return false;
    if (file.interpreter === undefined) return isAsking(file.kind);
    path = reach(file.interpreter);
  }
  // The kernel refuses these (ELOOP).
  return false;
}

/** Whether a program that a thread wants to execute may ask for what is to be looked at. */
function executionMayAsk({ notification, name }: CallContext, isAsking: IsAsking): boolean {
  const { threadId } = notification;
  const path = executedPath(notification, name);
  if (path === undefined || !sharesRoot(threadId)) return true;
  return mayAsk(
    path,
    threadId,
    isAsking,
    () => hasOurRights(threadId),
    (interpreter) => `/proc/${threadId}/${interpreter.startsWith('/') ? 'root' : 'cwd/'}${interpreter}`,
  );
}

/** Whether the program that a thread wants to execute may ask for a stack, or for more, that is executable. */
export function mayAskForExecutableStack(context: CallContext): boolean {
  return executionMayAsk(context, isNotPlain);
}

/** The same of a program of this process's own mounts, by its path or its name in PATH: of every file that it may be. */
export function programMayAskForExecutableStack(program: Uint8Array): boolean {
  return programMayAsk(program, isNotPlain) !== undefined;
}

/** The file that it may be, and that may ask for what is to be looked at. */
function programMayAsk(program: Uint8Array, isAsking: IsAsking): string | undefined {
  return candidatePaths(program)
    .map((path) => Buffer.from(path).toString('latin1'))
    .find((path) =>
      mayAsk(
        path,
        process.pid,
        isAsking,
        () => true,
        (interpreter) => interpreter,
      ),
    );
}

/**
 * Whether the program that a thread wants to execute may ask for memory that a policy gives nobody, or cannot be told of: for
 * where no program can be looked at before it runs.
 */
export function mayAskForMore(context: CallContext): boolean {
  const { policy } = context.supervision;
  return executionMayAsk(context, (kind) => !mayHave(policy, kind));
}

/** The same of a program of this process's own mounts: the file that may ask. */
export function programAskingForMore(program: Uint8Array, policy: Policy): string | undefined {
  return programMayAsk(program, (kind) => !mayHave(policy, kind));
}
