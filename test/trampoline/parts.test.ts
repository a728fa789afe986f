/**
 * The code of tables of many pages, part by part: the same slots and traps as if it were made at once.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { codeLength, partsOf } from '../../src/trampoline/parts.js';
import { recognise } from '../../src/trampoline/recognise.js';
import {
  assemblePage,
  recognisePage,
  requireTable,
  type Table,
  trampolineOf,
  trampolinesPerPage,
} from '../../src/trampoline/table.js';
import { architectureNames, registerPairs, tableAddresses } from './cases.js';

/** All of a table's code, put together from its parts. */
function assembleAll(table: Table, pageSize: number): Uint8Array {
  const code = new Uint8Array(codeLength(table.architecture, table.count, pageSize));
  let end = 0;
  for (const part of partsOf(table, pageSize)) {
    assert.equal(part.offset, end);
    end += part.length;
    code.set(assemblePage(part.table, part.length), part.offset);
  }
  assert.equal(end, code.length);
  return code;
}

/** Whether every part of a code is the table's. */
function recogniseAll(code: Uint8Array, table: Table, pageSize: number): boolean {
  return [...partsOf(table, pageSize)].every((part) =>
    recognisePage(code.subarray(part.offset, part.offset + part.length), part.table),
  );
}

for (const name of architectureNames) {
  const { tableSlotSize, wordSize, trap, pageSize: smallest } = architectures[name];
  const word = BigInt(wordSize);

  describe(`large tables of ${name}`, () => {
    test('their code is whole pages, just enough of them', () => {
      for (const pageSize of [smallest, 16 * smallest]) {
        const perPage = trampolinesPerPage(name, pageSize);
        for (const count of [1, perPage, perPage + 1, 5000, 100_000, 1_048_576]) {
          const length = codeLength(name, count, pageSize);
          assert.equal(length % pageSize, 0);
          assert.ok(length >= count * tableSlotSize && length - pageSize < count * tableSlotSize);
        }
        assert.equal(codeLength(name, perPage, pageSize), pageSize);
        assert.equal(codeLength(name, 0, pageSize), pageSize);
      }
    });

    test('no part needs more memory than a page of slots and a page', () => {
      for (const count of [1, 4096, 4097, 100_000]) {
        for (const part of partsOf({ ...one(), count }, smallest)) {
          assert.ok(part.length <= smallest * tableSlotSize + smallest);
          requireTable(part.table, part.length);
        }
      }
    });

    function one(): Table {
      const [codeRegister = '', dataRegister = ''] = registerPairs(name)[0] ?? [];
      return { architecture: name, count: 1, codeRegister, dataRegister, codeTable: 0x10000n, dataTable: 0x4000_0000n };
    }

    const counts = [1, 2, smallest - 1, smallest, smallest + 1, 2 * smallest + 3];
    const large = fc
      .tuple(fc.constantFrom(...registerPairs(name)), fc.constantFrom(...counts))
      .chain(([[codeRegister, dataRegister], count]) =>
        fc.record({
          architecture: fc.constant(name),
          count: fc.constant(count),
          codeRegister: fc.constant(codeRegister),
          dataRegister: fc.constant(dataRegister),
          codeTable: tableAddresses(name, count),
          dataTable: tableAddresses(name, count),
        }),
      );

    for (const pageSize of [smallest, 16 * smallest]) {
      test(`of pages of ${pageSize} bytes are their slots, and traps behind the last`, () => {
        fc.assert(
          fc.property(large, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), (table, picks) => {
            const code = assembleAll(table, pageSize);
            assert.equal(recogniseAll(code, table, pageSize), true);
            const edges = [0, table.count - 1, smallest - 1, smallest, 2 * smallest];
            for (const index of [...edges, ...picks.map((pick) => pick % table.count)]) {
              if (index >= table.count) continue;
              const slot = code.subarray(index * tableSlotSize, (index + 1) * tableSlotSize);
              const expected = trampolineOf(table, index);
              assert.deepEqual(recognise(slot, BigInt(index * tableSlotSize), name), expected);
              assert.deepEqual(slot, assemble(expected, name));
            }
            for (let at = table.count * tableSlotSize; at < code.length; at++) {
              assert.equal(code[at], trap.bytes[(at - table.count * tableSlotSize) % trap.bytes.length]);
            }
          }),
          { numRuns: 12 },
        );
      });
    }

    test('any one byte changed is not the table', () => {
      fc.assert(
        fc.property(large, fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), (table, picks) => {
          const code = assembleAll(table, smallest);
          for (const pick of [...picks, 0, code.length - 1]) {
            const at = pick % code.length;
            code[at] = (code[at] ?? 0) ^ (1 + (pick % 255));
            assert.equal(recogniseAll(code, table, smallest), false, `byte ${at}`);
            code[at] = (code[at] ?? 0) ^ (1 + (pick % 255));
          }
          assert.equal(recogniseAll(code, table, smallest), true);
        }),
        { numRuns: 6 },
      );
    });

    test('parts that change places, and those of a neighbouring table, are not the table', () => {
      const table = { ...one(), count: 2 * smallest };
      const code = assembleAll(table, smallest);
      const half = code.length / 2;
      const exchanged = new Uint8Array(code.length);
      exchanged.set(code.subarray(half), 0);
      exchanged.set(code.subarray(0, half), half);
      assert.equal(recogniseAll(code, table, smallest), true);
      assert.equal(recogniseAll(exchanged, table, smallest), false);
      for (const change of [{ codeTable: table.codeTable + word }, { dataTable: table.dataTable - word }]) {
        assert.equal(recogniseAll(code, { ...table, ...change }, smallest), false);
      }
    });
  });
}
