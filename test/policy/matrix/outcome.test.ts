/**
 * Reading what attempts print, and putting it together.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellText, isBreach, isKnown, type Result, readLine } from './outcome.js';
import type { MatrixRow } from './rows.js';

const row: MatrixRow = { number: 1, program: 'row-01-a', way: 'a', widths: ['x86-64', 'i386'], isRace: false };

function results(...outcomes: readonly string[]): readonly Result[] {
  return outcomes.map((outcome, index) => ({ width: 'x86-64', program: 'row-01-a', variant: `v${index}`, outcome }));
}

test('a line of the driver is an attempt and its outcome', () => {
  assert.deepEqual(readLine('i386/row-30-read process_vm_readv: EFAULT'), {
    width: 'i386',
    program: 'row-30-read',
    variant: 'process_vm_readv',
    outcome: 'EFAULT',
  });
});

test('what is no such line is nothing', () => {
  for (const line of ['', 'trampfd: it cannot be had', 'arm/row-30-read read: EXEC', 'i386/row-30-read ']) {
    assert.equal(readLine(line), undefined, line);
  }
});

test('errors, signals and our own words are known; what could not be tried is not', () => {
  for (const outcome of ['EXEC', 'EACCES', 'E2BIG', 'SIGSEGV', 'exit 127', 'UNCHANGED', 'no start', 'TAKEN']) {
    assert.ok(isKnown(outcome), outcome);
  }
  for (const outcome of ['hangs', 'status 142', '0', '', 'Success']) assert.ok(!isKnown(outcome), outcome);
});

test('bytes that ran are a breach, and what is as good as that', () => {
  assert.deepEqual(['EXEC', 'OPENED', 'TAKEN', 'EPERM', 'UNCHANGED', 'KILLED'].filter(isBreach), [
    'EXEC',
    'OPENED',
    'TAKEN',
  ]);
});

test('a cell has each outcome once, EXEC first', () => {
  assert.equal(
    cellText(row, results('SIGSEGV', 'EPERM', 'EXEC', 'EPERM', 'UNCHANGED')),
    'EXEC, EPERM, SIGSEGV, unchanged',
  );
  assert.equal(cellText(row, results('EACCES')), 'EACCES');
});

test("other rows' results, and those of widths that a row has not, stay out", () => {
  const other = { ...row, program: 'row-02-b' };
  assert.equal(cellText(other, results('EXEC')), '');
  assert.equal(cellText({ ...row, widths: ['i386'] }, results('EXEC')), '');
});

test('of a race only counts whether bytes ran', () => {
  const race = { ...row, isRace: true };
  assert.equal(cellText(race, results('EPERM', 'SIGSEGV')), 'never EXEC');
  assert.equal(cellText(race, results('EPERM', 'EXEC')), 'EXEC');
});
