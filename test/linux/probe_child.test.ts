/** A child that is asked of before its program is complete is asked again, and one that may not be looked at is not for long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { type Access, accessInTime, probeChildAccess, probeChildTracing } from '../../src/linux/probe_child.js';

const all: Access = { reads: 0, writes: 0 };
const both = (name: 'EFAULT' | 'EPERM'): Access => ({ reads: -errnoNumbers[name], writes: -errnoNumbers[name] });

/** Asks of a child that answers something until a time, in milliseconds, and then that all is allowed; and when that ended. */
function asked(until: number, answer: Access): { readonly access: Access; readonly took: number } {
  let time = 0;
  const now = (): number => time;
  const access = accessInTime(() => {
    time += 10;
    return time < until ? answer : all;
  }, now);
  return { access, took: time };
}

test('a child of this process is read, written and traced', () => {
  assert.deepEqual(probeChildAccess(), all);
  assert.equal(probeChildTracing(), true);
});

test('one that waits for a processor before its memory is complete is waited for', () => {
  for (const until of [30, 1000, 5000]) assert.deepEqual(asked(until, both('EFAULT')).access, all);
});

test('one that never has memory there is not waited for without a bound', () => {
  const { access, took } = asked(Number.POSITIVE_INFINITY, both('EFAULT'));
  assert.deepEqual(access, both('EFAULT'));
  assert.ok(took < 20_000);
});

test('one that may not be looked at is given up soon', () => {
  const { access, took } = asked(Number.POSITIVE_INFINITY, both('EPERM'));
  assert.deepEqual(access, both('EPERM'));
  assert.ok(took < 200);
  // What is forbidden for a moment while the program begins is not yet.
  assert.deepEqual(asked(30, both('EPERM')).access, all);
});
