/**
 * Apply: what a call of a trampoline does, computed instead of executed.
 *
 * It emulates a call where the code itself may not run, and is the reference that execution is held against.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import type { Registers } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';
import { jumpRegisterBeside, registerByName } from './registers.js';
import type { Trampoline } from './trampoline.js';

/** Reads the unsigned integer of `size` bytes at `address`, in the architecture's byte order; may throw, as a load may. */
export type Memory = (address: bigint, size: 4 | 8) => bigint;

/**
 * The registers after a trampoline has run, at the first instruction of its target.
 *
 * @param registers all registers before, by name, as unsigned integers; the program counter is `rip`, `eip` or `pc`,
 *   and arm's state has `cpsr`, whose T bit the jump sets from bit 0 of the target
 * @param memory the memory that it loads from, as the calling process sees it
 * @returns a new state, equal but for the loaded registers, the stack pointer where data or a push moves it, the carry
 *   flag where it is set (bit 0 of `eflags`), the program counter, and what else the architecture's jump changes: arm's
 *   T bit, and the register that a jump to a given address goes through on arm64
 * @throws TrampfdError EINVAL when it names a register or a flag that the architecture's trampolines cannot change, or
 *   when the registers have no value for what it jumps through or changes a part of; and what `memory` throws
 */
export function apply(
  trampoline: Trampoline,
  registers: Registers,
  memory: Memory,
  architecture: ArchitectureName,
): Registers {
  const { wordSize, jump } = architectures[architecture];
  const after: Record<string, bigint> = { ...registers };
  for (const { register, from } of trampoline.loads) {
    after[registerByName(architecture, register).name] =
      from.kind === 'memory' ? memory(from.address, wordSize) : from.value;
  }
  const stack = stackWrite(trampoline, registers, architecture);
  if (stack !== undefined) after[stack.register] = stack.stackPointer;
  if (trampoline.carry !== undefined) Object.assign(after, carryFlag(trampoline.carry, registers, architecture));
  if ('address' in trampoline.target) {
    const { address } = trampoline.target;
    const named = trampoline.loads.map(({ register }) => register);
    const through = jumpRegisterBeside(named, architecture);
    if (through !== undefined) after[through] = address;
    return { ...after, ...jump(address, after) };
  }
  const target = after[trampoline.target.register];
  if (target === undefined) {
    throw new TrampfdError(
      'EINVAL',
      `jump through ${trampoline.target.register}: the registers have no value for it; give one`,
    );
  }
  return { ...after, ...jump(target, after) };
}

/** The register that holds the carry flag, after that is set to `carry`. */
function carryFlag(carry: boolean, registers: Registers, architecture: ArchitectureName): Registers {
  const flag = architectures[architecture].carry;
  const before = flag && registers[flag.register];
  if (flag === undefined || before === undefined) {
    throw new TrampfdError(
      'EINVAL',
      flag === undefined
        ? `carry flag of ${architecture}: its trampolines set none; leave it out`
        : `carry flag of ${architecture}: the registers have no ${flag.register}, whose bit it is; give it`,
    );
  }
  return { [flag.register]: carry ? before | flag.mask : before & ~flag.mask };
}

/** What a trampoline does to the stack. */
export interface StackWrite {
  /** Where the data goes. */
  readonly address: bigint;
  readonly data: Uint8Array;
  /** The stack pointer's name and what it holds afterwards. */
  readonly register: string;
  readonly stackPointer: bigint;
}

/**
 * The memory that a call changes: the data or the pushed word that goes to the stack, and where the stack pointer is
 * afterwards.
 *
 * @returns nothing where the trampoline leaves the stack alone
 * @throws TrampfdError EINVAL when the architecture's trampolines cannot write to the stack, when the registers have no
 *   value for its stack pointer, and when there is both data and a word to push
 */
export function stackWrite(
  { stack, push }: Trampoline,
  registers: Registers,
  architecture: ArchitectureName,
): StackWrite | undefined {
  if (stack === undefined && push === undefined) return undefined;
  const { wordSize, context } = architectures[architecture];
  const before = context && registers[context.stackPointer];
  if (context === undefined || before === undefined) {
    throw new TrampfdError(
      'EINVAL',
      `data for the stack of ${architecture}: no stack pointer to put it below; give one`,
    );
  }
  const register = context.stackPointer;
  const lowered = (bytes: number): bigint => BigInt.asUintN(8 * wordSize, before - BigInt(bytes));
  if (stack === undefined) {
    const address = lowered(wordSize);
    return { address, data: wordBytes(push ?? 0n, wordSize), register, stackPointer: address };
  }
  if (push !== undefined) {
    throw new TrampfdError('EINVAL', `stack of ${architecture}: both data and a word to push; leave one out`);
  }
  const { data, offset, movesStackPointer } = stack;
  const address = lowered(data.length + offset);
  if (!movesStackPointer) return { address, data, register, stackPointer: before };
  const { before: raised, multiple, after } = context.entryAlignment;
  const aligned = BigInt.asUintN(8 * wordSize, ((address + BigInt(raised)) & -BigInt(multiple)) - BigInt(after));
  return { address: aligned, data, register, stackPointer: aligned };
}

/** A word as it stands in memory. Every architecture with data for the stack has the lowest byte first. */
function wordBytes(word: bigint, wordSize: 4 | 8): Uint8Array {
  return Uint8Array.from({ length: wordSize }, (_, index) => Number((word >> BigInt(8 * index)) & 0xffn));
}
