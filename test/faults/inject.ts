/**
 * Makes one call of the supervisor into the kernel fail: loaded into Node.js before the command is (`--require`), in each
 * of its threads. The call is not made, and its caller sees what a failed one leaves; all others are made as ever, so that the
 * kernel is the real one. The program of the run is not touched, which no filter or tracer around both could promise.
 *
 * The points are counted by the place in the supervisor that calls, so that what other threads do meanwhile does not change
 * which call is meant.
 *
 * @module
 */
import fileSystem from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { isMainThread, workerData } from 'node:worker_threads';
import { PTRACE, USER_REGS } from '../../src/abi/ptrace.js';
import { syscallNumbers } from '../../src/abi/syscalls.js';
import { type Failure, FILE_FUNCTIONS, INFALLIBLE, type Plan, RETURNS_ERRNO } from './points.js';

type Callable = (...values: unknown[]) => unknown;

/** What is used of koffi here. */
interface Koffi {
  load: (path: null) => { func: (prototype: string) => Callable & { async: Callable } };
  decode: (address: unknown, type: unknown, ...rest: unknown[]) => unknown;
  proto: (prototype: string) => unknown;
  errno: (value?: number) => number;
  view: (address: unknown, length: number) => ArrayBuffer;
}

// As they are before they are replaced.
const { appendFileSync, readFileSync } = fileSystem;
const plan = JSON.parse(readFileSync(process.env['TRAMPFD_FAULTS'] ?? '', 'utf8')) as Plan;
const load = createRequire(plan.main);
const thread = isMainThread ? 'main' : 'requests' in (workerData as object) ? 'trace' : 'receive';
const numbers = new Map(Object.entries(syscallNumbers['x86-64']).map(([name, number]) => [Number(number), name]));
const requests = new Map(Object.entries(PTRACE).map(([name, number]) => [Number(number), name]));
const counts = new Map<string, number>();

/** The innermost frames of the command's code; undefined where it is not the command that calls. */
function callers(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 14;
  const lines = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const outside = lines.filter((line) => !line.includes('/faults/inject.cjs'));
  const frames = outside.map((line) => /at (?:async )?(?:new )?(\S+ )?\(?.*\/dist\/bin\/\w+\.cjs:(\d+):/.exec(line));
  if (frames[0] === null || frames[0] === undefined) return undefined;
  const named = frames.flatMap((match) => (match === null ? [] : [`${(match[1] ?? '').trim()}:${match[2]}`]));
  return named.slice(0, 5).join('<');
}

/** Counts a call; how it is to fail, where it is to. */
function arrive(name: string, calledFrom?: string): Failure | undefined {
  // Where a call comes from takes longer to tell than most calls take.
  if (plan.record === undefined && plan.fault?.point.startsWith(`${thread}:${name} `) !== true) return undefined;
  const from = calledFrom ?? callers();
  if (from === undefined) return undefined;
  const point = `${thread}:${name} ${from}`;
  const occurrence = (counts.get(point) ?? 0) + 1;
  counts.set(point, occurrence);
  if (plan.record !== undefined && occurrence <= 2) appendFileSync(plan.record, `${point}\n`);
  const { fault } = plan;
  if (fault?.point !== point || (fault.occurrence !== 0 && fault.occurrence !== occurrence)) return undefined;
  return fault.failure;
}

function errnoOf(failure: Failure): number {
  return constants.errno[failure as keyof typeof constants.errno];
}

/** What of a call tells it from others of the same function. */
function nameOf(name: string, values: readonly unknown[]): string {
  const first = Number(values[0]);
  if (name === 'syscall') return `syscall.${numbers.get(first) ?? first}`;
  if (name === 'ptrace') return `ptrace(${requests.get(first) ?? first})`;
  if (name === 'ioctl' || name === 'fcntl') return `${name}(${Number(values[1])})`;
  if (name === 'trampfd_bounded_call') return `${name}(${numbers.get(first) ?? first})`;
  return name;
}

const koffi = load('koffi') as Koffi;
const { load: loadLibrary, decode, proto } = koffi;
let realPtrace: Callable | undefined;

/** The list of the process that is held before it becomes the program: a record is a number, six arguments, a result. */
let heldList: DataView | undefined;
const RECORD = 64;
const HELD_LIST_BYTES = 1 << 20;
const NO_CALL = 0xfff;

/** Has a call of the held process be one that the kernel does not know. */
function spoilHeld(): void {
  const from = heldList === undefined ? undefined : callers();
  if (heldList === undefined || from === undefined) return;
  for (let at = 0; at < heldList.byteLength; at += RECORD) {
    const number = heldList.getBigInt64(at, true);
    if (number === -1n) return;
    const failure = arrive(`held.${numbers.get(Number(number)) ?? number}`, from);
    if (failure !== undefined) heldList.setBigInt64(at, BigInt(NO_CALL), true);
  }
}

/** The same of a call that a stopped thread is about to be made to make. */
function spoilRemote(threadId: unknown): void {
  const bytes = new Uint8Array(USER_REGS.size);
  const address = bytes as unknown;
  if (realPtrace === undefined || Number(realPtrace(PTRACE.PTRACE_GETREGS, threadId, 0n, address)) < 0) return;
  const view = new DataView(bytes.buffer);
  if (view.getBigInt64(USER_REGS.orig_rax, true) !== -1n) return;
  const number = view.getBigInt64(USER_REGS.rax, true);
  if (number < 0n || arrive(`remote.${numbers.get(Number(number)) ?? number}`) === undefined) return;
  view.setBigInt64(USER_REGS.rax, BigInt(NO_CALL), true);
  realPtrace(PTRACE.PTRACE_SETREGS, threadId, 0n, address);
}

/** The same of a call that a child is about to make, or the one that it is made by: all of them stand in a list. */
function spoilSpawned(address: unknown): void {
  for (let at = 0; ; at += RECORD) {
    const view = new DataView(koffi.view(BigInt(address as bigint) + BigInt(at), RECORD));
    const number = view.getBigInt64(0, true);
    if (number === -1n) return;
    if (number === -2n) continue;
    const call = numbers.get(Number(number)) ?? String(number);
    if (call === 'exit_group' || arrive(`spawned.${call}`) === undefined) continue;
    view.setBigInt64(0, BigInt(NO_CALL), true);
  }
}

/** Goes through a list of calls of this process up to the one that is to fail. */
function runList(real: Callable, address: unknown): unknown {
  for (let at = 0; ; at += RECORD) {
    const view = new DataView(koffi.view(BigInt(address as bigint) + BigInt(at), RECORD));
    const number = view.getBigInt64(0, true);
    if (number === -1n) return real(address);
    if (number === -2n) continue;
    const failure = arrive(`listed.${numbers.get(Number(number)) ?? number}`);
    if (failure === undefined) continue;
    if (failure === 'throw') throw new Error('made to throw');
    view.setBigInt64(0, -1n, true);
    const reached = Number(real(address));
    view.setBigInt64(0, number, true);
    if (reached === at) view.setBigInt64(RECORD - 8, BigInt(-errnoOf(failure)), true);
    return reached;
  }
}

function failed(name: string, failure: Failure): unknown {
  if (name === 'trampfd_bounded_call') return -errnoOf(failure);
  if (RETURNS_ERRNO.has(name)) return errnoOf(failure);
  koffi.errno(errnoOf(failure));
  return -1;
}

/** A call that does half of what it is asked for: of pread and its like the length is the third argument. */
function short(real: Callable, name: string, values: readonly unknown[]): unknown {
  if (name.startsWith('process_vm_')) {
    const length = new DataView(koffi.view(values[1], 16));
    length.setBigUint64(8, length.getBigUint64(8, true) / 2n, true);
    return real(...values);
  }
  return real(...values.map((value, index) => (index === 2 ? Math.floor(Number(value) / 2) : value)));
}

function wrap(real: Callable, name: string): Callable {
  if (INFALLIBLE.has(name)) return real;
  return (...values) => {
    if (nameOf(name, values) === 'syscall.exit') return real(...values);
    if (name === 'trampfd_call_list') return runList(real, values[0]);
    const request = name === 'ptrace' ? Number(values[0]) : -1;
    if (request === PTRACE.PTRACE_CONT && thread === 'main') spoilHeld();
    if (request === PTRACE.PTRACE_SYSCALL) spoilRemote(values[1]);
    const failure = arrive(nameOf(name, values));
    if (failure === 'short') return short(real, name, values);
    if (failure === 'throw') throw new Error('made to throw');
    if (failure !== undefined) return failed(name, failure);
    const result = real(...values);
    if (name === 'mmap' && thread === 'main' && Number(values[1]) === HELD_LIST_BYTES) {
      heldList = new DataView(koffi.view(result, HELD_LIST_BYTES));
    }
    return result;
  };
}

/** Where the thread of libuv's pool keeps errno. */
let poolErrno: unknown;

function wrapAsync(real: Callable, name: string): Callable {
  return (...values) => {
    const answer = values.at(-1) as Callable;
    const failure =
      INFALLIBLE.has(name) || nameOf(name, values) === 'syscall.exit'
        ? undefined
        : arrive(`pool.${nameOf(name, values)}`);
    if (failure === 'throw') throw new Error('made to throw');
    if (failure !== undefined) {
      if (!RETURNS_ERRNO.has(name)) new DataView(koffi.view(poolErrno, 4)).setInt32(0, errnoOf(failure), true);
      return setImmediate(() => answer(null, RETURNS_ERRNO.has(name) ? errnoOf(failure) : -1));
    }
    if (name !== '__errno_location') return real(...values);
    return real((error: unknown, address: unknown) => {
      poolErrno = address;
      answer(error, address);
    });
  };
}

koffi.load = (path) => {
  const library = loadLibrary(path);
  return {
    func: (prototype) => {
      const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
      const real = library.func(prototype);
      if (name === 'ptrace') realPtrace = library.func('long ptrace(long, long, uint64_t, void *)');
      return Object.assign(wrap(real, name), { async: wrapAsync(real.async, name) });
    },
  };
};

/** Functions of the command's own code, by the type that they are made from. */
const ownTypes = new Map<unknown, string>();
koffi.proto = (prototype) => {
  const type = proto(prototype);
  ownTypes.set(type, /(\w+)\(/.exec(prototype)?.[1] ?? prototype);
  return type;
};
koffi.decode = (address, type, ...rest) => {
  const name = ownTypes.get(type);
  const value = decode(address, type, ...rest);
  if (name === undefined) return value;
  const real = value as Callable & { async: Callable };
  const async: Callable = (...values) => {
    if (name === 'trampfd_spawn') spoilSpawned(values[0]);
    return real.async(...values);
  };
  return Object.assign(wrap(real, name), { async });
};

function fileError(failure: Failure, name: string): Error {
  const message = `${failure}: made to fail, ${name.replace(/Sync$/, '')}`;
  return Object.assign(new Error(message), { code: failure, errno: -errnoOf(failure), syscall: name });
}

function wrapFile(real: Callable, name: string): Callable {
  return (...values) => {
    // What is said on standard error is what the test looks for.
    const failure = name === 'writeSync' && values[0] === 2 ? undefined : arrive(`fs.${name}`);
    if (failure === undefined) return real(...values);
    if (failure !== 'short') throw fileError(failure, name);
    return real(values[0], values[1], values[2], Math.floor(Number(values[3]) / 2), values[4]);
  };
}

const fs = load('node:fs') as Record<string, Callable & { native?: Callable }>;
for (const name of FILE_FUNCTIONS) {
  const real = fs[name];
  if (real === undefined) throw new Error(`node:fs has no ${name}`);
  const { native } = real;
  fs[name] = Object.assign(wrapFile(real, name), native === undefined ? {} : { native: wrapFile(native, name) });
}

const threads = load('node:worker_threads') as Record<string, unknown>;
const RealWorker = threads['Worker'] as new (...values: unknown[]) => object;
threads['Worker'] = class {
  constructor(...values: unknown[]) {
    const failure = arrive('Worker');
    if (failure !== undefined) throw Object.assign(new Error('made to fail'), { code: 'ERR_WORKER_INIT_FAILED' });
    // biome-ignore lint/correctness/noConstructorReturn: the real one stands in for this one
    return new RealWorker(...values);
  }
};
