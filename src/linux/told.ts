/**
 * What waitpid(2) tells a tracer, and what it must know of a thread that has trapped: its registers, why, the bytes where
 * it stands and the word on top of its stack.
 *
 * A trap is over in microseconds, and there may be a hundred thousand a second: all of this is one native call
 * (call_list.ts), and so is what comes before it, where a thread goes on from its trap with other registers.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { SEGV_ACCERR, SIGINFO, WAIT } from '../abi/process.js';
import { PTRACE, SIGSET_SIZE, USER_REGS } from '../abi/ptrace.js';
import type { ApartProcess } from './apart.js';
import { makeApart } from './apart_pool.js';
import { CallList } from './call_list.js';
import { allocate } from './libc.js';
import { readAtMost } from './memory.js';
import { lose, ptrace } from './ptrace_request.js';
import { isServed } from './served.js';
import { type ChildChange, decodeStatus } from './wait.js';

/** What waitpid(2) told of a child or of a thread that is traced. */
export type Told =
  /** A stop between the thread and its tracer: an event of ptrace(2), or a signal that it is about to be given. */
  | { readonly kind: 'stop'; readonly threadId: number; readonly event: number; readonly signal: number }
  | { readonly kind: 'change'; readonly threadId: number; readonly change: ChildChange }
  /** A signal came. */
  | 'interrupted'
  /** Nothing is to be told now, where that is not waited for. */
  | 'nothing'
  /** There is nobody to be told of. */
  | 'nobody'
  /** Nobody can be told of: the call itself fails. */
  | 'untold';

/** Bytes that are read where a thread has trapped, at most. */
export const TRAP_BYTES = 40;

/** Why a tracee is about to be given a signal. */
export interface Fault {
  /** si_code: positive where the kernel sends the signal for what the thread has done. */
  readonly code: number;
  /** si_addr: the address that could not be accessed. */
  readonly address: bigint;
}

/** A thread that is about to be given a signal. */
export interface Trap extends Fault {
  /** The signals that it blocks: bit N - 1 for signal N. */
  readonly signalMask: bigint;
  /** Its registers. What is written here it has when it goes on, by {@link resumeUntilTold} or {@link writeRegisters}. */
  readonly registers: DataView;
  /** The bytes from its instruction pointer on, as many as could be read. */
  readonly bytes: Uint8Array;
  /** The eight bytes on top of its stack, where they can be read. */
  readonly stackTop: bigint | undefined;
}

/** What is read of a trapped thread's memory. */
type TrapMemory = Pick<Trap, 'bytes' | 'stackTop'>;

const WORD = 8;
const IOVEC = { base: 0, length: 8, size: 16 } as const;

const status = allocate(4);
const information = allocate(SIGINFO.size);
const mask = allocate(SIGSET_SIZE);
const registers = allocate(USER_REGS.size);
/** The word on top of the stack, then the bytes at the instruction pointer. */
const read = allocate(WORD + TRAP_BYTES);
const codeBytes = read.bytes.subarray(WORD);
/** struct iovec: ours; theirs, of the stack and of the code. */
const vectors = allocate(3 * IOVEC.size);
const [OURS, STACK, CODE] = [0, IOVEC.size, 2 * IOVEC.size];
vectors.view.setBigUint64(OURS + IOVEC.base, read.address, true);
vectors.view.setBigUint64(OURS + IOVEC.length, BigInt(WORD + TRAP_BYTES), true);
vectors.view.setBigUint64(STACK + IOVEC.length, BigInt(WORD), true);
vectors.view.setBigUint64(CODE + IOVEC.length, BigInt(TRAP_BYTES), true);

/** What waitpid(2) tells of. Not WCONTINUED: that state is told once, and a tracer would take it from the tracee's parent (kernel/exit.c). */
const TOLD_OF = WAIT.__WALL | WAIT.WUNTRACED;

/** Entries of the list. */
const [SETREGS, CONT, WAIT4, GETREGS, GETSIGMASK, READ] = [0, 1, 2, 3, 5, 8] as const;
/** The argument of that last one that says how many places are read, and how many there are. */
const PLACES = { argument: 4, count: 2 } as const;
/** The entry that the list has come to. */
let cameTo: number = SETREGS;
/** Whether memory was left alone, as others may deliver it. */
let isUnread = false;

let made: CallList | undefined;

/** The list, made when it is first needed. */
function traps(): CallList {
  made ??= newTraps();
  return made;
}

/**
 * Makes ready what is needed to be told.
 *
 * @throws TrampfdError as code of our own cannot be made
 */
export function prepareToBeTold(): void {
  traps();
}

function newTraps(): CallList {
  const told = { resultOf: WAIT4 };
  return new CallList([
    { call: 'ptrace', arguments: [PTRACE.PTRACE_SETREGS, 0, 0, registers.address] },
    { call: 'ptrace', arguments: [PTRACE.PTRACE_CONT, 0, 0, 0] },
    { call: 'wait4', arguments: [-1, status.address, TOLD_OF, 0] },
    // All that follows fails where this is no stop, and is for nothing where it is another one than a trap.
    { call: 'ptrace', arguments: [PTRACE.PTRACE_GETREGS, told, 0, registers.address] },
    { call: 'ptrace', arguments: [PTRACE.PTRACE_GETSIGINFO, told, 0, information.address] },
    { call: 'ptrace', arguments: [PTRACE.PTRACE_GETSIGMASK, told, SIGSET_SIZE, mask.address] },
    { from: registers.address + BigInt(USER_REGS.rsp), to: vectors.address + BigInt(STACK + IOVEC.base) },
    { from: registers.address + BigInt(USER_REGS.rip), to: vectors.address + BigInt(CODE + IOVEC.base) },
    { call: 'process_vm_readv', arguments: [told, vectors.address, 1, vectors.address + BigInt(STACK), 2, 0] },
  ]);
}

/**
 * Waits until something is told of any child of this process, and of any thread that is traced here.
 *
 * @param waits whether to wait, or to take what there is
 */
export function nextTold(waits = true): Told {
  return toldFrom(WAIT4, waits);
}

/** Lets a thread go on that was told of last and has trapped, with the registers of its {@link Trap}, and waits as {@link nextTold} does. */
export function resumeUntilTold(threadId: number, waits = true): Told {
  const list = traps();
  list.setArgument(SETREGS, 1, threadId);
  list.setArgument(CONT, 1, threadId);
  return toldFrom(SETREGS, waits);
}

/** Has {@link lastTrap} tell of a thread that was told of before, and stands there still; whether it does. */
export function tellAgain(threadId: number): boolean {
  const list = traps();
  list.setResult(WAIT4, threadId);
  leaveMemory(list);
  cameTo = list.run(GETREGS);
  return cameTo > GETSIGMASK;
}

/** Reads no memory in the list where it may never come: that is done apart, if at all. */
function leaveMemory(list: CallList): void {
  if (isUnread === isServed()) return;
  isUnread = !isUnread;
  list.setArgument(READ, PLACES.argument, isUnread ? 0 : PLACES.count);
}

function toldFrom(entry: number, waits: boolean): Told {
  const list = traps();
  leaveMemory(list);
  list.setArgument(WAIT4, 2, waits ? TOLD_OF : TOLD_OF | WAIT.WNOHANG);
  cameTo = list.run(entry);
  // A thread that was killed does not go on; its end is told.
  if (cameTo < WAIT4) {
    const request = cameTo === SETREGS ? 'PTRACE_SETREGS' : 'PTRACE_CONT';
    demandObedience(list.argument(cameTo, 1), request, list.result(cameTo));
    cameTo = list.run(WAIT4);
  }
  const threadId = list.result(WAIT4);
  if (threadId === -errnoNumbers.EINTR) return 'interrupted';
  if (threadId === 0) return 'nothing';
  if (threadId === -errnoNumbers.ECHILD) return 'nobody';
  if (threadId < 0) return 'untold';
  const value = status.view.getInt32(0, true);
  const isStop = (value & 0xff) === 0x7f;
  if (isStop && cameTo === GETREGS) demandObedience(threadId, 'PTRACE_GETREGS', list.result(GETREGS));
  if (isStop) return { kind: 'stop', threadId, event: value >> 16, signal: (value >> 8) & 0xff };
  return { kind: 'change', threadId, change: decodeStatus(threadId, value) };
}

/** Of a thread that has ended, or stands in no stop, a request fails with ESRCH; of no other. */
function demandObedience(
  threadId: number,
  request: 'PTRACE_SETREGS' | 'PTRACE_CONT' | 'PTRACE_GETREGS',
  result: number,
): void {
  if (result !== -errnoNumbers.ESRCH) lose(threadId, request, -result);
}

/**
 * What is known of the thread that was told of last, and is about to be given a signal; undefined where it is gone.
 *
 * @throws as {@link makeApart}
 */
export function lastTrap(): Trap | undefined {
  if (cameTo <= GETSIGMASK) return undefined;
  const list = traps();
  const threadId = list.result(WAIT4);
  const count = cameTo > READ ? list.result(READ) : 0;
  const { bytes, stackTop } = isUnread ? readApart(threadId) : memoryOf(count, read.view, codeBytes);
  return {
    code: information.view.getInt32(SIGINFO.si_code, true),
    address: information.view.getBigUint64(SIGINFO.si_addr, true),
    signalMask: mask.view.getBigUint64(0, true),
    registers: registers.view,
    // Where the stack cannot be read, nothing was.
    bytes: bytes ?? readAtMost(threadId, registers.view.getBigUint64(USER_REGS.rip, true), TRAP_BYTES).slice(),
    stackTop,
  };
}

/** Reads the same apart. */
function readApart(threadId: number): Partial<TrapMemory> {
  const { view } = registers;
  const [stack, code] = [view.getBigUint64(USER_REGS.rsp, true), view.getBigUint64(USER_REGS.rip, true)];
  return makeApart({
    key: () =>
      `reading the code of thread ${threadId} at 0x${code.toString(16)} and its stack at 0x${stack.toString(16)}`,
    threadId,
    calls({ dataView, dataAddress }: ApartProcess) {
      const at = BigInt(vectors.bytes.length);
      dataView.setBigUint64(OURS + IOVEC.base, dataAddress + at, true);
      dataView.setBigUint64(OURS + IOVEC.length, BigInt(WORD + TRAP_BYTES), true);
      dataView.setBigUint64(STACK + IOVEC.base, stack, true);
      dataView.setBigUint64(STACK + IOVEC.length, BigInt(WORD), true);
      dataView.setBigUint64(CODE + IOVEC.base, code, true);
      dataView.setBigUint64(CODE + IOVEC.length, BigInt(TRAP_BYTES), true);
      const places = dataAddress + BigInt(STACK);
      return [{ call: 'process_vm_readv', arguments: [threadId, dataAddress, 1, places, PLACES.count, 0] }];
    },
    collect(apart) {
      const all = apart.data.slice(vectors.bytes.length, vectors.bytes.length + WORD + TRAP_BYTES);
      return memoryOf(apart.result(0), new DataView(all.buffer), all.subarray(WORD));
    },
  });
}

/** What was read: the stack's word, then the code. */
function memoryOf(count: number, view: DataView, code: Uint8Array): Partial<TrapMemory> {
  return count < WORD ? {} : { bytes: code.subarray(0, count - WORD), stackTop: view.getBigUint64(0, true) };
}

/**
 * Has a trap stand in the buffers that no thread has made, as if it had been told of last: for a rehearsal. Until something
 * is told, {@link lastTrap} tells of it.
 *
 * @param address where the thread has called what cannot be executed
 * @param stackTop where it has called it from
 */
export function pretendTrap(threadId: number, address: bigint, stackTop: bigint): void {
  registers.bytes.fill(0);
  registers.view.setBigUint64(USER_REGS.rip, address, true);
  information.view.setInt32(SIGINFO.si_code, SEGV_ACCERR, true);
  information.view.setBigUint64(SIGINFO.si_addr, address, true);
  mask.bytes.fill(0);
  read.view.setBigUint64(0, stackTop, true);
  const list = traps();
  list.setResult(WAIT4, threadId);
  list.setResult(READ, WORD + TRAP_BYTES);
  cameTo = READ + 1;
  // As if it had been read.
  isUnread = false;
}

/** Gives the thread that has trapped the registers of its {@link Trap}, without letting it go on. */
export function writeRegisters(threadId: number): boolean {
  return ptrace('PTRACE_SETREGS', threadId, 0n, registers.address) === 0;
}
