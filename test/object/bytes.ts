/**
 * Descriptors and requests as a program makes them, for the tests of the object.
 *
 * @module
 */
import type { MapRequest } from '../../src/object/mapping.js';
import { createTable, type TableObject } from '../../src/object/table.js';
import { type DescriptorKind, setDescriptor } from '../../src/object/write.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { registersFor } from '../../src/trampoline/registers.js';

/** Every architecture's name. */
export const NAMES: readonly ArchitectureName[] = Object.keys(architectures) as ArchitectureName[];

/** Bytes of a page in these tests, unless one says another. */
export const PAGE_SIZE = 4096;

/** The bytes of a struct trampfd_code. */
export function codeBytes(code: { ntrampolines: number; reg: number; table: bigint }): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, code.ntrampolines, true);
  view.setUint32(4, code.reg, true);
  view.setBigUint64(8, code.table, true);
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_data. */
export function dataBytes(data: { reg: number; reserved?: number; table: bigint }): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, data.reg, true);
  view.setUint32(4, data.reserved ?? 0, true);
  view.setBigUint64(8, data.table, true);
  return new Uint8Array(view.buffer);
}

/** The bytes of a struct trampfd_extension. */
export function extensionBytes(asked: { ntrampolines: number; version?: number; reserved?: bigint }): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, asked.version ?? 1, true);
  view.setUint32(4, asked.ntrampolines, true);
  view.setBigUint64(8, asked.reserved ?? 0n, true);
  return new Uint8Array(view.buffer);
}

/** The number of an architecture's register by its place in the list of those that a table may name for either use. */
export function registerAt(architecture: ArchitectureName, index: number): number {
  const able = registersFor(architecture, 'code');
  const register = able[index % able.length];
  if (register === undefined) throw new Error(`${architecture} has no register`);
  return register.number;
}

/** A table on which descriptors were set that all had to be taken. */
export function tableWith(
  architecture: ArchitectureName,
  ...descriptors: readonly (readonly [DescriptorKind, Uint8Array])[]
): TableObject {
  return descriptors.reduce(
    (table, [kind, bytes]) => {
      const answer = setDescriptor(table, kind, bytes, architecture);
      if ('errno' in answer) throw new Error(answer.reason);
      return answer.table;
    },
    createTable(architecture, PAGE_SIZE),
  );
}

/** A good code descriptor: 3 trampolines, the first register, an array at 0x10000. */
export function goodCode(architecture: ArchitectureName): Uint8Array {
  return codeBytes({ ntrampolines: 3, reg: registerAt(architecture, 0), table: 0x10000n });
}

/** A good data descriptor beside {@link goodCode}: the second register, an array at 0x20000. */
export function goodData(architecture: ArchitectureName): Uint8Array {
  return dataBytes({ reg: registerAt(architecture, 1), table: 0x20000n });
}

/** A table that can be mapped. */
export function completeTable(architecture: ArchitectureName): TableObject {
  return tableWith(architecture, ['code', goodCode(architecture)], ['data', goodData(architecture)]);
}

/** The mmap(2) of the interface: a page, PROT_READ | PROT_EXEC, MAP_PRIVATE, by the creator, not mapped. */
export const GOOD_MAP: MapRequest = {
  length: 4096n,
  protection: 5n,
  flags: 2n,
  offset: 4096n,
  sameProcess: true,
  alreadyMapped: false,
};
