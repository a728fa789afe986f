/** A queue in which each process has its turn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from '../../src/supervisor/fair_queue.js';

test('one process waits behind itself alone, and its items keep their order', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.add(1, item);
  assert.equal(queue.take(), 'a1');
  queue.add(2, 'b1');
  queue.add(3, 'c1');
  queue.add(2, 'b2');
  assert.equal(queue.size, 6);
  const rest = Array.from({ length: 6 }, () => queue.take());
  assert.deepEqual(rest, ['a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  assert.equal(queue.take(), undefined);
  assert.equal(queue.size, 0);
});
