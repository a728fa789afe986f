/**
 * The requests of ptrace(2).
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { PTRACE, PTRACE_DISPATCH } from '../abi/ptrace.js';
import { TrampfdError } from '../error.js';
import { callBounded } from './bounded_call.js';
import { native, negatedErrno } from './libc.js';
import { processOf } from './proc.js';
import { kill, signalNumbers } from './signal.js';

const schedYield = native('int sched_yield()');
const libcUsleep = native('int usleep(unsigned int)');

/** Lets others run on this processor (sched_yield(2)). */
export function yieldProcessor(): void {
  schedYield();
}

/** Sleeps for so many microseconds, or until a signal comes (usleep(3)). */
export function pause(microseconds: number): void {
  libcUsleep(microseconds);
}

const libcPtrace = native('long ptrace(long, long, uint64_t, uint64_t)');

const REQUESTS: typeof PTRACE & typeof PTRACE_DISPATCH = { ...PTRACE, ...PTRACE_DISPATCH };

/** A request of ptrace(2). */
export type PtraceRequest = keyof typeof REQUESTS;

/** Requests that only a thread which has ended, or does not stand still, may fail: with ESRCH. */
const OBEYED: ReadonlySet<PtraceRequest> = new Set([
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
export function ptrace(request: PtraceRequest, threadId: number, address = 0n, data = 0n): number {
  const result = negatedErrno(libcPtrace(REQUESTS[request], threadId, address, data));
  if (result < 0 && result !== -errnoNumbers.ESRCH && OBEYED.has(request)) lose(threadId, request, -result);
  return result;
}

/**
 * Whether ptrace(2) itself is refused to this process, by a seccomp filter around it: 0, or a negated error number. It is
 * asked about the thread 0, which is none, as the kernel says where the call comes to it.
 */
export function ptraceRefusal(): number {
  const result = negatedErrno(libcPtrace(REQUESTS.PTRACE_SEIZE, 0, 0n, 0n));
  return result === -errnoNumbers.ESRCH ? 0 : result;
}

/** Ends the process of a thread that a request has failed on, but for this process (a rehearsal asks it), and fails. */
export function lose(threadId: number, request: PtraceRequest, errno: number): never {
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
