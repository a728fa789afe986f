/**
 * Contexts of version 1 as a program makes them, for the tests of the object.
 *
 * @module
 */
import { userRegisters } from '../../src/abi/trampfd_user.js';
import { createUser, type UserArchitecture, type UserTrampoline } from '../../src/object/user.js';
import type { WritableContext } from '../../src/object/user_arguments.js';
import type { UserMapRequest } from '../../src/object/user_mapping.js';
import { setContext } from '../../src/object/user_write.js';
import { PAGE_SIZE } from './bytes.js';

/** Every architecture that has version 1. */
export const USER_NAMES: readonly UserArchitecture[] = Object.keys(userRegisters) as UserArchitecture[];

/** A register of a context, by its number. */
export interface RegisterBytes {
  readonly name: number;
  readonly reserved?: number;
  readonly value: bigint;
}

/** Fields of a header that are not what they should be. */
type Fields = Readonly<Partial<Record<'flags' | 'offset' | 'size' | 'nregs' | 'nvalues' | 'reserved', number>>>;

/** The number of an architecture's register. */
export function numberOf(architecture: UserArchitecture, register: string): number {
  const { names, first } = userRegisters[architecture];
  const index = names.indexOf(register);
  if (index < 0) throw new Error(`${architecture} has no ${register}`);
  return first + index;
}

/** The number of an architecture's program counter. */
export function pcOf(architecture: UserArchitecture): number {
  const { names, first } = userRegisters[architecture];
  return first + names.length - 1;
}

/** The bytes of a struct trampfd_user. */
export function userBytes({ flags = 0, reserved = 0 }: Fields = {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, flags, true);
  view.setUint32(4, reserved, true);
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_regs, whose header may say another number than there are. */
export function regsBytes(
  registers: readonly RegisterBytes[],
  { nregs = registers.length, reserved = 0 }: Fields = {},
): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 + 16 * registers.length));
  view.setUint32(0, nregs, true);
  view.setUint32(4, reserved, true);
  for (const [index, register] of registers.entries()) {
    view.setUint32(8 + 16 * index, register.name, true);
    view.setUint32(12 + 16 * index, register.reserved ?? 0, true);
    view.setBigUint64(16 + 16 * index, register.value, true);
  }
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_stack, whose header may say another size than there is. */
export function stackBytes(
  data: readonly number[] | Uint8Array,
  { flags = 0, offset = 0, size = data.length, reserved = 0 }: Fields = {},
): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags, true);
  view.setUint32(4, offset, true);
  view.setUint32(8, size, true);
  view.setUint32(12, reserved, true);
  bytes.set(data, 16);
  return bytes;
}

/** The bytes of a struct trampfd_values, whose header may say another number than there are. */
export function valuesBytes(
  values: readonly bigint[],
  { nvalues = values.length, reserved = 0 }: Fields = {},
): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 + 8 * values.length));
  view.setUint32(0, nvalues, true);
  view.setUint32(4, reserved, true);
  for (const [index, value] of values.entries()) view.setBigUint64(8 + 8 * index, value, true);
  return new Uint8Array(view.buffer);
}

/** A trampoline on which contexts were set that all had to be taken. */
export function userWith(
  architecture: UserArchitecture,
  ...written: readonly (readonly [WritableContext, Uint8Array])[]
): UserTrampoline {
  const made = createUser(userBytes(), architecture, PAGE_SIZE);
  if ('errno' in made) throw new Error(made.reason);
  return written.reduce((user, [kind, bytes]) => {
    const answer = setContext(user, kind, bytes, architecture);
    if ('errno' in answer) throw new Error(answer.reason);
    return answer.user;
  }, made.user);
}

/** A good register context: the first register is 7, the target 0x10000. */
export function goodRegs(architecture: UserArchitecture): Uint8Array {
  const { first } = userRegisters[architecture];
  return regsBytes([
    { name: first, value: 7n },
    { name: pcOf(architecture), value: 0x10000n },
  ]);
}

/** The mmap(2) of a trampoline of x86-64, as its mapping parameters say. */
export const GOOD_USER_MAP: UserMapRequest = {
  length: 8192n,
  protection: 5n,
  flags: 1n,
  offset: 0n,
  callerArchitecture: 'x86-64',
};
