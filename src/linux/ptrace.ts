/**
 * Tracing: ptrace(2), as far as it takes to have a thread that waits in a system call make another one behind it.
 *
 * Stops are not waited for with waitpid(2): another thread of this process waits for children, and it would be chance
 * which of the two is told. A request fails with ESRCH until the thread has stopped, so it is asked again.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { PTRACE, PTRACE_STOP, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { allocate, native, negatedErrno } from './libc.js';
import { hasEnded } from './proc.js';

const libcPtrace = native('long ptrace(long, long, uint64_t, uint64_t)');

const registers = allocate(USER_REGS.size);
const before = allocate(USER_REGS.size);
const signals = allocate(SIGSET_SIZE);
const everySignal = allocate(SIGSET_SIZE);
everySignal.bytes.fill(0xff);
/** struct ptrace_syscall_info; its first byte is the kind of the stop. */
const stopInfo = allocate(128);

function ptrace(request: keyof typeof PTRACE, threadId: number, address = 0n, data = 0n): number {
  return negatedErrno(libcPtrace(PTRACE[request], threadId, address, data));
}

/** The kinds of a stop. */
type Stop = 'other' | 'entry' | 'exit';

/** Waits until a traced thread stops; undefined where it is gone. Every stop here comes within microseconds. */
function nextStop(threadId: number): Stop | undefined {
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
    if (asked % 256 === 0 && hasEnded(threadId)) return undefined;
  }
}

/** A thread that is traced and will stop when its system call is done. */
export class StoppingThread {
  readonly #threadId: number;

  private constructor(threadId: number) {
    this.#threadId = threadId;
  }

  /**
   * Traces a thread that waits for the answer to its system call. It stops behind the call, before the program goes on.
   * The wait itself must be one that only a kill ends (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV).
   *
   * @returns undefined where it cannot be traced: another tracer has it, or the system forbids it
   */
  static seize(threadId: number): StoppingThread | undefined {
    const options = BigInt(PTRACE_STOP.PTRACE_O_TRACESYSGOOD);
    if (ptrace('PTRACE_SEIZE', threadId, 0n, options) < 0) return undefined;
    ptrace('PTRACE_INTERRUPT', threadId);
    return new StoppingThread(threadId);
  }

  /**
   * Waits until the system call is done, and has the thread make another one where `next` wants it. The program finds the
   * registers as its own call has left them, once {@link StoppingThread.release} lets it go on.
   *
   * @param entry how its call entered the kernel; the next one enters in the same way, by the same instruction
   * @param next given the result of the thread's call, tells the call that follows, or nothing
   * @returns the result of the call that follows; undefined where there was none, or the thread is gone
   */
  followWith(
    entry: Entry,
    next: (
      result: bigint,
    ) => { readonly name: SyscallName; readonly arguments: readonly [bigint, bigint, bigint] } | undefined,
  ): bigint | undefined {
    const threadId = this.#threadId;
    if (nextStop(threadId) === undefined || ptrace('PTRACE_GETREGS', threadId, 0n, before.address) < 0)
      return undefined;
    const call = next(BigInt.asIntN(64, before.view.getBigUint64(USER_REGS.rax, true)));
    let result: bigint | undefined;
    if (call !== undefined) {
      // A signal that comes now would be handled with the registers of the call that is not the program's.
      ptrace('PTRACE_GETSIGMASK', threadId, BigInt(SIGSET_SIZE), signals.address);
      ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), everySignal.address);
      result = this.#call(entry, syscallNumber(entry, call.name) ?? -1, call.arguments);
      ptrace('PTRACE_SETREGS', threadId, 0n, before.address);
      ptrace('PTRACE_SETSIGMASK', threadId, BigInt(SIGSET_SIZE), signals.address);
    }
    return result;
  }

  /** Lets the thread go on, untraced. */
  release(): void {
    ptrace('PTRACE_DETACH', this.#threadId);
  }

  /** Goes back to the instruction of the call with other registers, and waits until it is through. */
  #call(entry: Entry, number: number, values: readonly bigint[]): bigint | undefined {
    const threadId = this.#threadId;
    const { view, bytes } = registers;
    bytes.set(before.bytes);
    const put = (field: Exclude<keyof typeof USER_REGS, 'size'>, value: bigint): void => {
      view.setBigUint64(USER_REGS[field], BigInt.asUintN(64, value), true);
    };
    const names = entry === 'i386' ? (['rbx', 'rcx', 'rdx'] as const) : (['rdi', 'rsi', 'rdx'] as const);
    for (const [index, name] of names.entries()) put(name, values[index] ?? 0n);
    put('rax', BigInt(number));
    // No call is under way any more that the kernel could think of making again.
    put('orig_rax', -1n);
    before.view.setBigUint64(USER_REGS.orig_rax, BigInt.asUintN(64, -1n), true);
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
    const result = BigInt.asIntN(64, view.getBigUint64(USER_REGS.rax, true));
    return entry === 'i386' ? BigInt.asIntN(32, result) : result;
  }
}
