/**
 * A process that is held before its program begins: a copy of this one that does nothing but make the system calls that
 * it is told to, in namespaces of its own, until it becomes a program. clone(2), ptrace(2), execve(2).
 *
 * Node.js has threads, and neither may such a process enter a new user namespace (unshare(2)) nor can one of its threads
 * be given another one's mounts. A copy that never runs JavaScript has one thread. It waits in pause(2), where it ends with this process; all that it does
 * it does as its tracer says.
 *
 * Calls come in batches. Their numbers and arguments stand in a list, and a few instructions that go through it are all
 * the code there is: `next: cmp the number with -1, load the registers, syscall, store the result, go to next`. So a
 * hundred calls cost one stop.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { PRCTL } from '../abi/process.js';
import { PTRACE_STOP, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import { allocate, allocateShared, type NativeMemory, native, negatedErrno } from './libc.js';
import { writeMemory } from './memory.js';
import { mapCode } from './own_code.js';
import { Passage } from './passage.js';
import { ptrace } from './ptrace_request.js';
import { kill, signalNumbers } from './signal.js';
import type { Bound } from './stops.js';

const libcClone = native('int clone(uint64_t, uint64_t, int, uint64_t)');
const libcPthreadSigmask = native('int pthread_sigmask(int, uint64_t, uint64_t)');
const libcPrctl = native('int prctl(int, ulong, ulong, ulong, ulong)');
const libcWaitpid = native('int waitpid(int, uint64_t, int)');

/** One system call of x86-64 that a held process is to make. Addresses are this process's as of its start. */
export interface HeldCall {
  readonly call: keyof (typeof syscallNumbers)['x86-64'] & SyscallName;
  readonly arguments: readonly (number | bigint)[];
}

/** A record of the list: the number, six arguments, the result. */
const RECORD = 64;
/** Records that the list has room for: a megabyte. */
const MOST_CALLS = 16_383;
const STACK = 65_536;

/**
 * Goes through the list at rbx: `1: mov (%rbx),%rax; cmp $-1,%rax; je 2f; mov 8(%rbx),%rdi; mov 16(%rbx),%rsi;
 * mov 24(%rbx),%rdx; mov 32(%rbx),%r10; mov 40(%rbx),%r8; mov 48(%rbx),%r9; syscall; mov %rax,56(%rbx);
 * add $64,%rbx; jmp 1b; 2: int3`.
 */
const LIST_CODE = Uint8Array.from([
  ...[0x48, 0x8b, 0x03, 0x48, 0x83, 0xf8, 0xff, 0x74, 0x24],
  ...[0x48, 0x8b, 0x7b, 0x08, 0x48, 0x8b, 0x73, 0x10, 0x48, 0x8b, 0x53, 0x18, 0x4c, 0x8b, 0x53, 0x20],
  ...[0x4c, 0x8b, 0x43, 0x28, 0x4c, 0x8b, 0x4b, 0x30, 0x0f, 0x05, 0x48, 0x89, 0x43, 0x38, 0x48, 0x83],
  ...[0xc3, 0x40, 0xeb, 0xd3, 0xcc],
]);

/**
 * What the process does until it is traced, with our process id in rdi: `mov %rdi,%rbx; mov $157,%eax [prctl];
 * mov $PR_SET_PDEATHSIG,%edi; mov $SIGKILL,%esi; syscall; mov $110,%eax [getppid]; syscall; cmp %rbx,%rax; jne 2f;
 * 1: mov $34,%eax [pause]; syscall; jmp 1b; 2: mov $231,%eax [exit_group]; mov $1,%edi; syscall`. Where this process ends
 * meanwhile it ends too, and where it has ended already, it has another parent. As soon as it is traced, the end of the
 * tracer is its own.
 */
const WAIT_CODE = Uint8Array.from([
  ...[0x48, 0x89, 0xfb, 0xb8, 0x9d, 0x00, 0x00, 0x00, 0xbf, PRCTL.PR_SET_PDEATHSIG, 0x00, 0x00, 0x00, 0xbe, 0x09],
  ...[0x00, 0x00, 0x00, 0x0f, 0x05, 0xb8, 0x6e, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x48, 0x39, 0xd8, 0x75, 0x09],
  ...[0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0xbf, 0x01, 0x00],
  ...[0x00, 0x00, 0x0f, 0x05],
]);
/** Where it stands in the page of code. */
const WAIT_START = 128n;

/** What the kernel is given, or gives: used within one request. */
const registers = allocate(USER_REGS.size);
const signalMask = allocate(128);
const everySignal = allocate(128);
everySignal.bytes.fill(0xff);
/** How of pthread_sigmask(3) (signal.h). */
const SIG_SETMASK = 2;

function failed(syscall: string, errno: number): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_HELD', `the process that is to become the program cannot be traced`, {
    syscall,
    errno,
  });
}

/** How long a list of calls may take, in milliseconds: some ten thousands, on file systems that may be slow. */
const PATIENCE: Bound = { busy: 60_000, starved: 60_000 };
const SIGTRAP: number = signalNumbers['SIGTRAP'] ?? 5;

/** A held process. */
export class HeldProcess implements Disposable {
  readonly processId: number;
  readonly #code: bigint;
  readonly #list: NativeMemory;
  readonly #passage: Passage;
  #released = false;

  private constructor(processId: number, code: bigint, list: NativeMemory) {
    this.processId = processId;
    this.#code = code;
    this.#list = list;
    this.#passage = new Passage(processId);
  }

  /**
   * Starts one. What this process has allocated so far, the held one finds at the same address.
   *
   * @param flags - namespaces that it gets for itself (CLONE_NEW* of clone(2))
   * @returns it, or the negated error number of clone(2)
   * @throws TrampfdError ERR_TRAMPFD_HELD where it cannot be traced
   */
  static start(flags: number): HeldProcess | number {
    const code = mapCode(
      Uint8Array.from([...LIST_CODE, ...new Uint8Array(Number(WAIT_START) - LIST_CODE.length), ...WAIT_CODE]),
    );
    const list = allocateShared((MOST_CALLS + 1) * RECORD);
    const stack = allocate(STACK).address + BigInt(STACK);
    // No handler of ours may run in it.
    libcPthreadSigmask(SIG_SETMASK, everySignal.address, signalMask.address);
    // Who is not dumpable can be traced by root alone; a copy would not be either.
    libcPrctl(PRCTL.PR_SET_DUMPABLE, 1, 0, 0, 0);
    const processId = negatedErrno(
      libcClone(code + WAIT_START, stack & ~15n, flags | (signalNumbers['SIGCHLD'] ?? 0), BigInt(process.pid)),
    );
    libcPrctl(PRCTL.PR_SET_DUMPABLE, 0, 0, 0, 0);
    libcPthreadSigmask(SIG_SETMASK, signalMask.address, 0n);
    if (processId < 0) return processId;
    const held = new HeldProcess(processId, code, list);
    const options = BigInt(PTRACE_STOP.PTRACE_O_TRACESYSGOOD | PTRACE_STOP.PTRACE_O_EXITKILL);
    const seized = ptrace('PTRACE_SEIZE', processId, 0n, options);
    if (seized < 0) {
      held[Symbol.dispose]();
      throw failed('ptrace', -seized);
    }
    ptrace('PTRACE_INTERRUPT', processId);
    if (held.#passage.arrive(PATIENCE) !== 'stopped') {
      held[Symbol.dispose]();
      throw held.#gone();
    }
    // The program's parent may end before it.
    held.call('prctl', PRCTL.PR_SET_PDEATHSIG, 0);
    return held;
  }

  /**
   * Has it make system calls, one after the other, whatever their results.
   *
   * @returns the results, error numbers negated
   * @throws TrampfdError ERR_TRAMPFD_HELD where it is gone
   */
  callAll(calls: readonly HeldCall[]): readonly bigint[] {
    const results: bigint[] = [];
    for (let from = 0; from < calls.length; from += MOST_CALLS) {
      results.push(...this.#callSome(calls.slice(from, from + MOST_CALLS)));
    }
    return results;
  }

  /**
   * Has it make the same few calls many times, with other values each time: without an object for each call, for there
   * may be ten thousands.
   *
   * @param calls - made one after the other, each time
   * @param times - how often
   * @param vary - puts the values of one time; those that it does not put are as in `calls`
   * @returns the lower 32 bits of each result: of call C in time T at T * calls.length + C
   */
  callRepeatedly(
    calls: readonly HeldCall[],
    times: number,
    vary: (time: number, put: (call: number, argument: number, value: bigint) => void) => void,
  ): Int32Array {
    const results = new Int32Array(times * calls.length);
    const { view, bytes } = this.#list;
    calls.forEach((one, index) => {
      this.#record(index, syscallNumbers['x86-64'][one.call], one.arguments);
    });
    const round = bytes.slice(0, calls.length * RECORD);
    const most = Math.floor(MOST_CALLS / calls.length);
    for (let from = 0; from < times; from += most) {
      const count = Math.min(most, times - from);
      let start = 0;
      const put = (call: number, argument: number, value: bigint): void => {
        view.setBigUint64(start + call * RECORD + 8 + argument * 8, value, true);
      };
      for (let time = 0; time < count; time++, start += round.length) {
        bytes.set(round, start);
        vary(from + time, put);
      }
      view.setBigInt64(start, -1n, true);
      this.#run();
      for (let index = 0; index < count * calls.length; index++) {
        results[from * calls.length + index] = view.getInt32(index * RECORD + RECORD - 8, true);
      }
    }
    return results;
  }

  /** One call of {@link HeldProcess.callAll}. */
  call(call: HeldCall['call'], ...values: (number | bigint)[]): bigint {
    const [result] = this.callAll([{ call, arguments: values }]);
    return result ?? -BigInt(errnoNumbers.ESRCH);
  }

  /**
   * Writes to its memory.
   *
   * @throws TrampfdError ERR_TRAMPFD_HELD where it is gone
   */
  write(address: bigint, bytes: Uint8Array): void {
    if (!writeMemory(this.processId, address, bytes)) throw this.#gone();
  }

  #callSome(calls: readonly HeldCall[]): readonly bigint[] {
    const { view } = this.#list;
    calls.forEach((one, index) => {
      this.#record(index, syscallNumbers['x86-64'][one.call], one.arguments);
    });
    view.setBigInt64(calls.length * RECORD, -1n, true);
    this.#run();
    return calls.map((_, index) => view.getBigInt64(index * RECORD + RECORD - 8, true));
  }

  /** Goes through the list. */
  #run(): void {
    this.#setRegisters();
    const arrival = this.#passage.go('PTRACE_CONT', PATIENCE);
    if (arrival.kind !== 'fault' || arrival.signal !== SIGTRAP) throw this.#gone();
  }

  #record(index: number, number: number, values: readonly (number | bigint)[]): void {
    const { view } = this.#list;
    view.setBigUint64(index * RECORD, BigInt(number), true);
    values.forEach((value, position) => {
      const at = index * RECORD + 8 + position * 8;
      if (typeof value === 'bigint') view.setBigUint64(at, BigInt.asUintN(64, value), true);
      else view.setBigInt64(at, BigInt(value), true);
    });
  }

  /**
   * Has it execute a program. Where that succeeds it stands before the program's first instruction.
   *
   * @param blockedSignals - what the program starts with blocked
   * @returns 0 or a negated error number; then it is as it was before
   */
  execute(path: bigint, words: bigint, environment: bigint, blockedSignals: bigint): number {
    const { processId } = this;
    this.#record(0, syscallNumbers['x86-64'].execve, [path, words, environment]);
    const mask = allocate(SIGSET_SIZE);
    mask.view.setBigUint64(0, blockedSignals, true);
    this.#setRegisters();
    for (const stop of ['entry', 'exit']) {
      if (this.#passage.go('PTRACE_SYSCALL', PATIENCE).kind !== stop) throw this.#gone();
    }
    ptrace('PTRACE_GETREGS', processId, 0n, registers.address);
    const result = Number(registers.view.getBigInt64(USER_REGS.rax, true));
    if (result === 0) ptrace('PTRACE_SETSIGMASK', processId, BigInt(SIGSET_SIZE), mask.address);
    return result;
  }

  /** Lets it run, untraced. */
  release(): void {
    this.#released = true;
    this.#passage.settle();
    ptrace('PTRACE_DETACH', this.processId);
  }

  /** Ends it where it was not released. */
  [Symbol.dispose](): void {
    if (this.#released) return;
    this.#released = true;
    kill(this.processId, signalNumbers['SIGKILL'] ?? 9);
    libcWaitpid(this.processId, 0n, 0);
  }

  #setRegisters(): void {
    ptrace('PTRACE_GETREGS', this.processId, 0n, registers.address);
    const { view } = registers;
    view.setBigUint64(USER_REGS.rip, this.#code, true);
    view.setBigUint64(USER_REGS.rbx, this.#list.address, true);
    // No call is under way that the kernel could think of making again.
    view.setBigInt64(USER_REGS.orig_rax, -1n, true);
    ptrace('PTRACE_SETREGS', this.processId, 0n, registers.address);
  }

  #gone(): TrampfdError {
    return failed('ptrace', errnoNumbers.ESRCH);
  }
}
