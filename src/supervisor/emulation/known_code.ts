/**
 * Code that programs call where it cannot be executed: recognised once, and known from then on for as long as the same
 * bytes stand there.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { writeMemory } from '../../linux/memory.js';
import { apply, stackWrite } from '../../trampoline/apply.js';
import { recogniseLegacy } from '../../trampoline/legacy.js';
import type { RecognisedCode } from '../../trampoline/legacy_form.js';

/** What a thread's code may be for: a program of 32 bits runs on a processor of 64. */
export type Machine = 'x86-64' | 'i386';

/** Registers of a state, and where each stands in struct user_regs_struct. */
const REGISTERS: Readonly<Record<Machine, Readonly<Record<string, number>>>> = {
  'x86-64': {
    rip: USER_REGS.rip,
    rsp: USER_REGS.rsp,
    eflags: USER_REGS.eflags,
    rax: USER_REGS.rax,
    r10: USER_REGS.r10,
    r11: USER_REGS.r11,
  },
  i386: {
    eip: USER_REGS.rip,
    esp: USER_REGS.rsp,
    eflags: USER_REGS.eflags,
    eax: USER_REGS.rax,
    ecx: USER_REGS.rcx,
    edx: USER_REGS.rdx,
    ebx: USER_REGS.rbx,
    ebp: USER_REGS.rbp,
    esi: USER_REGS.rsi,
    edi: USER_REGS.rdi,
  },
};

const PROGRAM_COUNTER = { 'x86-64': 'rip', i386: 'eip' } as const;

/** A register's new value, by its place in struct user_regs_struct. */
interface Change {
  readonly at: number;
  readonly value: bigint;
}

/** Code that is known. */
export interface KnownCode {
  readonly code: RecognisedCode;
  readonly machine: Machine;
  /** Where it jumps. */
  readonly target: bigint;
  /** All that a call changes, where that is the same whatever the registers and the stack are. */
  readonly changes: readonly Change[] | undefined;
}

/** Codes that are kept: a program whose trampolines come and go on its stack has new ones without end. */
const MOST_KNOWN = 1024;

/** See the module. */
export class KnownCodes {
  readonly #known = new Map<bigint, { readonly bytes: Uint8Array; readonly known: KnownCode }>();

  /** How many are kept. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The code at an address.
   *
   * @param bytes from there on, as many as could be read
   * @returns nothing where it is no form that is known
   */
  find(bytes: Uint8Array, address: bigint, machine: Machine): KnownCode | undefined {
    const before = this.#known.get(address);
    if (before !== undefined && before.known.machine === machine && beginsWith(bytes, before.bytes))
      return before.known;
    const known = knownCode(bytes, address, machine);
    if (known === undefined) return undefined;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(address, { bytes: bytes.slice(0, known.code.length), known });
    return known;
  }
}

function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false;
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function knownCode(bytes: Uint8Array, address: bigint, machine: Machine): KnownCode | undefined {
  const code = recogniseLegacy(bytes, address, machine);
  const target = code && targetOf(code);
  if (code === undefined || target === undefined) return undefined;
  return { code, machine, target, changes: fixedChanges(code, machine) };
}

function targetOf({ trampoline }: RecognisedCode): bigint | undefined {
  const { target, loads } = trampoline;
  if ('address' in target) return target.address;
  const from = loads.find(({ register }) => register === target.register)?.from;
  return from?.kind === 'constant' ? from.value : undefined;
}

/** A trampoline loads nothing from memory here: what its code would have loaded was read with it. */
function noMemory(): never {
  throw new RangeError('a trampoline that was recognised loads constants alone');
}

/** What a call changes, where no flag and nothing of the stack is among it: a call from any state says it. */
function fixedChanges({ trampoline }: RecognisedCode, machine: Machine): readonly Change[] | undefined {
  const { loads, carry, push, stack } = trampoline;
  if (carry !== undefined || push !== undefined || stack !== undefined) return undefined;
  const places = REGISTERS[machine];
  const after = apply(trampoline, {}, noMemory, machine);
  const names = [...loads.map(({ register }) => register), PROGRAM_COUNTER[machine]];
  return names.flatMap((name) => {
    const at = places[name];
    const value = after[name];
    return at === undefined || value === undefined ? [] : [{ at, value }];
  });
}

/**
 * Puts the registers and the stack into the state behind a call.
 *
 * @param state struct user_regs_struct of the thread
 * @returns false where the stack cannot be written
 */
export function carryOut(threadId: number, { code, machine, changes }: KnownCode, state: DataView): boolean {
  if (changes !== undefined) {
    for (const { at, value } of changes) state.setBigUint64(at, value, true);
    return true;
  }
  const { trampoline } = code;
  const places = REGISTERS[machine];
  const before: Record<string, bigint> = {};
  for (const [name, at] of Object.entries(places)) before[name] = state.getBigUint64(at, true);
  const after = apply(trampoline, before, noMemory, machine);
  const write = stackWrite(trampoline, before, machine);
  if (write !== undefined && !writeMemory(threadId, write.address, write.data)) return false;
  for (const [name, at] of Object.entries(places)) {
    const value = after[name];
    if (value !== undefined && value !== before[name]) state.setBigUint64(at, value, true);
  }
  return true;
}

/** What a form's context says about a view, it is to say about what the program writes: nobody can read the view. */
export function relocated(known: KnownCode, start: bigint, end: bigint, distance: bigint): KnownCode {
  const { code, machine } = known;
  const loads = code.trampoline.loads.map((load) => {
    if (load.from.kind !== 'constant') return load;
    const { value } = load.from;
    return value >= start && value < end
      ? { ...load, from: { kind: 'constant' as const, value: value + distance } }
      : load;
  });
  const { push } = code.trampoline;
  const pushed = push !== undefined && push >= start && push < end ? { push: push + distance } : {};
  const moved = { ...code, trampoline: { ...code.trampoline, loads, ...pushed } };
  return { ...known, code: moved, changes: fixedChanges(moved, machine) };
}
