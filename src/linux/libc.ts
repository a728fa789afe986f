/**
 * The C library's functions as this project calls them, through koffi, and memory outside of the JavaScript heap.
 *
 * A function here returns what the system call returned, or the negated error number, as the kernel itself does: a
 * receive loop that answers 100,000 calls a second does not build an exception for each.
 *
 * @module
 */
import koffi from 'koffi';
import { MAP, PROT } from '../abi/mman.js';

/** What a native function is given. */
export type NativeValue = number | bigint | string | Uint8Array | null;

/** A native function of the C library. Pointers and 64-bit results may come as numbers where they are small. */
export interface NativeFunction {
  (...values: NativeValue[]): number | bigint;
  /** Calls it on a thread of libuv's pool; the callback comes last. */
  readonly async: (...values: (NativeValue | NativeCallback)[]) => void;
}

/** Receives the result of a call on another thread. */
export type NativeCallback = (error: Error | null, value: number | bigint) => void;

const library = koffi.load(null);

/** Declares a function of the C library. */
export function native(prototype: string): NativeFunction {
  return library.func(prototype) as NativeFunction;
}

/** A function that stands at an address of this process, with the calling convention of C. */
export function nativeAt(address: bigint, prototype: string): NativeFunction {
  return koffi.decode(address, koffi.proto(prototype)) as NativeFunction;
}

/** -1 becomes the negated error number of the calling thread; all else stays. */
export function negatedErrno(result: number | bigint): number {
  const value = Number(result);
  return value === -1 ? -koffi.errno() : value;
}

/** Memory outside of the JavaScript heap: it never moves, and the kernel may be given its address. */
export interface NativeMemory {
  /** Where it is. */
  readonly address: bigint;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** The same bytes, to read and write fields. */
  readonly view: DataView;
}

const calloc = native('void *calloc(size_t, size_t)');

/**
 * Allocates zeroed memory that lives until the process ends. For the few buffers that a thread keeps; nothing is ever
 * given back.
 */
export function allocate(size: number): NativeMemory {
  const address = BigInt(calloc(1, Math.max(size, 1)));
  const buffer = koffi.view(address, Math.max(size, 1));
  return { address, bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');

/**
 * Allocates zeroed memory that this process shares with those that it starts as copies of itself. It lives until the
 * process ends.
 */
export function allocateShared(size: number): NativeMemory {
  const { PROT_READ, PROT_WRITE } = PROT;
  const flags = MAP.MAP_SHARED | MAP.MAP_ANONYMOUS;
  const address = BigInt(libcMmap(null, Math.max(size, 1), PROT_READ | PROT_WRITE, flags, -1, 0));
  if (address === -1n) throw new RangeError(`memory: ${size} bytes cannot be had`);
  const buffer = koffi.view(address, Math.max(size, 1));
  return { address, bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

/** Allocates a C string (the terminating zero is added). */
export function allocateString(text: string | Uint8Array): NativeMemory {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const memory = allocate(bytes.length + 1);
  memory.bytes.set(bytes);
  return memory;
}

/** Allocates a NULL-terminated array of C strings, as argv and environ are. */
export function allocateStrings(texts: readonly (string | Uint8Array)[]): NativeMemory {
  const array = allocate((texts.length + 1) * 8);
  texts.forEach((text, index) => {
    array.view.setBigUint64(index * 8, allocateString(text).address, true);
  });
  return array;
}

/** Runs a native function on a thread of libuv's pool, never on this one. */
export function onPoolThread(target: NativeFunction, ...values: NativeValue[]): Promise<number | bigint> {
  return new Promise((resolve, reject) => {
    target.async(...values, (error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

/** Memory of this process that is readable and writable, at its address. */
export function memoryAt(address: bigint, length: number): Uint8Array {
  return new Uint8Array(koffi.view(address, length));
}

/** Reads the 32-bit integer at an address of this process. */
export function readInt(address: bigint): number {
  return new DataView(koffi.view(address, 4)).getInt32(0, true);
}

/** Bytes at an address of this process, which must be readable there. */
export function readBytes(address: bigint, length: number): Uint8Array {
  return new Uint8Array(koffi.view(address, length)).slice();
}

const libcDlsym = native('int64_t dlsym(int64_t, const char *)');

/** The address of a function of the C library (dlsym(3)). */
export function symbolAddress(name: string): bigint {
  return BigInt(libcDlsym(0, name));
}
