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
import { registerByName } from './registers.js';
import type { Trampoline } from './trampoline.js';

/** Reads the unsigned integer of `size` bytes at `address`, in the architecture's byte order; may throw, as a load may. */
export type Memory = (address: bigint, size: 4 | 8) => bigint;

/**
 * The registers after a trampoline has run, at the first instruction of its target.
 *
 * @param registers all registers before, by name, as unsigned integers; the program counter is `rip`, `eip` or `pc`,
 *   and arm's state has `cpsr`, whose T bit the jump sets from bit 0 of the target
 * @param memory the memory that it loads from, as the calling process sees it
 * @returns a new state, equal but for the loaded registers, the program counter, and what else the architecture's jump
 *   changes: arm's T bit
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
    after[registerByName(architecture, register).name] = memory(from.address, wordSize);
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
