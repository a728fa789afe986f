/**
 * What the tests of trampolines run over: every architecture, every pair of registers, addresses of every kind.
 *
 * @module
 */
import fc from 'fast-check';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { type RegisterUse, registersFor } from '../../src/trampoline/registers.js';
import { type Table, trampolinesPerPage } from '../../src/trampoline/table.js';
import { type TableTrampoline, type Trampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';

/** Every architecture's name. */
export const architectureNames: readonly ArchitectureName[] = Object.keys(architectures) as ArchitectureName[];

/** Every pair of two different registers that a table may name, code register first. */
export function registerPairs(name: ArchitectureName): [codeRegister: string, dataRegister: string][] {
  const names = (use: RegisterUse) => registersFor(name, use).map((register) => register.name);
  return names('code').flatMap((code) =>
    names('data')
      .filter((data) => data !== code)
      .map((data): [string, string] => [code, data]),
  );
}

/** Addresses of `entries` words that a table may have: any, and those at the edges of the space and of its halves. */
export function tableAddresses(name: ArchitectureName, entries = 1): fc.Arbitrary<bigint> {
  const word = BigInt(architectures[name].wordSize);
  const last = (1n << (8n * word)) / word - BigInt(entries);
  const edges = [1n, (1n << 31n) / word, (1n << 32n) / word, (1n << 47n) / word, last];
  const nearEdges = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n, edge - BigInt(entries >> 1)]);
  const allowed = [...new Set(nearEdges)].filter((index) => index >= 1n && index <= last);
  return fc.oneof(fc.bigInt({ min: 1n, max: last }), fc.constantFrom(...allowed)).map((index) => index * word);
}

/** Everything that makes a table's trampoline. */
export function slots(name: ArchitectureName): fc.Arbitrary<TableTrampoline> {
  return fc
    .tuple(fc.constantFrom(...registerPairs(name)), tableAddresses(name), tableAddresses(name))
    .map(([[codeRegister, dataRegister], codeSlot, dataSlot]) => ({ codeRegister, codeSlot, dataRegister, dataSlot }));
}

/** Every trampoline that a table may have. */
export function trampolines(name: ArchitectureName): fc.Arbitrary<Trampoline> {
  return slots(name).map(tableTrampoline);
}

/** Every table that a page of `pageSize` bytes may have. */
export function tables(name: ArchitectureName, pageSize = 4096): fc.Arbitrary<Table> {
  const limit = trampolinesPerPage(name, pageSize);
  return fc
    .tuple(
      fc.constantFrom(...registerPairs(name)),
      fc.oneof(fc.integer({ min: 1, max: limit }), fc.constant(limit)),
      tableAddresses(name, limit),
      tableAddresses(name, limit),
    )
    .map(([[codeRegister, dataRegister], count, codeTable, dataTable]) => ({
      architecture: name,
      count,
      codeRegister,
      dataRegister,
      codeTable,
      dataTable,
    }));
}

/** One trampoline for every pair of registers, with addresses that differ from run to run. */
export function oneForEachPair(name: ArchitectureName): Trampoline[] {
  const pairs = registerPairs(name);
  const addresses = fc.sample(tableAddresses(name), 2 * pairs.length);
  return pairs.map(([codeRegister, dataRegister], index) =>
    tableTrampoline({
      codeRegister,
      codeSlot: addresses[2 * index] ?? 8n,
      dataRegister,
      dataSlot: addresses[2 * index + 1] ?? 8n,
    }),
  );
}
