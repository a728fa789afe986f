/**
 * A thread under a seccomp filter, and programs started from it: seccomp(2), prctl(2), execvp(3).
 *
 * A filter belongs to the thread that installs it and to what that thread starts. The thread used here is one of libuv's
 * pool: no JavaScript ever runs on it, so that a filter that refuses executable memory cannot meet V8, which asks for
 * some whenever a function becomes hot, and dies when it is refused. The thread ends by exit(2) of its own right after
 * the start: the filter's last users are then the programs alone, and the listener tells when they are gone.
 *
 * @module
 */
import { accessSync } from 'node:fs';
import { type ErrnoName, errnoName, errnoNumbers } from '../abi/errno.js';
import { SOCK_FILTER_SIZE } from '../abi/filter.js';
import { PRCTL, type RLIMIT } from '../abi/process.js';
import { SECCOMP } from '../abi/seccomp.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import {
  allocate,
  allocateString,
  allocateStrings,
  type NativeFunction,
  type NativeValue,
  native,
  onPoolThread,
  readInt,
} from './libc.js';
import type { ResourceLimit } from './process.js';
import { candidatePaths } from './search_path.js';
import { type ChildSettings, type Execution, SpawnList } from './spawn.js';

const errnoLocation = native('uint64_t __errno_location()');
const gettid = native('int gettid()');
const libcSyscall = native('long syscall(long, long, long, uint64_t)');
const libcPrctl = native('int prctl(int, ulong, ulong, ulong, ulong)');
const libcWaitpid = native('int waitpid(int, uint64_t, int)');

/** What a program is started with. */
export interface SpawnRequest {
  /** Name or path, looked up in PATH as execvp(3) does. */
  readonly program: Uint8Array;
  /** Its argument vector, from argv[0] on. */
  readonly arguments: readonly Uint8Array[];
  /** Its environment, `NAME=value` each, as bytes. */
  readonly environment: readonly Uint8Array[];
  /** Signals that get their default disposition: bit N - 1 for signal N. */
  readonly defaultSignals: bigint;
  /** Signals that it starts with blocked, in the same form. */
  readonly blockedSignals: bigint;
  /** Descriptors that are open here and must be closed there. */
  readonly closedDescriptors: readonly number[];
  /** A descriptor of the folder that it starts in, where that is not this process's. */
  readonly folder?: number | undefined;
  /** Limits that it gets, where they are not this process's. */
  readonly limits: ReadonlyMap<keyof typeof RLIMIT, ResourceLimit>;
}

/** A filter's flags as the kernel took them. */
export interface InstalledFilter {
  /** The listener's descriptor. */
  readonly listener: number;
  /** Whether a caller whose call was received can only be killed, not interrupted (Linux 5.19). */
  readonly waitsKillable: boolean;
  /** Whether no_new_privs had to be set: without privilege the kernel demands it. */
  readonly noNewPrivileges: boolean;
}

/** Whether there is surely no file of a name. */
function isAbsent(path: Uint8Array): boolean {
  try {
    accessSync(Buffer.from(path));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** One thread of libuv's pool that takes a filter and starts programs under it. */
export class FilteredThread implements Disposable {
  readonly #threadId: number;
  /** Where this thread keeps errno. */
  readonly #errnoAddress: bigint;
  #retired = false;

  private constructor(threadId: number, errnoAddress: bigint) {
    this.#threadId = threadId;
    this.#errnoAddress = errnoAddress;
  }

  /**
   * Takes the pool's one thread.
   *
   * @throws TrampfdError ERR_TRAMPFD_POOL where the pool has more than one thread: two calls must run on the same
   */
  static async start(): Promise<FilteredThread> {
    // Read by libuv when the pool starts, at its first use.
    process.env['UV_THREADPOOL_SIZE'] = '1';
    const threadId = Number(await onPoolThread(gettid));
    const address = BigInt(await onPoolThread(errnoLocation));
    if (Number(await onPoolThread(gettid)) !== threadId) {
      throw new TrampfdError(
        'ERR_TRAMPFD_POOL',
        'filter: the thread pool has several threads; start Node.js with UV_THREADPOOL_SIZE=1',
      );
    }
    return new FilteredThread(threadId, address);
  }

  /** Calls a native function on the thread: its result, or the negated error number of the thread. */
  async #call(target: NativeFunction, ...values: NativeValue[]): Promise<number> {
    const result = Number(await onPoolThread(target, ...values));
    return result === -1 ? -readInt(this.#errnoAddress) : result;
  }

  /**
   * Installs a filter with a listener on the thread.
   *
   * @param program - struct sock_filter instructions
   * @throws TrampfdError EBUSY where a filter with a listener is there already, EINVAL where the kernel does not know
   * user notification or the program, EACCES where it may not be installed
   */
  async install(program: Uint8Array): Promise<InstalledFilter> {
    const instructions = allocate(program.length);
    instructions.bytes.set(program);
    const header = allocate(16);
    header.view.setUint16(0, program.length / SOCK_FILTER_SIZE, true);
    header.view.setBigUint64(8, instructions.address, true);

    // Seccomp must not slow a target down by the speculation controls that it had before Linux 5.16: it is no sandbox
    // against side channels here.
    const flags = SECCOMP.SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    const load = (extra: number): Promise<number> =>
      this.#call(
        libcSyscall,
        syscallNumbers['x86-64'].seccomp,
        SECCOMP.SECCOMP_SET_MODE_FILTER,
        flags | extra,
        header.address,
      );

    let waitsKillable = true;
    let noNewPrivileges = false;
    let listener: number;
    for (;;) {
      listener = await load(waitsKillable ? SECCOMP.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0);
      // An older kernel looks at the flags before it looks at the caller's privilege: each may have to be given up.
      if (listener === -errnoNumbers.EINVAL && waitsKillable) waitsKillable = false;
      else if (listener === -errnoNumbers.EACCES && !noNewPrivileges) {
        noNewPrivileges = true;
        await this.#call(libcPrctl, PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      } else break;
    }
    if (listener < 0) throw filterError(-listener);
    return { listener, waitsKillable, noNewPrivileges };
  }

  /**
   * Starts a program from the thread, as execvp(3) would find it.
   *
   * @param listener - our descriptor of the filter's listener, which the program's process is not to hold
   * @returns the child's process id, or the negated error number of its execve(2)
   */
  async spawn(request: SpawnRequest, listener: number): Promise<number> {
    const settings: ChildSettings = {
      closed: [listener, ...request.closedDescriptors],
      defaultSignals: request.defaultSignals,
      blockedSignals: request.blockedSignals,
      folder: request.folder,
      limits: request.limits,
    };
    const environment = allocateStrings(request.environment).address;
    const execute = (path: Uint8Array | string, words: readonly (Uint8Array | string)[]): Promise<number> =>
      this.#execute(settings, {
        path: allocateString(path).address,
        words: allocateStrings(words).address,
        environment,
      });
    const candidates = candidatePaths(request.program);
    const isPath = candidates.length === 1;
    let refused = 0;
    for (const path of candidates) {
      // Most folders of PATH do not have it, and a child for each would take longer than to look.
      if (!isPath && isAbsent(path)) continue;
      const result = await execute(path, request.arguments);
      if (isPath && result !== -errnoNumbers.ENOEXEC) return result;
      switch (-result) {
        case errnoNumbers.EACCES:
          refused = result;
          continue;
        case errnoNumbers.ENOENT:
        case errnoNumbers.ENOTDIR:
          continue;
        case errnoNumbers.ENOEXEC:
          // A script without a first line that names its interpreter.
          return execute('/bin/sh', ['/bin/sh', path, ...request.arguments.slice(1)]);
        default:
          return result;
      }
    }
    return refused === 0 ? -errnoNumbers.ENOENT : refused;
  }

  /** Makes a child that executes a program; its process id, or a negated error number. */
  async #execute(settings: ChildSettings, execution: Execution): Promise<number> {
    const list = new SpawnList(settings, execution);
    await onPoolThread(list.function, list.address);
    const { result, childId } = list;
    // It has ended, and is nobody's program.
    if (result < 0 && childId > 0) libcWaitpid(childId, 0n, 0);
    return result;
  }

  /** Ends the thread, and with it its use of the filter. The pool has no thread from then on. */
  [Symbol.dispose](): void {
    if (this.#retired) return;
    this.#retired = true;
    libcSyscall.async(syscallNumbers['x86-64'].exit, 0, 0, 0n, () => {});
  }

  /** The thread's id. */
  get threadId(): number {
    return this.#threadId;
  }
}

/** The sentence for a filter that the kernel did not take. */
export function filterError(errno: number): TrampfdError {
  const name = errnoName(errno) as ErrnoName;
  const details = { syscall: 'seccomp', errno };
  switch (name) {
    case 'EBUSY':
      return new TrampfdError(
        name,
        'a seccomp listener is already in place for this process (trampfd inside trampfd, or a container whose seccomp ' +
          'profile has one), and the kernel allows one per task: start the program outside of it',
        details,
      );
    case 'EINVAL':
      return new TrampfdError(
        name,
        'this kernel does not take a seccomp filter with a listener (Linux 5.5 and CONFIG_SECCOMP_FILTER are needed): ' +
          "'trampfd doctor' says what it has",
        details,
      );
    case 'ENOSYS':
      return new TrampfdError(
        name,
        "this kernel has no seccomp(2), or a sandbox hides it: 'trampfd doctor' says what it has",
        details,
      );
    default:
      return new TrampfdError(
        name,
        `the kernel refused the seccomp filter (${name}): a sandbox around this process may forbid it; ` +
          "'trampfd doctor' says what it has",
        details,
      );
  }
}
