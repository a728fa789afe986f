/**
 * The table of the policy's page: what is written is read back, and differences are found where they count.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MatrixRow } from './rows.js';
import { cellsOf, differences, readTable, tableIn, type UserResults, withTable, writeTable } from './table.js';

const first: MatrixRow = { number: 1, program: 'row-01-a', way: 'a way', widths: ['x86-64'], isRace: false };
const second: MatrixRow = { ...first, number: 2, program: 'row-02-b', way: 'another / way' };

function results(bare: string, strict: string): UserResults {
  const column = (outcome: string): UserResults['bare'] =>
    [first, second].map(({ program }) => ({ width: 'x86-64', program, variant: 'v', outcome }));
  return {
    bare: column(bare),
    off: column(bare),
    log: column(bare),
    'wx --no-emulation': column('EACCES'),
    'strict --no-emulation': column(strict),
    wx: column('SIGSEGV'),
    strict: column(strict),
  };
}

const byUser = { root: results('EXEC', 'EPERM'), ordinary: results('EXEC', 'EROFS') };
const table = writeTable([first, second], byUser);

test('users that differ stand side by side in a cell', () => {
  const line = '| 1 | a way | EXEC | EXEC | EXEC | EACCES | EPERM / EROFS | SIGSEGV | = |';
  assert.equal(table.split('\n')[2], line);
});

test('where emulation changes nothing, the cell says so', () => {
  const cells = readTable(table, 'ordinary').get('a way');
  assert.equal(cells?.strict, 'EROFS');
  assert.equal(cells.wx, 'SIGSEGV');
});

test('what was written is read back, for each user', () => {
  for (const user of ['root', 'ordinary'] as const) {
    const cells = readTable(table, user);
    for (const row of [first, second]) assert.deepEqual(cells.get(row.way), cellsOf(row, byUser[user]), user);
  }
});

test('a line with too few cells is an error', () => {
  assert.throws(() => readTable('| # |\n| - |\n| 1 | a way | EXEC |', 'root'), /not a line of the table/);
});

test('the same results differ in nothing', () => {
  const found = differences([first, second], readTable(table, 'root'), (row) => cellsOf(row, byUser.root));
  assert.deepEqual(found, []);
});

test('another outcome under a level is a difference', () => {
  const found = differences([first], readTable(table, 'root'), (row) => cellsOf(row, results('EXEC', 'EXEC')));
  assert.deepEqual(found, [
    'row 1, strict --no-emulation: the table has "EPERM", this run "EXEC"',
    'row 1, strict: the table has "EPERM", this run "EXEC"',
  ]);
});

test('where the kernel itself answers something else, the row is not compared', () => {
  const found = differences([first], readTable(table, 'root'), (row) => cellsOf(row, results('ENOSYS', 'EACCES')));
  assert.deepEqual(found, []);
});

test('a row that the table has not is a difference', () => {
  const found = differences([{ ...first, way: 'new' }], readTable(table, 'root'), (row) => cellsOf(row, byUser.root));
  assert.deepEqual(found, ['row 1 (row-01-a) is not in the table']);
});

test('a page has the table between its marks, and keeps the rest', () => {
  const page = `before\n<!-- rows: written by --write-docs -->\n\n${table}\n\n<!-- end of rows -->\nafter\n`;
  assert.equal(tableIn(page), table);
  assert.equal(withTable(page, table), page);
  assert.equal(
    withTable(page, '$& new'),
    page.replace(table, () => '$& new'),
  );
  assert.throws(() => tableIn('no marks'), /no place/);
});
