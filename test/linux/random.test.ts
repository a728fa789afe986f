/**
 * Random words of the kernel.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomWords } from '../../src/linux/random.js';

for (const wordSize of [4, 8] as const) {
  test(`words of ${wordSize} bytes: as many as asked for, each bit of them set in some and not in others`, () => {
    const bits = BigInt(8 * wordSize);
    const words = Array.from({ length: 20 }, () => randomWords(10, wordSize)).flat();
    assert.equal(words.length, 200);
    assert.ok(words.every((word) => word >= 0n && word < 1n << bits));
    const mask = (1n << bits) - 1n;
    // That a bit is the same in 200 words happens by chance once in 2^193 times.
    assert.equal(
      words.reduce((all, word) => all | word, 0n),
      mask,
    );
    assert.equal(
      words.reduce((all, word) => all & word, mask),
      0n,
    );
  });
}

test('none, and more than there can be at once', () => {
  assert.deepEqual(randomWords(0, 8), []);
  assert.equal(randomWords(32, 8).length, 32);
  assert.throws(() => randomWords(33, 8), { name: 'RangeError', message: /at most 256 bytes/ });
  assert.throws(() => randomWords(65, 4), RangeError);
});
