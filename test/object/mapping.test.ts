/**
 * mmap of a table: every row of the interface's list of errors, and their order.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeMap } from '../../src/object/mapping.js';
import { createTable } from '../../src/object/table.js';
import { completeTable, GOOD_MAP, goodCode, goodData, PAGE_SIZE, tableWith } from './bytes.js';

describe('mmap of a table', () => {
  const table = completeTable('x86-64');

  test('MAP_PRIVATE, and MAP_SHARED as its stronger form', () => {
    assert.equal(judgeMap(GOOD_MAP, table), undefined);
    assert.equal(judgeMap({ ...GOOD_MAP, flags: 1n }, table), undefined);
  });

  test('every length that is one page when rounded up', () => {
    for (let length = 1n; length <= 4096n; length++) assert.equal(judgeMap({ ...GOOD_MAP, length }, table), undefined);
  });

  for (const length of [0n, 4097n, 8192n, 2n ** 32n, 2n ** 32n + 4096n, 2n ** 64n - 4095n, 2n ** 64n - 1n]) {
    test(`length ${length}: EINVAL`, () => {
      assert.equal(judgeMap({ ...GOOD_MAP, length }, table), 'EINVAL');
    });
  }

  test('the page is as large as the machine says', () => {
    const large = { ...table, pageSize: 65536 };
    assert.equal(judgeMap({ ...GOOD_MAP, offset: 65536n, length: 65536n }, large), undefined);
    assert.equal(judgeMap({ ...GOOD_MAP, offset: 65536n, length: 65537n }, large), 'EINVAL');
  });

  test('every other protection: EINVAL', () => {
    const bits = [1n, 2n, 4n, 8n, 1n << 24n, 1n << 25n, 1n << 32n, 1n << 63n];
    for (let set = 0; set < 1 << bits.length; set++) {
      const protection = bits.reduce((sum, bit, index) => (set & (1 << index) ? sum | bit : sum), 0n);
      assert.equal(
        judgeMap({ ...GOOD_MAP, protection }, table),
        protection === 5n ? undefined : 'EINVAL',
        `${protection}`,
      );
    }
  });

  test('every other flag, alone or beside MAP_PRIVATE and MAP_SHARED: EINVAL', () => {
    for (const flags of [0n, 3n]) assert.equal(judgeMap({ ...GOOD_MAP, flags }, table), 'EINVAL');
    for (let bit = 2n; bit < 64n; bit++) {
      for (const kind of [0n, 1n, 2n, 3n]) {
        assert.equal(judgeMap({ ...GOOD_MAP, flags: kind | (1n << bit) }, table), 'EINVAL', `bit ${bit}`);
      }
    }
  });

  for (const offset of [0n, 1n, 4095n, 4097n, 8192n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 4096n]) {
    test(`offset ${offset}: EINVAL`, () => {
      assert.equal(judgeMap({ ...GOOD_MAP, offset }, table), 'EINVAL');
    });
  }

  test('code or data or both not set: EINVAL', () => {
    assert.equal(judgeMap(GOOD_MAP, createTable('x86-64', PAGE_SIZE)), 'EINVAL');
    assert.equal(judgeMap(GOOD_MAP, tableWith('x86-64', ['code', goodCode('x86-64')])), 'EINVAL');
    assert.equal(judgeMap(GOOD_MAP, tableWith('x86-64', ['data', goodData('x86-64')])), 'EINVAL');
  });

  test('another process than the creator: EINVAL', () => {
    assert.equal(judgeMap({ ...GOOD_MAP, sameProcess: false }, table), 'EINVAL');
  });

  test('mapped already: EEXIST, and not once it is unmapped', () => {
    assert.equal(judgeMap({ ...GOOD_MAP, alreadyMapped: true }, table), 'EEXIST');
    assert.equal(judgeMap({ ...GOOD_MAP, alreadyMapped: false }, table), undefined);
  });

  test('everything else is judged before EEXIST', () => {
    const mapped = { ...GOOD_MAP, alreadyMapped: true };
    const wrong = [{ length: 0n }, { protection: 1n }, { flags: 0x22n }, { offset: 0n }, { sameProcess: false }];
    for (const change of wrong) assert.equal(judgeMap({ ...mapped, ...change }, table), 'EINVAL');
    assert.equal(judgeMap(mapped, createTable('x86-64', PAGE_SIZE)), 'EINVAL');
  });
});
