/**
 * A trampoline of version 1 of the trampfd interface (TRAMPFD_USER), as its descriptor stands for it: an immutable value
 * that begins without contexts and takes each of three, any number of times. No I/O happens here.
 *
 * It follows the first version of the kernel proposal of trampfd(2) (July 2020). Unlike a table it has no states: the
 * contexts are set, changed and removed in any order, mapped or not, and the newest of each counts.
 *
 *     registers     what a call loads, the target among them; without them a call is a fault
 *     stack         what a call puts on the stack
 *     allowed PCs   the targets that a register context may have from then on
 *
 * The contexts are kept as they were written, for a program reads them back to see that they are what it meant. What a
 * call of them does is another value: {@link contextOf}.
 *
 * @module
 */
import { TRAMPFD_USER_STRUCTURE, TRAMPFD_V1, type UserRegisters, userRegisters } from '../abi/trampfd_user.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import type { ContextTrampoline } from '../trampoline/trampoline.js';
import { invalid, type Refusal } from './refusal.js';

/** An architecture that version 1 has registers of. */
export type UserArchitecture = keyof typeof userRegisters;

/** An entry of a register context. */
export interface RegisterValue {
  /** Number of the register, as version 1 numbers them. */
  readonly name: number;
  readonly value: bigint;
}

/** A stack context. */
export interface StackContext {
  /** 0 or TRAMPFD_SET_SP. */
  readonly flags: number;
  /** Bytes left free between the data's end and the stack pointer, before anything is aligned. */
  readonly offset: number;
  /** At least one byte. */
  readonly data: Uint8Array;
}

/** A trampoline of version 1, with the contexts that are set. */
export interface UserTrampoline {
  /** Architecture of the program that created it; only such a program can use it. */
  readonly architecture: UserArchitecture;
  /** Bytes of a page of the machine. */
  readonly pageSize: number;
  /** In the order in which they were written; a name may come several times. */
  readonly registers?: readonly RegisterValue[];
  readonly stack?: StackContext;
  readonly allowedPcs?: readonly bigint[];
}

/**
 * Judges the call that creates a trampoline, before the caller's memory is read.
 *
 * @param flags the third argument, of which the kernel would look at 32 bits
 * @returns nothing where the call is good so far: there is no flag yet
 */
export function judgeUserCreate(flags: bigint): Refusal | undefined {
  const given = BigInt.asUintN(32, flags);
  return given === 0n ? undefined : invalid(`the third argument of the call is ${given}; it must be 0`);
}

/**
 * A trampoline without contexts for a program of an architecture.
 *
 * @param bytes the struct trampfd_user that the call's second argument points to
 * @param pageSize bytes of a page of the machine, as getpagesize(2) gives it
 */
export function createUser(
  bytes: Uint8Array,
  architecture: ArchitectureName,
  pageSize: number,
): { readonly user: UserTrampoline } | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const field of ['flags', 'reserved'] as const) {
    const given = view.getUint32(TRAMPFD_USER_STRUCTURE[field], true);
    if (given !== 0) return invalid(`${field} of struct trampfd_user is ${given}; it must be 0`);
  }
  if (!isUserArchitecture(architecture)) {
    const names = Object.keys(userRegisters).join(', ');
    const reason = `${architecture} has no trampolines of version 1, only ${names} do; create a table`;
    return { errno: 'EOPNOTSUPP', reason };
  }
  return { user: { architecture, pageSize } };
}

function isUserArchitecture(architecture: ArchitectureName): architecture is UserArchitecture {
  return Object.hasOwn(userRegisters, architecture);
}

/** The registers of an architecture that version 1 has. */
function registersOf(architecture: UserArchitecture): UserRegisters {
  return userRegisters[architecture];
}

/** The name of the register that has a number in version 1, or nothing where the architecture has none of it. */
export function userRegisterByNumber(architecture: UserArchitecture, number: number): string | undefined {
  const { names, first } = registersOf(architecture);
  return names[number - first];
}

/** The program counter's name, which is one of the registers of version 1. */
export function programCounterOf(architecture: UserArchitecture): string {
  return registersOf(architecture).names.at(-1) ?? '';
}

/** Every register that a context of an architecture may name, for people: `eax 0, ebx 1, ...`. */
export function listUserRegisters(architecture: UserArchitecture): string {
  const { names, first } = registersOf(architecture);
  return names.map((name, index) => `${name} ${first + index}`).join(', ');
}

/** What the named registers hold after a call, by name: where a name comes twice, the last counts. */
export function effectiveRegisters(
  architecture: UserArchitecture,
  registers: readonly RegisterValue[],
): ReadonlyMap<string, bigint> {
  return new Map(registers.map(({ name, value }) => [userRegisterByNumber(architecture, name) ?? '', value]));
}

/**
 * What a call of the trampoline does.
 *
 * @returns nothing while it has no register context: then a call is a fault
 */
export function contextOf({ architecture, registers, stack }: UserTrampoline): ContextTrampoline | undefined {
  if (registers === undefined) return undefined;
  const values = new Map(effectiveRegisters(architecture, registers));
  const programCounter = programCounterOf(architecture);
  const target = values.get(programCounter) ?? 0n;
  values.delete(programCounter);
  return {
    registers: Array.from(values, ([name, value]) => ({ register: nameInCode(architecture, name), value })),
    target,
    ...(stack === undefined ? {} : { stack: stackDataOf(stack) }),
  };
}

/** A register's name in code, where it stands at the same place: arm's ip is r12 there, as it is in tables. */
function nameInCode(architecture: UserArchitecture, name: string): string {
  return architectures[architecture].context?.registers[registersOf(architecture).names.indexOf(name)] ?? name;
}

function stackDataOf({ data, offset, flags }: StackContext): NonNullable<ContextTrampoline['stack']> {
  return { data, offset, movesStackPointer: (flags & TRAMPFD_V1.TRAMPFD_SET_SP) !== 0 };
}
