/**
 * System calls that a stopped thread is made to make, which is behind them as it was before: ptrace(2).
 *
 * What the thread has is kept in the object: its registers, the signals that it blocks, its syscall user dispatch
 * (prctl(2)). The end of the object undoes what was changed for the calls, and there may be as many of them as are needed.
 *
 * A call is made by the instruction that the thread has just made its own call by, or by one in the page that the kernel
 * maps into each process. It is the program's to take either away, or to put something else there: so each stop on the way
 * is judged. A call that faults, or that the program has turned into a signal, is not made, and the thread is none the
 * worse. A thread that makes another call than it was made to make, or does not stop in time, is lost: its process is ended.
 *
 * No filter may have a call notified to the calling thread, which waits for it.
 *
 * @module
 */
import { SIGSET_SIZE, SYSCALL_INFO, USER_REGS } from '../abi/ptrace.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import {
  type CallPlan,
  callRegisters,
  isError,
  ownInstruction,
  type Registers,
  registersBehind,
  resultOf,
} from './call_registers.js';
import { describeFault, isEntryOf } from './call_stops.js';
import { KernelEntries } from './kernel_entry.js';
import { allocate } from './libc.js';
import { endLost, sayUndone } from './lost_process.js';
import { type Arrival, blockedOnTheWay, Passage } from './passage.js';
import { ptrace } from './ptrace_request.js';
import { signalNumbers } from './signal.js';
import { statusField } from './status.js';
import { lastStop, stoppedNow, wasLate } from './stops.js';
import { restoreDispatch, suspendDispatch } from './user_dispatch.js';

const { SIGSYS = 31 } = signalNumbers;

/** What the kernel is given, or gives: used within one request, and kept by nobody. */
const passed = allocate(USER_REGS.size);
const passedSet = allocate(SIGSET_SIZE);

/** A call to be made. */
export interface RemoteCall {
  readonly name: SyscallName;
  readonly values: readonly bigint[];
}

/** Why a call was not made, though the thread is as it was. */
interface Unmade {
  readonly why: string;
}

/** See the module. */
export class InjectedCalls implements Disposable {
  readonly #threadId: number;
  readonly #entries: KernelEntries;
  readonly #isBehindCall: boolean;
  readonly #passage: Passage;
  readonly #before: Registers;
  #signals: bigint | undefined;
  #dispatch: Uint8Array | undefined;
  /** Whether nothing can be done with the thread any more. */
  #isOver = false;

  private constructor(threadId: number, before: Registers, options: InjectedOptions) {
    this.#threadId = threadId;
    this.#before = before;
    this.#entries = options.entries ?? new KernelEntries();
    this.#isBehindCall = options.isBehindCall ?? false;
    this.#passage = options.passage ?? new Passage(threadId);
  }

  /**
   * Begins with a thread that the calling one traces, and that stands in a stop.
   *
   * @returns undefined where it is gone
   */
  static begin(threadId: number, options: InjectedOptions = {}): InjectedCalls | undefined {
    if (ptrace('PTRACE_GETREGS', threadId, 0n, passed.address) < 0) return undefined;
    return new InjectedCalls(threadId, passed.bytes.slice(), options);
  }

  /** The registers that the thread has by itself. */
  get registers(): Registers {
    return this.#before;
  }

  /** What the thread's own call gave, where it is behind one. */
  get ownResult(): bigint {
    return new DataView(this.#before.buffer).getBigInt64(USER_REGS.rax, true);
  }

  /** Whether a call was made, or tried: then the thread has other registers than its own. */
  get hasBegun(): boolean {
    return this.#signals !== undefined;
  }

  /**
   * Has the thread make a call.
   *
   * @param entry - how it enters the kernel
   * @returns its result, error numbers negated; undefined where it was not made, or the thread is gone
   */
  call(entry: Entry, name: SyscallName, values: readonly bigint[]): bigint | undefined {
    if (this.#isOver || !this.#prepare()) return undefined;
    const number = syscallNumber(entry, name) ?? -1;
    let unmade: Unmade = { why: `its process has no instruction that enters the kernel (${entry})` };
    for (const place of this.#places(entry)) {
      const made = this.#make({ entry, number, values, ...place });
      if (made === undefined) return undefined;
      if (typeof made === 'bigint') return resultOf(entry, made);
      unmade = made;
      if (made.why.startsWith('SIGSYS')) break;
    }
    // One that was killed meanwhile needs no call.
    if (!stoppedNow(this.#threadId)) this.#isOver = true;
    else sayUndone(this.#threadId, `it could not be made to call ${name}: ${unmade.why}`);
    return undefined;
  }

  /** The same of several, one after the other, until one fails; the results of those that were made. */
  callAll(entry: Entry, calls: readonly RemoteCall[]): readonly bigint[] {
    const results: bigint[] = [];
    for (const { name, values } of calls) {
      const result = this.call(entry, name, values);
      if (result === undefined) break;
      results.push(result);
      if (isError(result)) break;
    }
    return results;
  }

  /**
   * Gives the thread back what it had. It still stands, and no call can be made any more.
   *
   * @param result what its own call gives instead of its result
   */
  finish(result?: bigint): void {
    if (!this.hasBegun && result === undefined) this.#leave(undefined);
    else this.#leave(registersBehind(this.#before, result));
  }

  /** The same with other registers than it had: all of struct user_regs_struct. */
  finishWith(registers: Registers): void {
    this.#leave(registersBehind(registers));
  }

  [Symbol.dispose](): void {
    this.finish();
  }

  #leave(registers: Registers | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const threadId = this.#threadId;
    if (registers !== undefined) this.#writeRegisters(registers);
    if (this.#signals !== undefined) this.#writeSignals(this.#signals);
    if (this.#dispatch !== undefined && !restoreDispatch(threadId, this.#dispatch)) {
      endLost(threadId, 'its syscall user dispatch cannot be turned on again');
    }
    this.#passage.settle();
  }

  /** Before the first call: has what comes from outside wait, and calls come through. */
  #prepare(): boolean {
    if (this.#signals !== undefined) return true;
    const size = BigInt(SIGSET_SIZE);
    if (ptrace('PTRACE_GETSIGMASK', this.#threadId, size, passedSet.address) < 0) return this.#gone();
    this.#signals = passedSet.view.getBigUint64(0, true);
    // A signal that came now would be handled with the registers of a call that is not the program's.
    this.#writeSignals(blockedOnTheWay(this.#threadId));
    this.#dispatch = suspendDispatch(this.#threadId);
    return true;
  }

  /** Where a call may be made, best first. */
  *#places(entry: Entry): Iterable<Pick<CallPlan, 'instruction' | 'isOwn'>> {
    // SYSCALL and INT 0x80 are two bytes long each. Behind SYSENTER the kernel returns to where an INT 0x80 stands too.
    if (this.#isBehindCall) yield { instruction: ownInstruction(this.#before), isOwn: true };
    const known = this.#entries.of(this.#threadId, entry);
    if (known === undefined) return;
    yield { instruction: known, isOwn: false };
    this.#entries.forget();
    const found = this.#entries.of(this.#threadId, entry);
    if (found !== undefined && found !== known) yield { instruction: found, isOwn: false };
  }

  /** Makes a call by one instruction; undefined where the thread is gone, or lost. */
  #make(plan: CallPlan): bigint | Unmade | undefined {
    this.#writeRegisters(callRegisters(this.#before, plan));
    let arrival = this.#passage.go('PTRACE_SYSCALL');
    if (arrival.kind === 'entry') {
      if (!isEntryOf(plan)) return this.#lose('its thread made another call than it was made to make');
      arrival = this.#passage.go('PTRACE_SYSCALL');
      if (arrival.kind === 'exit') return this.#behind(plan);
    }
    return this.#judge(arrival);
  }

  /** What a call has come to whose exit was reached. */
  #behind({ number }: CallPlan): bigint | Unmade | undefined {
    const result = lastStop().getBigInt64(SYSCALL_INFO.rval, true);
    // A filter that turns it into a signal leaves its number as the result, and the signal to come (seccomp(2)).
    if (result !== BigInt(number) || !this.#hasPending(SIGSYS)) return result;
    return this.#judge(this.#passage.go('PTRACE_SYSCALL'));
  }

  #hasPending(signal: number): boolean {
    const pending = BigInt(`0x${statusField(this.#threadId, 'SigPnd') ?? '0'}`);
    return ((pending >> BigInt(signal - 1)) & 1n) === 1n;
  }

  #judge(arrival: Arrival): Unmade | undefined {
    switch (arrival.kind) {
      case 'fault':
        return { why: describeFault(arrival.signal, arrival.code) };
      case 'late':
        wasLate();
        return this.#lose('its thread did not make the call in time that it was made to make');
      case 'gone':
        this.#isOver = true;
        return undefined;
      default:
        return this.#lose('its thread stopped where no call of the supervisor has it stop');
    }
  }

  #lose(why: string): undefined {
    this.#isOver = true;
    endLost(this.#threadId, why);
  }

  #gone(): false {
    this.#isOver = true;
    return false;
  }

  #writeRegisters(registers: Registers): void {
    passed.bytes.set(registers);
    ptrace('PTRACE_SETREGS', this.#threadId, 0n, passed.address);
  }

  #writeSignals(set: bigint): void {
    passedSet.view.setBigUint64(0, set, true);
    ptrace('PTRACE_SETSIGMASK', this.#threadId, BigInt(SIGSET_SIZE), passedSet.address);
  }
}

/** What calls are injected with. */
export interface InjectedOptions {
  /** Where the process enters the kernel, as far as that is known. */
  readonly entries?: KernelEntries;
  /** Whether the thread stands behind a call of its own. */
  readonly isBehindCall?: boolean;
  /** Its way to the stop that it stands in. */
  readonly passage?: Passage;
}

/**
 * Has a stopped thread make system calls, one after the other, until one fails, and leaves it as it was.
 *
 * @returns the results of those that were made, error numbers negated
 */
export function callRemotely(
  threadId: number,
  entry: Entry,
  entries: KernelEntries,
  calls: readonly RemoteCall[],
): readonly bigint[] {
  using injected = InjectedCalls.begin(threadId, { entries });
  return injected?.callAll(entry, calls) ?? [];
}
