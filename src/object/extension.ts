/**
 * The extension of the interface for tables of more than one page: a struct trampfd_extension, written before anything
 * else. It is this project's own; the proposal has none, and a table that it is not asked for is the proposal's.
 *
 * The order of the checks is that of the other structures: what is wrong whatever the table's state is (the version, by
 * which all the rest is read, and `reserved`), then the state, then the values. Where code or data is set already the answer
 * is EEXIST and not EINVAL: EINVAL is what an implementation without the extension says, and programs ask so whether there
 * is one.
 *
 * @module
 */
import { TRAMPFD, TRAMPFD_EXTENSION_STRUCTURE } from '../abi/trampfd.js';
import { exists, invalid, type Refusal } from './refusal.js';
import type { TableObject } from './table.js';

/**
 * Sets how many trampolines a table may hold, from the bytes of a struct trampfd_extension.
 *
 * @returns the table with the extension; the given one stays as it is
 */
export function setExtension(table: TableObject, bytes: Uint8Array): { readonly table: TableObject } | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(TRAMPFD_EXTENSION_STRUCTURE.version, true);
  const ntrampolines = view.getUint32(TRAMPFD_EXTENSION_STRUCTURE.ntrampolines, true);
  const reserved = view.getBigUint64(TRAMPFD_EXTENSION_STRUCTURE.reserved, true);
  if (version !== TRAMPFD.TRAMPFD_EXTENSION_VERSION) {
    return invalid(`the extension's version is ${version}; this is version ${TRAMPFD.TRAMPFD_EXTENSION_VERSION}`);
  }
  if (reserved !== 0n) return invalid("the extension's reserved fields must be 0");
  if (table.extension !== undefined) {
    return exists(`the table may hold ${table.extension.ntrampolines} trampolines already; create another table`);
  }
  if (table.code !== undefined || table.data !== undefined) {
    const set = table.code === undefined ? 'data' : 'code';
    return exists(`the ${set} descriptor is set already; write the extension before code and data`);
  }
  if (ntrampolines === 0 || ntrampolines > TRAMPFD.TRAMPFD_EXTENSION_MOST) {
    const most = TRAMPFD.TRAMPFD_EXTENSION_MOST;
    return invalid(
      `the extension asks for ${ntrampolines} trampolines; a table holds 1 to ${most}: use several tables`,
    );
  }
  return { table: { ...table, extension: { ntrampolines } } };
}
