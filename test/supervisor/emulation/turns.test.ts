/** Whose turn it is with the tracer: without a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../src/supervisor/emulation/turns.js';

function stop(threadId: number) {
  return { threadId, event: 0, signal: 11 };
}

test('a process that has had its time waits until the others have had theirs', () => {
  const turns = new Turns();
  turns.begin(1, 100);
  turns.end(100.4);
  assert.equal(turns.mustWait(1), false);
  turns.begin(1, 101);
  turns.begin(2, 101.7);
  turns.end(101.8);
  assert.equal(turns.mustWait(1), true);
  assert.equal(turns.mustWait(2), false);
  for (const threadId of [10, 11, 12]) turns.hold(1, stop(threadId));
  assert.equal(turns.areHeld, true);
  // Nobody else has anything to be done: the next round begins.
  assert.equal(turns.next()?.threadId, 10);
  // Those that stand already come before those that are told later.
  assert.equal(turns.mustWait(1), true);
  turns.begin(1, 200);
  turns.end(202);
  turns.hold(2, stop(20));
  assert.equal(turns.next()?.threadId, 20);
  assert.equal(turns.next()?.threadId, 11);
  assert.equal(turns.next()?.threadId, 12);
  assert.equal(turns.next(), undefined);
  assert.equal(turns.areHeld, false);
  assert.equal(turns.mustWait(1), false);
});

test('threads that have ended stand no more', () => {
  const turns = new Turns();
  turns.hold(1, stop(10));
  turns.hold(1, stop(11));
  turns.hold(2, stop(20));
  turns.forget(10);
  turns.forget(20);
  assert.equal(turns.next()?.threadId, 11);
  turns.hold(1, stop(12));
  turns.forgetAll();
  assert.equal(turns.next(), undefined);
});
