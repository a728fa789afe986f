/** What one process may make the supervisor hold, and what it leaves to others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '../../src/supervisor/allowance.js';

/** Has a process take all that it gets, one at a time; how much that is. */
function takeAll(allowance: Allowance, processId: number): number {
  let taken = 0;
  for (; allowance.hasRoomFor(processId, 1); taken++) allowance.take(processId, 1);
  return taken;
}

test('one process leaves room for those that come later, each of which leaves less', () => {
  const allowance = new Allowance(() => 1000, 1 / 4);
  assert.equal(allowance.hasRoomFor(1, 251), false);
  assert.deepEqual(
    [1, 2, 3, 4].map((processId) => takeAll(allowance, processId)),
    [250, 187, 140, 105],
  );
  assert.equal(allowance.all, 682);
  assert.ok(allowance.hasRoomFor(5, 79));
});

test('what is given back can be had again, and is given back once', () => {
  const allowance = new Allowance(() => 100, 1 / 2);
  const giveBack = allowance.take(1, 50);
  assert.equal(allowance.hasRoomFor(1, 1), false);
  assert.equal(allowance.mostOf(2), 25);
  giveBack();
  giveBack();
  assert.deepEqual([allowance.all, allowance.mostOf(1)], [0, 50]);
});

test('a limit that has become lower takes nothing away', () => {
  let most = 100;
  const allowance = new Allowance(() => most, 1 / 2);
  allowance.take(1, 40);
  most = 10;
  assert.equal(allowance.hasRoomFor(1, 1), false);
  assert.equal(allowance.mostOf(2), 0);
});
