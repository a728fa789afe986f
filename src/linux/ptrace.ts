/**
 * Tracing: ptrace(2), as far as it takes to have a thread that waits in a system call make another one behind it.
 *
 * Stops are not waited for with waitpid(2): another thread of this process waits for children, and it would be chance
 * which of the two is told. A request fails with ESRCH until the thread has stopped, so it is asked again.
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { PTRACE, PTRACE_STOP, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import { ownThreadId } from './bell.js';
import { callBounded } from './bounded_call.js';
import { allocate, native, negatedErrno } from './libc.js';
import { hasEnded, processOf, tracerOf } from './proc.js';
import { kill, signalNumbers } from './signal.js';
import { hasExecuteStop, takeEnd } from './wait.js';

const schedYield = native('int sched_yield()');

/** Lets others run on this processor (sched_yield(2)). */
export function yieldProcessor(): void {
  schedYield();
}

const libcPtrace = native('long ptrace(long, long, uint64_t, uint64_t)');

const registers = allocate(USER_REGS.size);
const before = allocate(USER_REGS.size);
const signals = allocate(SIGSET_SIZE);
const everySignal = allocate(SIGSET_SIZE);
everySignal.bytes.fill(0xff);
/** struct ptrace_syscall_info; its first byte is the kind of the stop. */
const stopInfo = allocate(128);

/** Requests that only a thread which has ended, or does not stand still, may fail: with ESRCH. */
const OBEYED: ReadonlySet<keyof typeof PTRACE> = new Set([
  'PTRACE_GETREGS',
  'PTRACE_SETREGS',
  'PTRACE_GETSIGMASK',
  'PTRACE_SETSIGMASK',
  'PTRACE_GETEVENTMSG',
  'PTRACE_GET_SYSCALL_INFO',
  'PTRACE_SYSCALL',
  'PTRACE_CONT',
  'PTRACE_LISTEN',
  'PTRACE_INTERRUPT',
  'PTRACE_DETACH',
]);

/**
 * ptrace(2): a result, or a negated error number.
 *
 * @throws TrampfdError ERR_TRAMPFD_LOST where a thread cannot be controlled any more, for another reason than that it has
 *   ended; it is killed, for it may stand still, or have registers that are not its own
 */
export function ptrace(request: keyof typeof PTRACE, threadId: number, address = 0n, data = 0n): number {
  const result = negatedErrno(libcPtrace(PTRACE[request], threadId, address, data));
  if (result < 0 && result !== -errnoNumbers.ESRCH && OBEYED.has(request)) lose(threadId, request, -result);
  return result;
}

/** Ends the process of a thread that a request has failed on, but for this process (a rehearsal asks it), and fails. */
export function lose(threadId: number, request: keyof typeof PTRACE, errno: number): never {
  const processId = processOf(threadId) ?? threadId;
  if (processId !== process.pid) kill(threadId, signalNumbers['SIGKILL'] ?? 9);
  const why = `process ${processId} cannot be controlled any more, and was ended (${request}: ${errnoName(errno)})`;
  throw new TrampfdError('ERR_TRAMPFD_LOST', why, { syscall: 'ptrace', errno });
}

/** How long the kernel may wait until it lets a thread be traced, in milliseconds. Else it takes microseconds. */
const LONGEST_SEIZE = 2;

/**
 * Begins to trace a thread (PTRACE_SEIZE).
 *
 * Nobody can trace a thread while another one of its process executes a program (execve(2)), and the kernel waits for that
 * to be over (ptrace.c: cred_guard_mutex). It may take as long as a file system does. And who executes waits for the end
 * of all other threads of its process, and the end of one that is traced is over when its tracer has taken it: a tracer
 * that waits for the one would be waited for by the other. So nobody waits for long here, and is to take what ends have
 * been told before he tries again.
 *
 * @param options PTRACE_O_*
 * @returns 0 or a negated error number; EINTR where a thread of its process executes a program
 */
export function seize(threadId: number, options: number): number {
  return callBounded(LONGEST_SEIZE, 'ptrace', [PTRACE.PTRACE_SEIZE, threadId, 0, options]);
}

/** The registers of a system call's arguments. */
export const ARGUMENTS = {
  'x86-64': ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'],
  i386: ['rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp'],
} as const;

/** Whether a system call's result is a negated error number: the highest addresses are none. */
export function isError(result: bigint): boolean {
  return result < 0n && result >= -4095n;
}

/** The kinds of a stop. */
export type Stop = 'other' | 'entry' | 'exit';

/** Waits until a traced thread stops; undefined where it is gone. Every stop here comes within microseconds. */
export function nextStop(threadId: number): Stop | undefined {
  for (let asked = 1; ; asked++) {
    const size = ptrace('PTRACE_GET_SYSCALL_INFO', threadId, BigInt(stopInfo.bytes.length), stopInfo.address);
    if (size >= 0) {
      switch (stopInfo.bytes[0]) {
        case PTRACE_STOP.PTRACE_SYSCALL_INFO_ENTRY:
          return 'entry';
        case PTRACE_STOP.PTRACE_SYSCALL_INFO_EXIT:
          return 'exit';
        default:
          return 'other';
      }
    }
    if (size !== -errnoNumbers.ESRCH) return undefined;
    // A thread that was killed never stops.
    if (asked % 256 === 0 && (hasEnded(threadId) || isReplaced(threadId))) return undefined;
    // An answer wakes the thread on this processor (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP), where it needs room to run.
    schedYield();
  }
}

/**
 * Whether an id that the calling thread has traced by is another thread's now: execve(2) gives a thread the id of its
 * process, whose first thread is gone then without a word. Where the other one is traced too, the kernel obeys no request
 * before its stop was told (ptrace.c: looks_like_a_spurious_pid).
 */
export function isReplaced(threadId: number): boolean {
  const tracer = tracerOf(threadId);
  return (tracer !== undefined && tracer !== ownThreadId()) || (hasExecuteStop(threadId) && !stoppedNow(threadId));
}

/** Whether a traced thread stands in a stop now; it may take as long as that thread's way into one. */
export function stoppedNow(threadId: number): boolean {
  const length = BigInt(stopInfo.bytes.length);
  return ptrace('PTRACE_GET_SYSCALL_INFO', threadId, length, stopInfo.address) >= 0;
}

/**
 * Traces a thread that waits in execve(2), so that it stops before it goes on: in the call, when it has executed a program
 * (PTRACE_EVENT_EXEC; a stop behind the call that was asked for before is lost where a process had several threads), or
 * behind it, when that has failed. It is killed where the tracer ends before that.
 *
 * @returns 0 or a negated error number, as {@link seize} gives it
 */
export function seizeForStop(threadId: number): number {
  const { PTRACE_O_TRACESYSGOOD, PTRACE_O_TRACEEXEC, PTRACE_O_EXITKILL } = PTRACE_STOP;
  const result = seize(threadId, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  if (result === 0) ptrace('PTRACE_INTERRUPT', threadId);
  return result;
}

/** A thread that will stop when its system call is done, and can be made to make others there: {@link StoppingThread}. */
export interface ThreadBehindCall {
  readonly stopped: () => bigint | undefined;
  readonly call: (entry: Entry, name: SyscallName, values: readonly bigint[]) => bigint | undefined;
  readonly release: (result?: bigint) => void;
}

/** How often it is tried to trace one whose process executes a program. Mostly that ends it, or fails, in the first try. */
const MOST_TRIES = 10;

/** A thread that is traced and will stop when its system call is done. */
export class StoppingThread implements ThreadBehindCall {
  readonly #threadId: number;
  #stopped = false;

  private constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /**
   * Traces a thread that waits for the answer to its system call. It stops behind the call, before the program goes on.
   * The wait itself must be one that only a kill ends (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV).
   *
   * @param isKilledWithTracer whether the thread is killed where the tracer ends before it is released
   * @returns undefined where it cannot be traced: another tracer has it, the system forbids it, or another thread of its
   *   process executes a program, and takes long
   */
  static seize(threadId: number, isKilledWithTracer = false): StoppingThread | undefined {
    const { PTRACE_O_TRACESYSGOOD, PTRACE_O_EXITKILL } = PTRACE_STOP;
    const options = PTRACE_O_TRACESYSGOOD | (isKilledWithTracer ? PTRACE_O_EXITKILL : 0);
    for (let tries = 1; ; tries++) {
      const result = seize(threadId, options);
      if (result === 0) break;
      if (result !== -errnoNumbers.EINTR || tries === MOST_TRIES) return undefined;
    }
    ptrace('PTRACE_INTERRUPT', threadId);
    return new StoppingThread(threadId);
  }

  /** The same of a thread that the calling one traces already; it is to be {@link StoppingThread.resume}d. */
  static interrupt(threadId: number): StoppingThread | undefined {
    return ptrace('PTRACE_INTERRUPT', threadId) < 0 ? undefined : new StoppingThread(threadId);
  }

  /**
   * Waits until the system call is done.
   *
   * @returns its result, or undefined where the thread is gone
   */
  stopped(): bigint | undefined {
    const threadId = this.#threadId;
    if (nextStop(threadId) === undefined) return undefined;
    if (ptrace('PTRACE_GETREGS', threadId, 0n, before.address) < 0) return undefined;
    // A signal that comes now would be handled with the registers of a call that is not the program's.
    ptrace('PTRACE_GETSIGMASK', threadId, BigInt(SIGSET_SIZE), signals.address);
    ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), everySignal.address);
    this.#stopped = true;
    return BigInt.asIntN(64, before.view.getBigUint64(USER_REGS.rax, true));
  }

  /**
   * Has the thread make a system call, once it has stopped. No filter may have that call notified: whoever would have to
   * answer is waiting here.
   *
   * @param entry how the thread's own call entered the kernel; this one enters in the same way, by the same instruction
   * @returns its result, error numbers negated; undefined where the thread is gone
   */
  call(entry: Entry, name: SyscallName, values: readonly bigint[]): bigint | undefined {
    const result = this.#call(entry, syscallNumber(entry, name) ?? -1, values);
    if (result === undefined || entry === 'x86-64') return result;
    const narrow = BigInt.asIntN(32, result);
    return isError(narrow) ? narrow : BigInt.asUintN(32, result);
  }

  /**
   * Lets the thread go on, untraced, with the registers as its own call has left them.
   *
   * @param result what its call gives instead of its own result
   */
  release(result?: bigint): void {
    const threadId = this.#threadId;
    this.#restore(result);
    // One that was killed is let go when it has ended, so that its process can be waited for.
    const processId = processOf(threadId) ?? threadId;
    while (ptrace('PTRACE_DETACH', threadId) < 0) {
      if (hasEnded(threadId) ? takeEnd(threadId, processId) : isReplaced(threadId)) return;
      schedYield();
    }
  }

  /**
   * Lets the thread go on as {@link StoppingThread.release} does, but traced.
   *
   * @param result what its call gives instead of its own result
   */
  resume(result?: bigint): void {
    this.#restore(result);
    ptrace('PTRACE_CONT', this.#threadId);
  }

  /** The same with other registers than it had: all of struct user_regs_struct. */
  resumeWith(registers: Uint8Array): void {
    before.bytes.set(registers);
    this.#restore(undefined);
    ptrace('PTRACE_CONT', this.#threadId);
  }

  /** Gives the thread the registers and signals back that it had. */
  #restore(result: bigint | undefined): void {
    if (!this.#stopped) return;
    const threadId = this.#threadId;
    // No call is under way any more that the kernel could think of making again.
    before.view.setBigUint64(USER_REGS.orig_rax, BigInt.asUintN(64, -1n), true);
    if (result !== undefined) before.view.setBigUint64(USER_REGS.rax, BigInt.asUintN(64, result), true);
    ptrace('PTRACE_SETREGS', threadId, 0n, before.address);
    ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), signals.address);
  }

  /** Goes back to the instruction of the call with other registers, and waits until it is through. */
  #call(entry: Entry, number: number, values: readonly bigint[]): bigint | undefined {
    const threadId = this.#threadId;
    const { view, bytes } = registers;
    bytes.set(before.bytes);
    const put = (field: Exclude<keyof typeof USER_REGS, 'size'>, value: bigint): void => {
      view.setBigUint64(USER_REGS[field], BigInt.asUintN(64, value), true);
    };
    for (const [index, value] of values.entries()) put(ARGUMENTS[entry][index] ?? 'rax', value);
    put('rax', BigInt(number));
    put('orig_rax', -1n);
    // SYSCALL and INT 0x80 are two bytes long each. Behind SYSENTER the kernel returns to where an INT 0x80 stands too.
    put('rip', view.getBigUint64(USER_REGS.rip, true) - 2n);
    ptrace('PTRACE_SETREGS', threadId, 0n, registers.address);
    // Past stops that are not ours (a SIGSTOP that came meanwhile) to the call's entry, and to its exit.
    for (let stop: Stop | undefined = 'other'; stop !== 'exit'; ) {
      ptrace('PTRACE_SYSCALL', threadId);
      stop = nextStop(threadId);
      if (stop === undefined) return undefined;
    }
    ptrace('PTRACE_GETREGS', threadId, 0n, registers.address);
    return BigInt.asIntN(64, view.getBigUint64(USER_REGS.rax, true));
  }
}
