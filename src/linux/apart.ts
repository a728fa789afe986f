/**
 * A process beside this one that makes system calls in its place: those that may not return for as long as another process
 * likes. It shares this process's memory (clone(2): CLONE_VM), so that what it reads is here, and nothing else: no
 * descriptor, no session, no folder. It runs a few instructions (apart_code.ts), never JavaScript, and ends with the thread
 * that has started it.
 *
 * A thread of this process could not do the same. While it waits for a page that a file server does not deliver, not even
 * SIGKILL ends it (fs/fuse/dev.c: request_wait_answer), and a process ends only when all of its threads have.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { errnoNumbers } from '../abi/errno.js';
import { PRCTL, WAIT } from '../abi/process.js';
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { affinityOf, areSame, type Processors, setAffinity } from './affinity.js';
import { APART_CODE, BLOCK, ENTRIES, RECORD } from './apart_code.js';
import { monotonic } from './clock.js';
import { close } from './descriptor.js';
import { allocate, type NativeFunction, type NativeMemory, native, nativeAt, negatedErrno } from './libc.js';
import { mapCode } from './own_code.js';
import { receiveDescriptor, sendDescriptor, socketPair } from './passed_descriptor.js';
import { kill, signalNumbers } from './signal.js';

const libcClone = native('int clone(uint64_t, uint64_t, int, uint64_t)');
const libcPthreadSigmask = native('int pthread_sigmask(int, uint64_t, uint64_t)');
const libcWaitpid = native('int waitpid(int, uint64_t, int)');

/** Flag of clone(2) (linux/sched.h). No signal tells of its end: whoever waits for children is not told of it. */
const CLONE_VM = 0x100;
/** How of pthread_sigmask(3) (signal.h). */
const SIG_SETMASK = 2;

/** Records that a list has room for, and bytes of data. */
const MOST_CALLS = 16;
const DATA = BLOCK.list + (MOST_CALLS + 1) * RECORD.size;
export const DATA_SIZE = 65_536;
const STACK = 4096;
/** How long its first calls may take, in milliseconds: as long as it may have to wait for a processor. */
const STARTING = 10_000;

/** Rounds of looking, some microseconds, before whoever has calls made sleeps. */
const ROUNDS_OF_ASKER = 150;

/** A system call of x86-64 that is made apart. Its addresses are this process's; descriptors are the other one's. */
export interface ApartCall {
  readonly call: keyof (typeof syscallNumbers)['x86-64'] & SyscallName;
  readonly arguments: readonly (number | bigint)[];
}

const everySignal = allocate(128);
everySignal.bytes.fill(0xff);
const signalMask = allocate(128);
/** A struct timespec. */
const time = allocate(16);

interface Code {
  readonly address: bigint;
  readonly ask: NativeFunction;
  readonly wait: NativeFunction;
  /** The processors that this thread may run on by itself. */
  readonly processors: Processors | undefined;
}

let code: Code | undefined;

function theCode(): Code {
  if (code !== undefined) return code;
  const address = mapCode(APART_CODE);
  code = {
    address,
    ask: nativeAt(address + ENTRIES.ask, 'int trampfd_ask_apart(uint64_t, int, uint64_t)'),
    wait: nativeAt(address + ENTRIES.wait, 'int trampfd_wait_apart(uint64_t, int, uint64_t)'),
    processors: affinityOf(0),
  };
  return code;
}

/** Blocks of processes that are gone. */
const freeBlocks: NativeMemory[] = [];

function putCalls({ view }: NativeMemory, calls: readonly ApartCall[]): void {
  let at: number = BLOCK.list;
  for (const { call, arguments: values } of calls) {
    view.setBigInt64(at, BigInt(syscallNumbers['x86-64'][call]), true);
    for (let position = 0; position < values.length; position++) {
      const value = values[position] ?? 0;
      const word = at + RECORD.arguments + 8 * position;
      if (typeof value === 'bigint') view.setBigUint64(word, value, true);
      else view.setBigInt64(word, BigInt(value), true);
    }
    at += RECORD.size;
  }
  view.setBigInt64(at, RECORD.end, true);
}

/** See the module. Of one thread. */
export class ApartProcess {
  readonly processId: number;
  /** Memory that calls may be given, from here on: {@link DATA_SIZE} bytes. */
  readonly dataAddress: bigint;
  readonly data: Uint8Array;
  readonly dataView: DataView;
  readonly #code: Code;
  readonly #block: NativeMemory;
  /** The end of a socket whose other end is descriptor 0 there. */
  readonly #socket: number | undefined;
  #isGone = false;

  private constructor(processId: number, made: Code, block: NativeMemory, socket: number | undefined) {
    this.#socket = socket;
    this.processId = processId;
    this.#code = made;
    this.#block = block;
    this.dataAddress = block.address + BigInt(DATA);
    this.data = block.bytes.subarray(DATA);
    this.dataView = new DataView(block.view.buffer, block.view.byteOffset + DATA, DATA_SIZE);
  }

  /**
   * Starts one; it ends with the calling thread.
   *
   * @param isGivenFiles - whether it can be {@link ApartProcess.give}n open files
   * @returns it, or the negated error number of clone(2) or socketpair(2)
   * @throws TrampfdError as {@link mapCode}
   */
  static start(isGivenFiles = false): ApartProcess | number {
    if (!isGivenFiles) return ApartProcess.#start(undefined, -1);
    const ends = socketPair();
    if (typeof ends === 'number') return ends;
    const [ours, theirs] = ends;
    const started = ApartProcess.#start(ours, theirs);
    close(theirs);
    if (typeof started === 'number') close(ours);
    return started;
  }

  static #start(socket: number | undefined, kept: number): ApartProcess | number {
    const made = theCode();
    const block = freeBlocks.pop() ?? allocate(DATA + DATA_SIZE + STACK);
    const { view } = block;
    view.setInt32(BLOCK.asked, 1, true);
    for (const word of [BLOCK.sleeps, BLOCK.rounds, BLOCK.waiter]) view.setInt32(word, 0, true);
    view.setInt32(BLOCK.parent, process.pid, true);
    view.setInt32(BLOCK.kept, kept, true);
    const top = (block.address + BigInt(DATA + DATA_SIZE + STACK)) & ~15n;
    // The first calls: it is of no session, stands in no folder of ours, and is named for people.
    block.bytes.set(Buffer.from('/\0trampfd-apart\0'), DATA);
    const strings = block.address + BigInt(DATA);
    putCalls(block, [
      { call: 'setsid', arguments: [] },
      { call: 'chdir', arguments: [strings] },
      { call: 'prctl', arguments: [PRCTL.PR_SET_NAME, strings + 2n] },
    ]);
    // No handler of ours may run in it.
    libcPthreadSigmask(SIG_SETMASK, everySignal.address, signalMask.address);
    const processId = negatedErrno(libcClone(made.address, top, CLONE_VM, block.address));
    libcPthreadSigmask(SIG_SETMASK, signalMask.address, 0n);
    if (processId < 0) {
      freeBlocks.push(block);
      return processId;
    }
    // Its thread may be kept on one processor for the moment (emulation/burst.ts).
    const now = affinityOf(0);
    if (made.processors !== undefined && now !== undefined && !areSame(made.processors, now)) {
      setAffinity(processId, made.processors);
    }
    const apart = new ApartProcess(processId, made, block, socket);
    for (const until = monotonic() + STARTING; !apart.await(1); ) {
      if (monotonic() < until && !apart.isGone) continue;
      apart.kill();
      return -errnoNumbers.EAGAIN;
    }
    return apart;
  }

  /** Says for how many rounds it looks for calls before it sleeps. */
  lookFor(rounds: number): void {
    this.#block.view.setInt32(BLOCK.rounds, rounds, true);
  }

  /**
   * Has it make system calls, one after the other, whatever their results, and waits for them.
   *
   * @param calls - {@link MOST_CALLS} at most; it makes none now
   * @param milliseconds - how long it is waited, about; less than a thousand
   * @returns whether they were made
   */
  make(calls: readonly ApartCall[], milliseconds: number): boolean {
    putCalls(this.#block, calls);
    this.#setTime(milliseconds);
    return this.#code.ask(this.#block.address, ROUNDS_OF_ASKER, time.address) === 0;
  }

  /** Waits for calls that are under way; whether they were made. */
  await(milliseconds: number): boolean {
    this.#setTime(milliseconds);
    return this.#code.wait(this.#block.address, 1, time.address) === 0;
  }

  #setTime(milliseconds: number): void {
    time.view.setBigInt64(8, BigInt(Math.round(milliseconds * 1e6)), true);
  }

  /** Whether no call is under way. */
  get isFree(): boolean {
    return this.#block.view.getInt32(BLOCK.asked, true) === 0;
  }

  /** Whether it can be given open files. */
  get isGivenFiles(): boolean {
    return this.#socket !== undefined;
  }

  /** Sends it an open file of this process, which it takes by recvmsg(2) from descriptor 0; whether that was possible. */
  give(descriptor: number): boolean {
    return this.#socket !== undefined && sendDescriptor(this.#socket, descriptor);
  }

  /** Takes an open file that it has sent by sendmsg(2) to descriptor 0; undefined where it has sent none. */
  take(): number | undefined {
    return this.#socket === undefined ? undefined : receiveDescriptor(this.#socket);
  }

  /** The result of a call, an error number negated. */
  result(index: number): number {
    return Number(this.#block.view.getBigInt64(BLOCK.list + index * RECORD.size + RECORD.result, true));
  }

  /** Whether it waits for a processor alone, not for what a call waits for. */
  get isRunning(): boolean {
    try {
      return / R /.test(readFileSync(`/proc/${this.processId}/stat`, 'latin1').replace(/^.*\)/s, ''));
    } catch {
      return false;
    }
  }

  /** Ends it, once its call lets it. */
  kill(): void {
    if (!this.#isGone) kill(this.processId, signalNumbers['SIGKILL'] ?? 9);
  }

  /** Whether it has ended; its memory is used anew then. */
  get isGone(): boolean {
    if (this.#isGone) return true;
    // Where another thread of ours has taken its end, there is no such child (ECHILD).
    if (Number(libcWaitpid(this.processId, 0n, WAIT.__WALL | WAIT.WNOHANG)) === 0) return false;
    this.#isGone = true;
    if (this.#socket !== undefined) close(this.#socket);
    freeBlocks.push(this.#block);
    return true;
  }
}
