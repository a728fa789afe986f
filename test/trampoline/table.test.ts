import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Instruction, TableRegister } from '../../src/trampoline/architecture.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { recognise } from '../../src/trampoline/recognise.js';
import { registerByName } from '../../src/trampoline/registers.js';
import {
  assemblePage,
  recognisePage,
  type Table,
  trampolineOf,
  trampolinesPerPage,
} from '../../src/trampoline/table.js';
import { root } from '../programs/compile.js';
import { architectureNames, registerPairs, tables } from './cases.js';
import { machines } from './machines.js';

/** A page that every architecture has: the larger ones would only take longer. */
const PAGE = 4096;

test('a page holds as many trampolines as the interface says', () => {
  const proposed = ['x86-64', 'i386', 'arm64', 'arm'] as const;
  const counts = (size: number) => proposed.map((name) => trampolinesPerPage(name, size));
  assert.deepEqual(counts(4096), [68, 146, 85, 146]);
  assert.deepEqual(counts(65536), [1092, 2340, 1365, 2340]);
});

test('docs/c-interface.md has a line for each architecture, with its sizes and its default registers', () => {
  const text = readFileSync(join(root, 'docs', 'c-interface.md'), 'utf8');
  const lines = [...text.matchAll(/^\| (\S+) +\| +(\d+) \| +(\d+) \|.*\| (\w+), (\w+) +\|$/gm)].map(
    ([, ...cells]) => cells,
  );
  const expected = architectureNames.map((name) => {
    const { tableSlotSize, codeRegister, dataRegister } = architectures[name];
    return [name, String(tableSlotSize), String(trampolinesPerPage(name, 4096)), codeRegister, dataRegister];
  });
  assert.deepEqual(lines, expected);
});

for (const name of architectureNames) {
  const { tableSlotSize, wordSize, codeRegister, dataRegister } = architectures[name];
  const full: Table = {
    architecture: name,
    count: trampolinesPerPage(name, PAGE),
    codeRegister,
    dataRegister,
    codeTable: 0x7fff_f000n,
    dataTable: 0x4000_0000n,
  };

  test(`${name}: where nobody says another, a page is the usual one`, () => {
    const [bytes, trampolines] = machines[name].page;
    assert.equal(architectures[name].pageSize, bytes);
    assert.equal(trampolinesPerPage(name), trampolines);
    const table = { ...full, count: trampolines };
    assert.equal(assemblePage(table).length, bytes);
    assert.equal(recognisePage(assemblePage(table), table), true);
    assert.throws(() => assemblePage({ ...table, count: trampolines + 1 }), { code: 'EINVAL', message: /holds 1 to/ });
  });

  for (const pageSize of [4096, 16384, 65536]) {
    test(`${name}: a page of ${pageSize} is its slots, and traps`, () => {
      fc.assert(
        fc.property(tables(name, pageSize), (table) => {
          const page = assemblePage(table, pageSize);
          assert.equal(page.length, pageSize);
          assert.equal(recognisePage(page, table), true);
          for (let index = 0; index < table.count; index++) {
            const slot = page.subarray(index * tableSlotSize, (index + 1) * tableSlotSize);
            const expected = trampolineOf(table, index);
            assert.deepEqual(recognise(slot, BigInt(index * tableSlotSize), name), expected);
            assert.deepEqual(slot, assemble(expected, name));
          }
          const rest = Buffer.from(page.subarray(table.count * tableSlotSize)).toString('hex');
          assert.equal(rest, machines[name].trap.repeat(rest.length / machines[name].trap.length));
        }),
        { numRuns: pageSize === PAGE ? 50 : 5 },
      );
    });
  }

  test(`${name}: a page of every pair of registers is recognised, and as no other pair's`, () => {
    const pairs = registerPairs(name);
    for (const [index, [code, data]] of pairs.entries()) {
      const table = { ...full, count: 2, codeRegister: code, dataRegister: data };
      const page = assemblePage(table, PAGE);
      assert.equal(recognisePage(page, table), true);
      const [otherCode, otherData] = pairs[(index + 1) % pairs.length] ?? [data, code];
      assert.equal(recognisePage(page, { ...table, codeRegister: otherCode, dataRegister: otherData }), false);
      assert.equal(recognisePage(page, { ...table, codeRegister: data, dataRegister: code }), false);
    }
  });

  test(`${name}: any one byte changed, in slots or traps, is not the table's page`, () => {
    fc.assert(
      fc.property(tables(name), fc.integer({ min: 1, max: 255 }), (table, flip) => {
        const page = assemblePage(table, PAGE);
        for (let at = 0; at < page.length; at++) {
          page[at] = (page[at] ?? 0) ^ flip;
          assert.equal(recognisePage(page, table), false, `byte ${at}`);
          page[at] = (page[at] ?? 0) ^ flip;
        }
        assert.equal(recognisePage(page, table), true);
      }),
      { numRuns: 5 },
    );
  });

  test(`${name}: a page is not another table's`, () => {
    const page = assemblePage(full, PAGE);
    const word = BigInt(wordSize);
    const others: Partial<Table>[] = [
      { count: full.count - 1 },
      { count: full.count + 1 },
      { count: 0 },
      { count: -1 },
      { count: Number.NaN },
      { codeTable: full.codeTable + word },
      { dataTable: full.dataTable - word },
      { codeTable: full.dataTable },
      { dataTable: full.codeTable + (1n << 32n) },
      { codeRegister: dataRegister },
      { codeRegister: 'sp' },
      { dataRegister: 'sp' },
    ];
    assert.equal(recognisePage(page, full), true);
    for (const other of others) assert.equal(recognisePage(page, { ...full, ...other }), false);
    assert.equal(recognisePage(page.subarray(0, full.count * tableSlotSize - 1), full), false);
    assert.equal(recognisePage(new Uint8Array(PAGE), full), false);
  });

  test(`${name}: slots that are no trampolines are not a page, even of a table that asks for them`, () => {
    const { assembleSlot, trap } = architectures[name];
    const register = registerByName(name, codeRegister);
    const other = registerByName(name, dataRegister);
    const filled = (instructions: readonly Instruction[]) => {
      const page = Uint8Array.from({ length: PAGE }, (_, at) => trap.bytes[at % trap.bytes.length] ?? 0);
      page.set(instructions.flatMap(({ bytes }) => [...bytes]));
      return page;
    };
    const [codeTable, dataTable] = [0x10000n, 0x20000n];
    const table = { ...full, count: 1, codeTable, dataTable };
    const slot = (data: TableRegister, from: bigint) =>
      filled(assembleSlot({ register, address: codeTable }, { register: data, address: from }));
    assert.equal(recognisePage(slot(other, dataTable), table), true);
    assert.equal(recognisePage(slot(register, dataTable), { ...table, dataRegister: codeRegister }), false);
    for (const bad of [0n, 0x20001n, 0x20002n]) {
      assert.equal(recognisePage(slot(other, bad), { ...table, dataTable: bad }), false);
    }
    for (const only of architectures[name].tableRegisters.filter(({ dataOnly }) => dataOnly)) {
      const through = assembleSlot({ register: only, address: codeTable }, { register, address: dataTable });
      const asked = { ...table, codeRegister: only.name, dataRegister: codeRegister };
      assert.equal(recognisePage(filled(through), asked), false, only.name);
    }
  });

  test(`${name}: slots out of order, and a page of another architecture, are not the table's page`, () => {
    const page = assemblePage(full, PAGE);
    const [first, second] = [page.slice(0, tableSlotSize), page.slice(tableSlotSize, 2 * tableSlotSize)];
    page.set(second, 0);
    page.set(first, tableSlotSize);
    assert.equal(recognisePage(page, full), false);
    for (const other of architectureNames.filter((candidate) => candidate !== name)) {
      const foreign = architectures[other];
      const table = { ...full, architecture: other, count: 1 };
      const named = { ...table, codeRegister: foreign.codeRegister, dataRegister: foreign.dataRegister };
      assert.equal(recognisePage(assemblePage(named), { ...full, count: 1 }), false);
    }
  });

  test(`${name}: tables that cannot be are refused`, () => {
    const top = 1n << BigInt(8 * wordSize);
    const bad: [Partial<Table>, RegExp][] = [
      [{ count: 0 }, /holds 1 to/],
      [{ count: full.count + 1 }, /holds 1 to/],
      [{ count: 1.5 }, /holds 1 to/],
      [{ count: Number.NaN }, /holds 1 to/],
      [{ dataRegister: codeRegister }, /cannot hold both/],
      [{ dataRegister: 'sp' }, /can load/],
      [{ codeTable: 0n }, /NULL/],
      [{ dataTable: 0x1001n }, /aligned/],
      [{ codeTable: top }, /address bits/],
      [{ dataTable: top - BigInt((full.count - 1) * wordSize) }, /address bits/],
    ];
    for (const [change, message] of bad) {
      assert.throws(() => assemblePage({ ...full, ...change }, PAGE), { code: 'EINVAL', message });
    }
    for (const pageSize of [0, 4095, 6000, 4096.5, Number.NaN]) {
      assert.throws(() => assemblePage(full, pageSize), { code: 'EINVAL', message: /multiples of 4096/ });
    }
    const last = top - BigInt(full.count * wordSize);
    const highest = { ...full, codeTable: last, dataTable: last };
    assert.equal(recognisePage(assemblePage(highest, PAGE), highest), true);
  });

  test(`${name}: a trampoline that the table does not have is refused`, () => {
    for (const index of [-1, full.count, 0.5, Number.NaN]) {
      assert.throws(() => trampolineOf(full, index), { code: 'EINVAL' });
    }
  });
}
