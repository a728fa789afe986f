import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inTurn, median, rows } from '../../bench/measure.js';
import { format } from '../../bench/report.js';

test('the median splits the values in two halves, and their order does not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 }), (values) => {
      const middle = median(values);
      assert.ok(values.filter((value) => value < middle).length <= values.length / 2);
      assert.ok(values.filter((value) => value > middle).length <= values.length / 2);
      assert.equal(median([...values].reverse()), middle);
    }),
  );
  assert.equal(median([1, 10]), 5.5);
  assert.throws(() => median([]), RangeError);
});

test('contenders take turns, and every figure is kept in its order', () => {
  let clock = 0;
  const measure = (name: string) => ({ measure: () => new Map([[name, clock++]]) });
  const figures = inTurn(3, [measure('a'), measure('b')]);
  assert.deepEqual(
    [...figures],
    [
      ['a', [0, 2, 4]],
      ['b', [1, 3, 5]],
    ],
  );
});

const FIGURES = new Map([
  ['bare', [0.001, 0.003, 0.002]],
  ['ours', [0.004, 0.003, 0.002]],
]);

test('a ratio is that of the medians, and is what a target is held against', () => {
  const [bare, ours] = rows(FIGURES, [
    { series: 'bare', what: 'alone', unit: 'ms', scale: 1e3, atMost: 1.9 },
    { series: 'ours', what: 'supervised', unit: 'ms', scale: 1e3, against: 'bare', atMost: 1.5 },
  ]);
  assert.deepEqual(bare?.rounds, [1, 3, 2]);
  assert.equal(bare?.median, 2);
  assert.equal(bare?.ratio, undefined);
  assert.deepEqual(bare?.target, { of: 'median', atMost: 1.9, met: false });
  assert.deepEqual(ours?.ratio, { against: 'bare', value: 1.5 });
  assert.deepEqual(ours?.target, { of: 'ratio', atMost: 1.5, met: true });
});

test('a line about nothing that was measured is an error', () => {
  assert.throws(() => rows(FIGURES, [{ series: 'theirs', what: 'x', unit: 'ms' }]), /nothing measured 'theirs'/);
  assert.throws(
    () => rows(FIGURES, [{ series: 'ours', what: 'x', unit: 'ms', against: 'bare' }]),
    /no line is about 'bare'/,
  );
});

test('the table says whether a target was met', () => {
  const text = format({
    name: 'n',
    title: 'Title',
    rows: rows(FIGURES, [
      { series: 'bare', what: 'alone', unit: 's' },
      { series: 'ours', what: 'supervised', unit: 's', against: 'bare', atMost: 1.2 },
    ]),
  });
  assert.match(text, /^Title\n/);
  assert.match(text, /^ {2}supervised +0\.00300 s +0\.00200 to 0\.00400 +1\.50 {2}bare {2}at most 1\.2 {2}missed$/m);
});
