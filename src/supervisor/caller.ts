/**
 * Where a waiting call was made from: the mapping of its instruction, and the code that the stack leads to next.
 *
 * @module
 */
import { type AddressSpace, addressSpaceOf } from '../linux/address_space.js';
import { promptly } from '../linux/late_call.js';
import type { Notification } from '../linux/listener.js';
import type { MapsLine } from '../linux/maps.js';
import { readMemory } from '../linux/memory.js';
import { readProcText } from '../linux/proc_text.js';
import type { CodePlace } from './functions.js';
import type { LoggedCaller } from './log.js';

/** Words of the stack that are looked through, and how many files are named at most. */
const STACK_WORDS = 128;
const MOST_FILES = 3;

function place(line: MapsLine, space: AddressSpace, address: bigint): string {
  return `${line.name}+0x${(address - space.baseOf(line)).toString(16)}`;
}

/** The stack pointer of a thread that waits in a call (proc(5): /proc/TID/syscall has it second to last). */
function stackPointer(threadId: number): bigint | undefined {
  const word = readProcText(threadId, 'syscall', 'latin1')?.trim().split(' ').at(-2);
  return word?.startsWith('0x') === true ? BigInt(word) : undefined;
}

/** Executable code of files that the words of the stack point into, one place a file, but for the one that made the call. */
function stackPlaces(threadId: number, wordSize: 4 | 8, space: AddressSpace, own: string): CodePlace[] {
  const pointer = stackPointer(threadId);
  const stack = pointer === undefined ? undefined : space.at(pointer);
  if (pointer === undefined || stack === undefined) return [];
  const length = Math.min(STACK_WORDS * wordSize, Number(stack.end - pointer));
  const bytes = readMemory(threadId, pointer, length);
  if (bytes === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = new Map<string, CodePlace>();
  for (let at = 0; at + wordSize <= length && found.size < MOST_FILES; at += wordSize) {
    const word = wordSize === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    const line = space.at(word);
    // The auxiliary vector names the vdso; nobody calls the C library from there.
    if (line === undefined || line.name === '' || line.name === '[vdso]' || line.name === own) continue;
    if (!line.permissions.includes('x')) continue;
    if (!found.has(line.name)) found.set(line.name, { line, address: word });
  }
  return [...found.values()];
}

/**
 * Where a function was called from, as far as the word on top of the stack tells: the address that it returns to.
 *
 * @param find finds the executable mapping of an address
 */
export function returnPlace(
  threadId: number,
  stackPointer: bigint,
  wordSize: 4 | 8,
  find: (address: bigint) => MapsLine | undefined,
): CodePlace | undefined {
  const bytes = readMemory(threadId, stackPointer, wordSize);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const address = wordSize === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  const line = find(address);
  return line === undefined ? undefined : { line, address };
}

/** The name of a place's file, or its address where it has none. */
export function fileName(place: CodePlace | undefined): string {
  if (place === undefined) return 'unknown code';
  const { line, address } = place;
  return line.name === '' ? `0x${address.toString(16)}` : line.name;
}

/** The files that a call came from, nearest first: of its instruction, and of the code that the stack leads to next. */
export function filesOf({ file, stack }: LoggedCaller): readonly string[] {
  // As file+0xOFFSET; a path may have a plus itself.
  return [file ?? '', ...stack].map((place) => place.replace(/\+0x[0-9a-f]+$/, ''));
}

/** Says where a waiting call comes from, as far as that can be seen in time. */
export function callerOf(notification: Notification, wordSize: 4 | 8): LoggedCaller {
  const address = `0x${notification.instructionPointer.toString(16)}`;
  const unseen: LoggedCaller = { address, maps: null, file: null, stack: [] };
  return promptly(() => placesOf(notification, wordSize).caller, unseen);
}

/** The same, and the places in files that it comes from, nearest first. @throws as {@link readMemory} */
export function placesOf(
  notification: Notification,
  wordSize: 4 | 8,
): { readonly caller: LoggedCaller; readonly places: readonly CodePlace[] } {
  const { instructionPointer, threadId } = notification;
  const address = `0x${instructionPointer.toString(16)}`;
  using space = addressSpaceOf(threadId);
  const line = space?.at(instructionPointer);
  if (space === undefined || line === undefined) {
    return { caller: { address, maps: null, file: null, stack: [] }, places: [] };
  }
  const stack = stackPlaces(threadId, wordSize, space, line.name);
  const caller = {
    address,
    maps: line.text,
    file: line.name === '' ? null : place(line, space, instructionPointer),
    stack: stack.map((one) => place(one.line, space, one.address)),
  };
  return { caller, places: [...(line.name === '' ? [] : [{ line, address: instructionPointer }]), ...stack] };
}
