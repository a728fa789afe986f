/**
 * What a trampoline of version 1 gives to read: its mapping parameters, and the register and stack contexts as they were
 * written, entry by entry. A context that is not set reads as a header of zeros.
 *
 * A read gives the context from its start, as much of it as the count allows. The proposal copies as much, but returns
 * the count even where the context is shorter; here the answer is the bytes that were copied, as read(2) has it.
 *
 * @module
 */
import { TRAMPFD_MAP, TRAMPFD_REG, TRAMPFD_REGS, TRAMPFD_STACK } from '../abi/trampfd_user.js';
import type { RegisterValue, StackContext, UserTrampoline } from './user.js';
import type { ReadableContext } from './user_arguments.js';
import { type MapParameters, mapParametersOf } from './user_mapping.js';

/**
 * The bytes that a read of a context gives.
 *
 * @param count bytes that the reader has room for, as `judgeUserRead` found them good
 * @returns the first `count` bytes of the context's structure, or all of it where it is shorter
 * @throws TrampfdError EOPNOTSUPP for the mapping parameters where the architecture has no code for contexts
 */
export function readContext(user: UserTrampoline, kind: ReadableContext, count: number): Uint8Array {
  return encode(user, kind).subarray(0, count);
}

function encode(user: UserTrampoline, kind: ReadableContext): Uint8Array {
  switch (kind) {
    case 'mapping':
      return encodeMapParameters(mapParametersOf(user));
    case 'registers':
      return encodeRegisters(user.registers ?? []);
    case 'stack':
      return encodeStack(user.stack ?? { flags: 0, offset: 0, data: new Uint8Array() });
  }
}

/** The bytes of a struct trampfd_map. */
function encodeMapParameters(parameters: MapParameters): Uint8Array {
  const view = new DataView(new ArrayBuffer(TRAMPFD_MAP.sizeof));
  for (const field of ['size', 'prot', 'flags', 'offset', 'ioffset'] as const) {
    view.setUint32(TRAMPFD_MAP[field], parameters[field], true);
  }
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_regs. */
function encodeRegisters(registers: readonly RegisterValue[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(TRAMPFD_REGS.sizeof + TRAMPFD_REG.sizeof * registers.length));
  view.setUint32(TRAMPFD_REGS.nregs, registers.length, true);
  for (const [index, { name, value }] of registers.entries()) {
    const at = TRAMPFD_REGS.regs + TRAMPFD_REG.sizeof * index;
    view.setUint32(at + TRAMPFD_REG.name, name, true);
    view.setBigUint64(at + TRAMPFD_REG.value, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_stack. */
function encodeStack({ flags, offset, data }: StackContext): Uint8Array {
  const bytes = new Uint8Array(TRAMPFD_STACK.sizeof + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(TRAMPFD_STACK.flags, flags, true);
  view.setUint32(TRAMPFD_STACK.offset, offset, true);
  view.setUint32(TRAMPFD_STACK.size, data.length, true);
  bytes.set(data, TRAMPFD_STACK.data);
  return bytes;
}
