/**
 * The registers that a trampoline table may name, by their number in the trampfd interface and by their name.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import type { TableRegister } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';

/** What a trampoline uses a register for: the target's address, or the data. */
export type RegisterUse = 'code' | 'data';

/** The registers of an architecture that a trampoline may load for one of its two uses, in the order of their numbers. */
export function registersFor(architecture: ArchitectureName, use: RegisterUse): readonly TableRegister[] {
  const { tableRegisters } = architectures[architecture];
  return use === 'data' ? tableRegisters : tableRegisters.filter(({ dataOnly }) => dataOnly === undefined);
}

/**
 * The name of the register that has a number in the trampfd interface (`reg` of its code and data structures).
 *
 * @returns nothing when the architecture has no register of that number; another architecture's numbers count as none
 */
export function registerByNumber(architecture: ArchitectureName, number: number): string | undefined {
  return architectures[architecture].tableRegisters.find((register) => register.number === number)?.name;
}

/**
 * The register of a name, with its numbers in the trampfd interface and in instructions.
 *
 * @throws TrampfdError EINVAL when the architecture has no such register, or none that a trampoline may load
 */
export function registerByName(architecture: ArchitectureName, name: string): TableRegister {
  const { tableRegisters } = architectures[architecture];
  const found = tableRegisters.find((register) => register.name === name);
  if (found !== undefined) return found;
  const names = tableRegisters.map((register) => register.name).join(' ');
  throw new TrampfdError('EINVAL', `register '${name}': a trampoline of ${architecture} can load ${names}; name one`);
}

/**
 * The register that the jump of a context goes through, and that holds the target's address afterwards.
 *
 * @param named the registers that the context names
 * @returns nothing where the architecture's jump needs no register, or where the context names all that it could take
 */
export function jumpRegisterBeside(named: readonly string[], architecture: ArchitectureName): string | undefined {
  return architectures[architecture].context?.jumpRegisters.find((name) => !named.includes(name));
}
