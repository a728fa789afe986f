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
 * @returns a new state, equal but for the loaded registers, the stack pointer where data moves it, the program counter,
 *   and what else the architecture's jump changes: arm's T bit, and the register that a jump to a given address goes
 *   through on arm64
 * @throws TrampfdError EINVAL when it names a register that the architecture's trampolines cannot load, or jumps
 *   through a register that it has no value for; and what `memory` throws
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
 * The memory that a call changes: the data that goes to the stack, and where the stack pointer is afterwards.
 *
 * @returns nothing where the trampoline has no data for the stack
 * @throws TrampfdError EINVAL when the architecture's trampolines cannot write to the stack, or the registers have no
 *   value for its stack pointer
 */
export function stackWrite(
  { stack }: Trampoline,
  registers: Registers,
  architecture: ArchitectureName,
): StackWrite | undefined {
  if (stack === undefined) return undefined;
  const { wordSize, context } = architectures[architecture];
  const before = context && registers[context.stackPointer];
  if (context === undefined || before === undefined) {
    throw new TrampfdError(
      'EINVAL',
      `data for the stack of ${architecture}: no stack pointer to put it below; give one`,
    );
  }
  const { data, offset, movesStackPointer } = stack;
  const address = BigInt.asUintN(8 * wordSize, before - BigInt(data.length + offset));
  if (!movesStackPointer) return { address, data, register: context.stackPointer, stackPointer: before };
  const { before: raised, multiple, after } = context.entryAlignment;
  const aligned = BigInt.asUintN(8 * wordSize, ((address + BigInt(raised)) & -BigInt(multiple)) - BigInt(after));
  return { address: aligned, data, register: context.stackPointer, stackPointer: aligned };
}
