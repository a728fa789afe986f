/**
 * Probes on a child that waits: whether this process may read and write the memory of what it starts, and trace it
 * (process_vm_readv(2), process_vm_writev(2), ptrace(2)). Yama, a seccomp profile or another security module may forbid each.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { monotonic } from './clock.js';
import { close } from './descriptor.js';
import { allocate, allocateString, allocateStrings, native, negatedErrno } from './libc.js';
import { probeReading, probeWriting } from './memory.js';
import { StoppingThread } from './ptrace.js';
import { yieldProcessor } from './ptrace_request.js';
import { kill, signalNumbers } from './signal.js';

const libcPipe2 = native('int pipe2(uint64_t, int)');
const libcWaitpid = native('int waitpid(int, uint64_t, int)');
const posixSpawn = native('int posix_spawn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t)');
const actionsInit = native('int posix_spawn_file_actions_init(uint64_t)');
const actionsAddDup2 = native('int posix_spawn_file_actions_adddup2(uint64_t, int, int)');
const actionsAddOpen = native('int posix_spawn_file_actions_addopen(uint64_t, int, uint64_t, int, unsigned int)');

/** More than any C library's posix_spawn_file_actions_t has. */
const OPAQUE_SIZE = 1024;
const SHELL = '/bin/sh';

/** A child that reads from a pipe, and ends when the pipe does. */
export class WaitingChild implements Disposable {
  readonly processId: number;
  readonly #pipe: number;

  private constructor(processId: number, pipe: number) {
    this.processId = processId;
    this.#pipe = pipe;
  }

  /** Starts one; undefined where none can be started. */
  static start(): WaitingChild | undefined {
    const ends = allocate(8);
    if (negatedErrno(libcPipe2(ends.address, FCNTL.O_CLOEXEC)) < 0) return undefined;
    const [reading, writing] = [ends.view.getInt32(0, true), ends.view.getInt32(4, true)];
    const actions = allocate(OPAQUE_SIZE).address;
    const nowhere = allocateString('/dev/null').address;
    actionsInit(actions);
    actionsAddDup2(actions, reading, 0);
    for (const output of [1, 2]) actionsAddOpen(actions, output, nowhere, FCNTL.O_WRONLY, 0);
    const processId = allocate(4);
    const words = allocateStrings([SHELL, '-c', 'read -r line']).address;
    const failed = posixSpawn(
      processId.address,
      allocateString(SHELL).address,
      actions,
      0n,
      words,
      allocateStrings([]).address,
    );
    close(reading);
    if (failed === 0) return new WaitingChild(processId.view.getInt32(0, true), writing);
    close(writing);
    return undefined;
  }

  /** Ends the child, and takes its status. */
  [Symbol.dispose](): void {
    close(this.#pipe);
    kill(this.processId, signalNumbers['SIGKILL'] ?? 9);
    libcWaitpid(this.processId, 0n, 0);
  }
}

/** What this process may do to a process: 0, or a negated error number. */
export interface Access {
  readonly reads: number;
  readonly writes: number;
}

/** Where the stack of a process is, which is readable and writable; a negated error number where that is not known. */
function stackAddress(processId: number): bigint | number {
  try {
    const line = /^([0-9a-f]+)-[0-9a-f]+ rw.*\[stack\]$/m.exec(readFileSync(`/proc/${processId}/maps`, 'latin1'));
    return line === null ? -errnoNumbers.EFAULT : BigInt(`0x${line[1]}`);
  } catch {
    return -errnoNumbers.EACCES;
  }
}

/** Tries to read and to write the memory of a process. */
function accessTo(processId: number): Access {
  const stack = stackAddress(processId);
  if (typeof stack === 'number') return { reads: stack, writes: stack };
  return { reads: probeReading(processId, stack), writes: probeWriting(processId, stack) };
}

/**
 * How long a child may take until it has a stack and may be looked at, in milliseconds: posix_spawn(3) returns when execve(2)
 * has given up the old memory, and that is before the new one is complete. On a busy machine it may wait for a processor in
 * between, and has no memory at that address for as long: whoever is forbidden to look is told another error.
 */
const STARTING = { forbidden: 50, incomplete: 10_000 } as const;

/**
 * What a process may do to a child of its own, when it may be looked at.
 *
 * @param ask - tries it
 */
export function accessInTime(ask: () => Access, now: () => number = monotonic): Access {
  const began = now();
  for (;;) {
    const access = ask();
    const errors = [access.reads, access.writes].filter((result) => result < 0);
    if (errors.length === 0) return access;
    const isIncomplete = errors.every((result) => result === -errnoNumbers.EFAULT);
    if (now() - began > (isIncomplete ? STARTING.incomplete : STARTING.forbidden)) return access;
    yieldProcessor();
  }
}

/** What this process may do to a child of its own; undefined where none could be started. */
export function probeChildAccess(): Access | undefined {
  using child = WaitingChild.start();
  return child === undefined ? undefined : accessInTime(() => accessTo(child.processId));
}

/** Whether a child can be traced (ptrace(2), PTRACE_SEIZE); undefined where none could be started. */
export function probeChildTracing(): boolean | undefined {
  using child = WaitingChild.start();
  if (child === undefined) return undefined;
  accessInTime(() => accessTo(child.processId));
  const thread = StoppingThread.seize(child.processId);
  const stops = thread?.stopped() !== undefined;
  thread?.release();
  return stops;
}
