/**
 * A child that shares this process's memory until it executes a program: vfork(2), execve(2). The thread that makes it
 * stands still meanwhile.
 *
 * posix_spawn(3) does the same, but closes descriptors last: its child makes calls that a filter may have notified while
 * it holds a copy of the listener. Where the supervisor is killed then, nothing ever answers such a call, and no end of
 * the listener is told, for its last holder is who waits. The child here closes the listener before anything else. It can
 * also be given resource limits that this process has raised for itself.
 *
 * All of it is a list of system calls, which a few instructions go through; the child goes on where the calling thread has
 * made it, and needs no stack.
 *
 * @module
 */
import { CLONE } from '../abi/mount.js';
import { RLIMIT } from '../abi/process.js';
import { SIGACTION } from '../abi/signal.js';
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { allocate, type NativeFunction, type NativeMemory, nativeAt } from './libc.js';
import { mapCode } from './own_code.js';
import { limitMemory, type ResourceLimit } from './process.js';

/** What a child is started with. */
export interface ChildSettings {
  /** Descriptors that are open here and must be closed there; first of all the listener of the calling thread's filter. */
  readonly closed: readonly number[];
  /** Signals that get their default disposition: bit N - 1 for signal N. Others are ignored here, and stay so. */
  readonly defaultSignals: bigint;
  /** Signals that the program starts with blocked, in the same form. */
  readonly blockedSignals: bigint;
  /** A descriptor of the folder that it starts in, where that is not this process's. */
  readonly folder: number | undefined;
  readonly limits: ReadonlyMap<keyof typeof RLIMIT, ResourceLimit>;
}

/** The program, as execve(2) takes it: addresses. */
export interface Execution {
  readonly path: bigint;
  readonly words: bigint;
  readonly environment: bigint;
}

type Call = keyof (typeof syscallNumbers)['x86-64'] & SyscallName;

/** A record of the list: the number, six arguments, the result. */
const RECORD = 64;
const FIRST_ARGUMENT = 8;
const RESULT = 56;
/** In the place of a number: the end; and that the list goes on elsewhere, unless the call before has given 0. */
const END = -1n;
const ELSEWHERE = -2n;
/** What no call gives: an execution that has succeeded leaves it. */
const NO_RESULT = 1n;
const SIG_SETMASK = 2;
const SIGCHLD = 17;
const MASK_BYTES = 8;
/** The status of a child that has executed nothing; it is not told to anybody. */
const STATUS_UNEXECUTED = 127;

/**
 * A function of C with the list's address as its argument: `push %rbx; mov %rdi,%rbx; 1: mov (%rbx),%rax; cmp $-2,%rax;
 * je 3f; ja 4f; mov 8(%rbx),%rdi; mov 16(%rbx),%rsi; mov 24(%rbx),%rdx; mov 32(%rbx),%r10; mov 40(%rbx),%r8;
 * mov 48(%rbx),%r9; syscall; mov %rax,56(%rbx); 2: add $64,%rbx; jmp 1b; 3: cmpq $0,-8(%rbx); je 2b; mov 8(%rbx),%rbx;
 * jmp 1b; 4: pop %rbx; ret`.
 */
const CODE = Uint8Array.from([
  ...[0x53, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x03, 0x48, 0x83, 0xf8, 0xfe, 0x74, 0x26, 0x77, 0x31, 0x48],
  ...[0x8b, 0x7b, 0x08, 0x48, 0x8b, 0x73, 0x10, 0x48, 0x8b, 0x53, 0x18, 0x4c, 0x8b, 0x53, 0x20, 0x4c],
  ...[0x8b, 0x43, 0x28, 0x4c, 0x8b, 0x4b, 0x30, 0x0f, 0x05, 0x48, 0x89, 0x43, 0x38, 0x48, 0x83, 0xc3],
  ...[0x40, 0xeb, 0xd1, 0x48, 0x83, 0x7b, 0xf8, 0x00, 0x74, 0xf3, 0x48, 0x8b, 0x5b, 0x08, 0xeb, 0xc4],
  ...[0x5b, 0xc3],
]);

let code: NativeFunction | undefined;

/** One entry of the list. */
interface Entry {
  readonly call: Call;
  readonly arguments: readonly (number | bigint)[];
}

/** A signal set of the kernel. */
function signalSet(signals: bigint): NativeMemory {
  const set = allocate(MASK_BYTES);
  set.view.setBigUint64(0, BigInt.asUintN(64, signals), true);
  return set;
}

/** What the child does, in this order. */
function childEntries(settings: ChildSettings, { path, words, environment }: Execution): readonly Entry[] {
  const { closed, defaultSignals, blockedSignals, folder, limits } = settings;
  const defaultAction = allocate(SIGACTION.size).address;
  // No handler of ours may run there: it would in our memory.
  const toDefault = Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (signal) => ((defaultSignals >> BigInt(signal - 1)) & 1n) === 1n,
  );
  return [
    ...closed.map((descriptor): Entry => ({ call: 'close', arguments: [descriptor] })),
    ...toDefault.map((signal): Entry => ({ call: 'rt_sigaction', arguments: [signal, defaultAction, 0, MASK_BYTES] })),
    ...(folder === undefined ? [] : [{ call: 'fchdir', arguments: [folder] } as const]),
    ...[...limits].map(
      ([name, limit]): Entry => ({ call: 'prlimit64', arguments: [0, RLIMIT[name], limitMemory(limit).address, 0] }),
    ),
    { call: 'rt_sigprocmask', arguments: [SIG_SETMASK, signalSet(blockedSignals).address, 0, MASK_BYTES] },
    { call: 'execve', arguments: [path, words, environment] },
    { call: 'exit_group', arguments: [STATUS_UNEXECUTED] },
  ];
}

/** A child that is about to be made. What it needs lives until this process ends. */
export class SpawnList {
  readonly #memory: NativeMemory;
  readonly #clone: number;
  readonly #execve: number;

  /** @throws TrampfdError as {@link mapCode} does */
  constructor(settings: ChildSettings, execution: Execution) {
    code ??= nativeAt(mapCode(CODE), 'int64_t trampfd_spawn(uint64_t)');
    const before = allocate(MASK_BYTES).address;
    const setMask = (mask: bigint, old: bigint): Entry => ({
      call: 'rt_sigprocmask',
      arguments: [SIG_SETMASK, mask, old, MASK_BYTES],
    });
    const flags = CLONE.CLONE_VM | CLONE.CLONE_VFORK | SIGCHLD;
    const calling: readonly Entry[] = [
      setMask(signalSet(2n ** 64n - 1n).address, before),
      { call: 'clone', arguments: [flags, 0, 0, 0, 0] },
    ];
    const child = childEntries(settings, execution);
    const behind = calling.length + 1 + child.length;
    this.#clone = calling.length - 1;
    this.#execve = behind - 2;
    this.#memory = allocate((behind + 2) * RECORD);
    calling.forEach((entry, index) => {
      this.#put(index, entry);
    });
    const { view, address } = this.#memory;
    view.setBigInt64(calling.length * RECORD, ELSEWHERE, true);
    view.setBigUint64(calling.length * RECORD + FIRST_ARGUMENT, address + BigInt(behind * RECORD), true);
    child.forEach((entry, index) => {
      this.#put(calling.length + 1 + index, entry);
    });
    this.#put(behind, setMask(before, 0n));
    view.setBigInt64((behind + 1) * RECORD, END, true);
    view.setBigInt64(this.#execve * RECORD + RESULT, NO_RESULT, true);
  }

  /** What is to be called on the thread that makes the child, and with what. */
  get function(): NativeFunction {
    if (code === undefined) throw new Error('unreachable: no list without its code');
    return code;
  }

  get address(): bigint {
    return this.#memory.address;
  }

  /** What came of it: the child's process id, or the negated error number of clone(2) or execve(2). */
  get result(): number {
    const { view } = this.#memory;
    const processId = Number(view.getBigInt64(this.#clone * RECORD + RESULT, true));
    const executed = view.getBigInt64(this.#execve * RECORD + RESULT, true);
    return processId < 0 || executed === NO_RESULT ? processId : Number(executed);
  }

  /** The child's process id, also where it has executed nothing; 0 or negative where there was none. */
  get childId(): number {
    return Number(this.#memory.view.getBigInt64(this.#clone * RECORD + RESULT, true));
  }

  #put(index: number, entry: Entry): void {
    const { view } = this.#memory;
    view.setBigInt64(index * RECORD, BigInt(syscallNumbers['x86-64'][entry.call]), true);
    entry.arguments.forEach((value, position) => {
      const at = index * RECORD + FIRST_ARGUMENT + 8 * position;
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    });
  }
}
