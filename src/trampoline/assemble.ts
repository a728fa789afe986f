/**
 * Assemble: from a trampoline to the instructions that do what it says.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import type { Instruction, SlotLoad } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';
import { registerByName, registersFor } from './registers.js';
import type { Load, Trampoline } from './trampoline.js';

/**
 * Judges the address of a table, or of one slot of it.
 *
 * @param count entries from that address on, each a word of the architecture
 * @throws TrampfdError EINVAL when it is NULL, not aligned to a word, or when the last entry ends above what a word can
 *   address
 */
export function requireTableAddress(architecture: ArchitectureName, address: bigint, count = 1): void {
  const { wordSize } = architectures[architecture];
  const refuse = (rule: string): never => {
    const text = `${address < 0n ? '-' : ''}0x${(address < 0n ? -address : address).toString(16)}`;
    throw new TrampfdError('EINVAL', `table slot ${text}: ${rule}`);
  };
  if (address === 0n) refuse('a table may not be at NULL; give the address of one');
  if (address % BigInt(wordSize) !== 0n)
    refuse(`entries of ${architecture} are aligned to ${wordSize} bytes; align it`);
  if (address < 0n || address + BigInt(count * wordSize) > 1n << BigInt(8 * wordSize)) {
    refuse(`${count} x ${wordSize} bytes from there do not fit into ${8 * wordSize} address bits; put it lower`);
  }
}

/**
 * Judges the two registers of a table's trampolines.
 *
 * @throws TrampfdError EINVAL when either is unknown, when the code's can only take data, or both are the same, for then
 *   the jump would go to the data
 */
export function requireTableRegisters(
  architecture: ArchitectureName,
  codeRegister: string,
  dataRegister: string,
): void {
  const code = registerByName(architecture, codeRegister);
  registerByName(architecture, dataRegister);
  if (code.dataOnly) {
    const names = registersFor(architecture, 'code').map(({ name }) => name);
    throw new TrampfdError(
      'EINVAL',
      `register ${codeRegister}: it can hold the data only, not the target; name one of ${names.join(' ')}`,
    );
  }
  if (codeRegister === dataRegister) {
    throw new TrampfdError(
      'EINVAL',
      `register ${codeRegister}: it cannot hold both the target and the data; name two registers`,
    );
  }
}

function slotLoad({ register, from }: Load, architecture: ArchitectureName): SlotLoad {
  if (from.kind !== 'memory') {
    throw new TrampfdError('EINVAL', `register ${register}: a table's trampoline loads from memory; give an address`);
  }
  requireTableAddress(architecture, from.address);
  return { register: registerByName(architecture, register), address: from.address };
}

/**
 * The instructions of a trampoline.
 *
 * @throws TrampfdError EINVAL as {@link assemble} does
 */
export function instructionsOf(trampoline: Trampoline, architecture: ArchitectureName): readonly Instruction[] {
  const [code, data, ...more] = trampoline.loads;
  const target = 'register' in trampoline.target ? trampoline.target.register : undefined;
  if (
    code === undefined ||
    data === undefined ||
    more.length > 0 ||
    target !== code.register ||
    trampoline.stack !== undefined ||
    trampoline.carry !== undefined ||
    trampoline.push !== undefined
  ) {
    throw new TrampfdError(
      'EINVAL',
      `trampoline of ${trampoline.loads.length} loads to ${target ?? 'an address'}: only a table's trampoline can be assembled; load the target's register first, then one data register`,
    );
  }
  requireTableRegisters(architecture, code.register, data.register);
  return architectures[architecture].assembleSlot(slotLoad(code, architecture), slotLoad(data, architecture));
}

/**
 * The code of a trampoline, which does exactly what {@link Trampoline} says wherever it stands.
 *
 * @returns as many bytes as a slot of the architecture's tables has (`tableSlotSize`)
 * @throws TrampfdError EINVAL when a register is unknown or loaded twice, when a slot's address is NULL, misaligned or
 *   too large, and when it is not a table's trampoline
 * @example
 * assemble(tableTrampoline({ codeRegister: 'r11', codeSlot: 0x1000n, dataRegister: 'r10', dataSlot: 0x2000n }), 'x86-64')
 */
export function assemble(trampoline: Trampoline, architecture: ArchitectureName): Uint8Array {
  return Uint8Array.from(instructionsOf(trampoline, architecture).flatMap(({ bytes }) => bytes));
}
