/**
 * What a trampoline of version 1 gives to read: its contexts byte for byte as they were written.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readContext } from '../../src/object/user_read.js';
import { setContext } from '../../src/object/user_write.js';
import { goodRegs, pcOf, regsBytes, stackBytes, USER_NAMES, userWith } from './user_bytes.js';

describe('read of a context', () => {
  test('mapping parameters: size, prot, flags, offset, ioffset, reserved', () => {
    const bytes = readContext(userWith('x86-64'), 'mapping', 24);
    assert.deepEqual([...new Uint32Array(bytes.slice().buffer)], [8192, 5, 1, 0, 0, 0]);
  });

  for (const name of USER_NAMES) {
    const registers = regsBytes([
      { name: pcOf(name), value: 5n },
      { name: pcOf(name) - 1, value: 0xffff_ffffn },
      { name: pcOf(name), value: 0x7fff_fff0n },
    ]);
    const stack = stackBytes([0xff, 0, 1], { flags: 1, offset: 256 });
    const user = userWith(name, ['registers', registers], ['stack', stack]);

    test(`${name}: as written, names that come twice as well`, () => {
      assert.deepEqual(readContext(user, 'registers', 648), registers);
      assert.deepEqual(readContext(user, 'stack', 80), stack);
    });

    test(`${name}: as much as the count allows`, () => {
      for (let count = 8; count <= 648; count++) {
        assert.deepEqual(readContext(user, 'registers', count), registers.slice(0, count));
      }
      for (let count = 16; count <= 80; count++) {
        assert.deepEqual(readContext(user, 'stack', count), stack.slice(0, count));
      }
    });

    test(`${name}: not set, a header of zeros`, () => {
      const empty = userWith(name);
      assert.deepEqual(readContext(empty, 'registers', 648), new Uint8Array(8));
      assert.deepEqual(readContext(empty, 'stack', 80), new Uint8Array(16));
    });

    test(`${name}: removed, a header of zeros`, () => {
      const removed = userWith(name, ['registers', goodRegs(name)], ['registers', regsBytes([])]);
      assert.deepEqual(readContext(removed, 'registers', 648), new Uint8Array(8));
      const gone = userWith(name, ['stack', stack], ['stack', stackBytes([], { flags: 1, offset: 9 })]);
      assert.deepEqual(readContext(gone, 'stack', 80), new Uint8Array(16));
    });
  }

  test('what was read or written and is changed afterwards changes nothing', () => {
    const written = stackBytes([1, 2, 3]);
    const answer = setContext(userWith('x86-64'), 'stack', written, 'x86-64');
    assert.ok('user' in answer);
    written.fill(9);
    readContext(answer.user, 'stack', 80).fill(9);
    assert.deepEqual(readContext(answer.user, 'stack', 80), stackBytes([1, 2, 3]));
  });
});
