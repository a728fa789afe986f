/** The page's part about other kernels: written, read back, compared; and what it must not say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { MatrixRow } from '../policy/matrix/rows.js';
import { columns, type UserResults, writeTable } from '../policy/matrix/table.js';
import { root } from '../programs/compile.js';
import { kernelDifferences, readKernelTable, withKernel } from './kernel_table.js';

const first: MatrixRow = { number: 1, program: 'row-01-a', way: 'a way', widths: ['x86-64'], isRace: false };
const second: MatrixRow = { ...first, number: 2, program: 'row-02-b', way: 'another, way' };
const race: MatrixRow = { ...first, number: 3, program: 'row-03-c', way: 'a race', isRace: true };
const rows = [first, second, race];

/** Results in which each row came to one outcome. */
function results(outcomes: Readonly<Record<string, Readonly<Record<string, string>>>>): UserResults {
  return Object.fromEntries(
    columns.map((column) => [
      column,
      rows.flatMap(({ program }) => {
        const outcome = outcomes[program]?.[column];
        return outcome === undefined ? [] : [{ width: 'x86-64', program, variant: 'v', outcome }];
      }),
    ]),
  ) as unknown as UserResults;
}

const levels = (bare: string, wx: string, strict: string): Record<string, string> =>
  Object.fromEntries(columns.map((column) => [column, column === 'bare' ? bare : column === 'wx' ? wx : strict]));

const here = results({
  'row-01-a': levels('EXEC', 'EXEC', 'EPERM'),
  'row-02-b': levels('EXEC', 'EACCES', 'EACCES'),
  'row-03-c': levels('EXEC', 'EXEC', 'EPERM'),
});
const there = results({
  'row-01-a': levels('EXEC', 'EXEC', 'EPERM'),
  'row-02-b': levels('ENOSYS', 'EACCES', 'EACCES'),
  'row-03-c': levels('UNCHANGED', 'UNCHANGED', 'EPERM'),
});

const page = `before
<!-- rows: written by --write-docs -->

${writeTable(rows, { root: here, ordinary: here })}

<!-- end of rows -->
<!-- kernels: written by test/machines/write.js -->

<!-- end of kernels -->
after
`;
const both = { root: there, ordinary: there };
const mixed = { root: there, ordinary: here };
const kernel = { name: '6.1', version: '6.1.9-1' };

describe('the part about kernels', () => {
  test('lists what differs, and no race that was only not won', () => {
    const written = withKernel(page, kernel, both, rows);
    assert.match(written, /^Booted: \*\*6\.1\*\* \(6\.1\.9-1\)\.$/m);
    assert.match(written, /^\| 2 \| another, way \| 6\.1 \| ENOSYS \| EACCES \| EACCES \|$/m);
    assert.equal(written.match(/^\| \d .*\| 6\.1 \|/gm)?.length, 1);
    assert.match(written, /^before\n(.*\n)+after\n$/);
  });

  test('is read back as the run gave it, and agrees with that run', () => {
    for (const each of [both, mixed]) {
      assert.deepEqual(kernelDifferences(withKernel(page, kernel, each, rows), '6.1', each, rows), []);
    }
    const cells = readKernelTable(withKernel(page, kernel, mixed, rows)).cells.get('6.1');
    assert.equal(cells?.get('another, way')?.root.bare, 'ENOSYS');
    assert.equal(cells?.get('another, way')?.ordinary.bare, 'EXEC');
    assert.equal(cells?.get('a way')?.root.strict, 'EPERM');
  });

  test("has kernels that are alike in one line, and keeps the others' when one is written anew", () => {
    const one = withKernel(page, kernel, both, rows);
    const two = withKernel(one, { name: '6.12', version: '6.12.9-1' }, both, rows);
    assert.match(two, /\*\*6\.1\*\* \(6\.1\.9-1\), \*\*6\.12\*\* \(6\.12\.9-1\)/);
    assert.match(two, /^\| 2 \| another, way \| 6\.1, 6\.12 \|/m);
    const apart = withKernel(two, kernel, { root: here, ordinary: here }, rows);
    assert.match(apart, /^\| 2 \| another, way \| 6\.12 \|/m);
    assert.deepEqual(kernelDifferences(apart, '6.12', both, rows), []);
  });

  test('keeps what a run of a few rows left out', () => {
    const whole = withKernel(page, kernel, both, rows);
    const few = results({ 'row-01-a': levels('EXEC', 'EACCES', 'EPERM') });
    const written = withKernel(whole, kernel, { root: few, ordinary: results({}) }, rows);
    assert.match(written, /^Booted: \*\*6\.1\*\* \(6\.1\.9-1; not all of rows 1, 2, 3\)\.$/m);
    assert.match(written, /^\| 1 \| a way \| 6\.1 \| EXEC \| EACCES \/ EXEC \| EPERM \|$/m);
    assert.match(written, /^\| 2 \| another, way \| 6\.1 \| ENOSYS/m);
  });
});

describe('a run differs from the page', () => {
  const written = withKernel(page, kernel, both, rows);

  test('where the kernel itself answers otherwise: no row is skipped for that', () => {
    assert.deepEqual(kernelDifferences(written, '6.1', mixed, rows), [
      'row 2, ordinary, bare: the page has "ENOSYS" for 6.1, this run "EXEC"',
    ]);
  });

  test('where strict lets something run, in a race too', () => {
    const open = results({ 'row-03-c': levels('EXEC', 'EXEC', 'EXEC') });
    assert.equal(kernelDifferences(written, '6.1', { root: open, ordinary: results({}) }, rows).length, 1);
  });

  test('where the page has no such kernel', () => {
    assert.deepEqual(kernelDifferences(written, '6.2', both, rows), ['docs/policy.md has nothing of Linux 6.2']);
  });
});

test('docs/policy.md has no kernel on which bytes run under strict', () => {
  const { cells } = readKernelTable(readFileSync(join(root, 'docs', 'policy.md'), 'utf8'));
  for (const [name, ways] of cells) {
    for (const [way, users] of ways) {
      for (const { strict } of Object.values(users)) {
        const words = strict.replaceAll('never EXEC', '').split(', ');
        for (const word of ['EXEC', 'opened', 'taken']) assert.ok(!words.includes(word), `${name}: ${way}: ${strict}`);
      }
    }
  }
});
