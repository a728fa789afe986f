/**
 * System calls that do not wait for longer than they are to, though the kernel has no time for them: a timer's signal ends
 * the wait (timer_create(2)).
 *
 * A signal is not enough where the kernel begins the call anew behind its handler (signal(7): SA_RESTART; of some calls it
 * does that always, as ptrace.c does of PTRACE_SEIZE). It then has the thread go back to the instruction of the call. So
 * the handler looks whether the thread stands at that instruction, and has it go on behind it, with EINTR as the result.
 * Nothing is lost between the two: a signal that comes just before the call has it not made, one that comes just behind it
 * finds the thread elsewhere, and the timer rings again.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { BellTimer, handleBell, hearing } from './bell.js';
import { type NativeFunction, nativeAt } from './libc.js';
import { mapCode } from './own_code.js';

/** The second highest real-time signal (signal(7)); the highest is the bell that threads wake each other by. */
const ALARM = 63;

/** Marks a thread that is about to make such a call, in r12: a number that nothing else has there by chance. */
const MARK = [0x5d, 0xa3, 0x17, 0x9e, 0xc4, 0x68, 0xf1, 0x3b] as const;

/**
 * A function of C with a system call's number and four arguments: `push %rbx; push %r12; mov %rdi,%rax; mov %rsi,%rdi;
 * mov %rdx,%rsi; mov %rcx,%rdx; mov %r8,%r10; lea 1f(%rip),%rbx; movabs $MARK,%r12; 1: syscall; pop %r12; pop %rbx; ret`.
 */
const CALL = [
  ...[0x53, 0x41, 0x54, 0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2],
  ...[0x48, 0x8d, 0x1d, 0x0a, 0x00, 0x00, 0x00, 0x49, 0xbc, ...MARK],
  ...[0x0f, 0x05, 0x41, 0x5c, 0x5b, 0xc3],
] as const;

/**
 * A signal handler, which is given the registers in rdx (struct ucontext_t): `movabs $MARK,%rax; cmp %rax,72(%rdx) [r12];
 * jne 1f; mov 128(%rdx),%rax [rbx]; cmp %rax,168(%rdx) [rip]; jne 1f; movq $-EINTR,144(%rdx) [rax];
 * addq $2,168(%rdx) [rip]; 1: ret`.
 */
const HANDLER = [
  ...[0x48, 0xb8, ...MARK, 0x48, 0x39, 0x42, 0x48, 0x75, 0x23],
  ...[0x48, 0x8b, 0x82, 0x80, 0x00, 0x00, 0x00, 0x48, 0x39, 0x82, 0xa8, 0x00, 0x00, 0x00, 0x75, 0x13],
  ...[0x48, 0xc7, 0x82, 0x90, 0x00, 0x00, 0x00, 0xfc, 0xff, 0xff, 0xff],
  ...[0x48, 0x83, 0x82, 0xa8, 0x00, 0x00, 0x00, 0x02, 0xc3],
] as const;

interface BoundedCalls {
  readonly call: NativeFunction;
  readonly timer: BellTimer;
}

let calls: BoundedCalls | undefined;

/** What such calls are made with. Each thread has its own; of their handlers, any serves all. */
function boundedCalls(): BoundedCalls | undefined {
  if (calls !== undefined) return calls;
  let code: bigint;
  try {
    code = mapCode(Uint8Array.from([...CALL, ...HANDLER]));
  } catch {
    return undefined;
  }
  const timer = BellTimer.create(ALARM);
  if (timer === undefined) return undefined;
  handleBell(ALARM, code + BigInt(CALL.length));
  const prototype = 'int64_t trampfd_bounded_call(int64_t, uint64_t, uint64_t, uint64_t, uint64_t)';
  calls = { call: nativeAt(code, prototype), timer };
  return calls;
}

/**
 * Makes ready what such calls need, before a program can use up what there is of timers.
 *
 * @returns whether they can be made
 */
export function prepareBounded(): boolean {
  return boundedCalls() !== undefined;
}

/**
 * Makes a system call of x86-64.
 *
 * @param milliseconds how long it may wait, less than a thousand; it may be a few more
 * @param values its arguments, four at most
 * @returns its result, or a negated error number: EINTR where it would wait longer; EAGAIN where it was not made, as the
 *   system has no timer left (RLIMIT_SIGPENDING), or permits no code for it
 */
export function callBounded(
  milliseconds: number,
  name: keyof (typeof syscallNumbers)['x86-64'] & SyscallName,
  values: readonly [(number | bigint)?, (number | bigint)?, (number | bigint)?, (number | bigint)?],
): number {
  const made = boundedCalls();
  if (made === undefined) return -errnoNumbers.EAGAIN;
  const [first = 0, second = 0, third = 0, fourth = 0] = values;
  made.timer.start(milliseconds);
  // At no other time does it meet the calling thread, whoever sends it.
  const result = hearing(ALARM, () => made.call(syscallNumbers['x86-64'][name], first, second, third, fourth));
  made.timer.stop();
  return Number(result);
}
