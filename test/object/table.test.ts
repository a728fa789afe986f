/**
 * Creation of a table, and what becomes of it: rows `create` of the interface's list of errors need the program's memory
 * and are the supervisor's.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TrampfdError } from '../../src/error.js';
import { createTable, encodeInfo, infoOf, isComplete, toTrampolineTable } from '../../src/object/table.js';
import { assemblePage } from '../../src/trampoline/table.js';
import { machines } from '../trampoline/machines.js';
import { codeBytes, completeTable, dataBytes, goodCode, goodData, NAMES, PAGE_SIZE, tableWith } from './bytes.js';

describe('trampoline table', () => {
  for (const name of NAMES) {
    test(`${name}: a new table tells its sizes and has no descriptor`, () => {
      const table = createTable(name, PAGE_SIZE);
      const codeSize = machines[name].slotSize;
      assert.deepEqual(infoOf(table), { ntrampolines: Math.floor(4096 / codeSize), codeSize, codeOffset: 4096 });
      assert.equal(isComplete(table), false);
    });

    test(`${name}: a larger page holds more`, () => {
      const codeSize = machines[name].slotSize;
      assert.equal(infoOf(createTable(name, 65536)).ntrampolines, Math.floor(65536 / codeSize));
    });

    test(`${name}: complete with both descriptors, in either order, and not with one`, () => {
      const code = ['code', goodCode(name)] as const;
      const data = ['data', goodData(name)] as const;
      assert.equal(isComplete(tableWith(name, code)), false);
      assert.equal(isComplete(tableWith(name, data)), false);
      assert.equal(isComplete(tableWith(name, code, data)), true);
      assert.deepEqual(tableWith(name, data, code), tableWith(name, code, data));
    });

    test(`${name}: what a page is generated from is what was written`, () => {
      const table = toTrampolineTable(completeTable(name));
      assert.equal(table.architecture, name);
      assert.equal(table.count, 3);
      assert.equal(table.codeTable, 0x10000n);
      assert.equal(table.dataTable, 0x20000n);
      assert.notEqual(table.codeRegister, table.dataRegister);
      assert.equal(assemblePage(table, PAGE_SIZE).length, PAGE_SIZE);
    });
  }

  test('registers go by their number in the interface', () => {
    const table = tableWith(
      'x86-64',
      ['code', codeBytes({ ntrampolines: 68, reg: 17, table: 0x1122334455667788n })],
      ['data', dataBytes({ reg: 16, table: 0x99aabbccddeeff00n })],
    );
    assert.deepEqual(toTrampolineTable(table), {
      architecture: 'x86-64',
      count: 68,
      codeRegister: 'r11',
      dataRegister: 'r10',
      codeTable: 0x1122334455667788n,
      dataTable: 0x99aabbccddeeff00n,
    });
  });

  test('info as the program sees it: four little-endian words, the last of them 0', () => {
    assert.deepEqual(
      [...encodeInfo({ ntrampolines: 0x01020304, codeSize: 0x05060708, codeOffset: 0x090a0b0c })],
      [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 0, 0, 0, 0],
    );
  });

  test('a table that lacks a descriptor has no page', () => {
    for (const table of [createTable('arm', PAGE_SIZE), tableWith('arm', ['code', goodCode('arm')])]) {
      assert.throws(
        () => toTrampolineTable(table),
        (error) => error instanceof TrampfdError && error.code === 'EINVAL' && error.message.includes('descriptor'),
      );
    }
  });
});
