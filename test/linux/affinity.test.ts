/** The processors of a thread: asked for, set, and compared. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { affinityOf, areSame, has, only, setAffinity } from '../../src/linux/affinity.js';
import { processorOf } from '../../src/linux/proc.js';

test('a thread is kept on a processor, and let go of again', () => {
  const own = affinityOf(0);
  assert.ok(own !== undefined);
  const allowed = Array.from({ length: own.length * 8 }, (_, processor) => processor).filter((one) => has(own, one));
  assert.equal(allowed.length, availableParallelism());
  const last = allowed.at(-1) ?? 0;
  try {
    assert.ok(setAffinity(0, only(last)));
    const kept = affinityOf(process.pid);
    assert.ok(kept !== undefined && areSame(kept, only(last)));
    assert.equal(areSame(kept, own), allowed.length === 1);
    assert.equal(processorOf(process.pid), last);
  } finally {
    assert.ok(setAffinity(0, own));
  }
  assert.deepEqual(affinityOf(0), own);
});

test('what is not there has none', () => {
  assert.equal(affinityOf(0x7fffffff), undefined);
  assert.equal(setAffinity(0x7fffffff, only(0)), false);
  assert.equal(setAffinity(0, new Uint8Array(1024)), false);
  assert.equal(processorOf(0x7fffffff), undefined);
});
