/** The table of programs: what is seen becomes a cell, what is written is read back, and differences are found. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cellOf, endingOf, type Seen } from './cell.js';
import { judgeMaps } from './maps.js';
import { differences, readTable, tableIn, UNKNOWN, withTable, writeTable } from './table.js';

const FINE: Seen = {
  status: 7,
  signal: null,
  output: 'a line\n',
  errors: '',
  maps: { writableCode: [], writableAliases: [] },
  processes: 1,
  counts: [],
};

describe('maps', () => {
  const plain = '1000-2000 r-xp 00000000 08:01 12 /lib/a.so\n2000-3000 rw-p 00001000 08:01 12 /lib/a.so\n';

  test('of an ordinary library are fine: what is written to its data stays private', () => {
    assert.deepEqual(judgeMaps([plain]), { writableCode: [], writableAliases: [] });
  });

  test('show memory that is writable and executable', () => {
    const line = '7ffc000-7ffd000 rwxp 00000000 00:00 0 [stack]';
    assert.deepEqual(judgeMaps([plain, `${line}\n`]).writableCode, [line]);
  });

  test('show a file that one process executes and another can write', () => {
    const [code, alias] = ['1000-2000 r-xs 00000000 00:01 5 /memfd:a', '5000-6000 rw-s 00000000 00:01 5 /memfd:a'];
    assert.deepEqual(judgeMaps([`${code}\n`, `${alias}\n`]), { writableCode: [], writableAliases: [alias] });
    assert.deepEqual(judgeMaps([`${code}\n`, alias.replace(' 5 ', ' 6 ')]).writableAliases, []);
    assert.deepEqual(judgeMaps([`${code}\n`, alias.replace('00:01', '00:02')]).writableAliases, []);
  });

  test('without a file are no file', () => {
    const lines = '1000-2000 r-xp 00000000 00:00 0 \n5000-6000 rw-s 00000000 00:00 0 \n';
    assert.deepEqual(judgeMaps([lines]).writableAliases, []);
  });
});

describe('an ending', () => {
  test('is as it should be by the status alone', () => {
    assert.equal(endingOf(FINE, 7), 'runs');
    assert.equal(endingOf(FINE, 8), 'fails');
  });

  test('has the name of an error, or of a signal', () => {
    const failed = { ...FINE, status: 1, errors: 'Traceback:\n  in line 3\nMemoryError: no such memory\n' };
    assert.equal(endingOf(failed, 7), 'MemoryError');
    assert.equal(endingOf({ ...failed, status: null, signal: 'SIGABRT' }, 7), 'SIGABRT');
  });
});

describe('a cell', () => {
  test('says what became of the trampolines', () => {
    const count = { kind: 'libffi', caller: '/lib/libffi.so.8', emulated: 2, promoted: 0 };
    assert.equal(cellOf(FINE, 7), 'runs');
    assert.equal(cellOf({ ...FINE, counts: [count] }, 7), 'runs (emulated)');
    assert.equal(cellOf({ ...FINE, counts: [count, { ...count, promoted: 2 }] }, 7), 'runs (promoted)');
  });

  test('says what the memory is like', () => {
    assert.equal(cellOf({ ...FINE, maps: { writableCode: ['a'], writableAliases: ['b'] } }, 7), 'runs (RWX)');
    assert.equal(cellOf({ ...FINE, maps: { writableCode: [], writableAliases: ['b'] } }, 7), 'runs (RW alias)');
  });

  test('says how a program gave up', () => {
    assert.equal(cellOf({ ...FINE, status: null, signal: 'SIGABRT' }, 7), 'aborts');
    assert.equal(cellOf({ ...FINE, status: null, signal: 'SIGSEGV' }, 7), 'dies of SIGSEGV');
    assert.equal(cellOf({ ...FINE, status: null, signal: 'SIGKILL' }, 7), 'SIGKILL');
    assert.equal(cellOf({ ...FINE, status: 3 }, 7), 'fails');
  });
});

describe('the table', () => {
  const rows = [
    ['one', 'runs (RWX)', 'aborts', 'runs (emulated)', 'runs (emulated)'],
    ['another', 'runs (RWX)', UNKNOWN, 'runs (promoted)', 'fails'],
  ];
  const page = `before\n<!-- programs: written by --write-readme -->\n<!-- end of programs -->\nafter\n`;

  test('is read back as it was written, and a page keeps the rest', () => {
    const written = withTable(page, writeTable(rows));
    assert.deepEqual(readTable(tableIn(written)), rows);
    assert.match(written, /^before\n(.*\n)+after\n$/);
    assert.equal(withTable(written, writeTable(rows)), written);
    assert.throws(() => withTable('a page', 'a table'), /no place/);
    assert.throws(() => tableIn('a page'), /no place/);
  });

  test('differs in a cell, or lacks a row', () => {
    assert.deepEqual(differences(rows, rows), []);
    const [one = [], another = []] = rows;
    assert.deepEqual(differences([another], [one]), ['"one" is not in the table']);
    assert.deepEqual(differences([one], [[...one.slice(0, 4), 'fails']]), [
      '"one", `strict`: the table has "runs (emulated)", this run "fails"',
    ]);
  });

  test('is not compared where the kernel has no PR_SET_MDWE', () => {
    const [one = []] = rows;
    assert.deepEqual(differences([one], [one.with(2, UNKNOWN)]), []);
  });
});
