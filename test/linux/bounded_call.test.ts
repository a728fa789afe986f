/** System calls that do not wait for longer than they are to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { callBounded } from '../../src/linux/bounded_call.js';
import { allocate, native } from '../../src/linux/libc.js';

const libcPipe = native('int pipe(uint64_t)');
const ends = allocate(8);
const byte = allocate(1);

test('a call that the kernel would begin anew behind a signal is ended', () => {
  assert.equal(libcPipe(ends.address), 0);
  const [from, to] = [ends.view.getInt32(0, true), ends.view.getInt32(4, true)];
  for (let time = 0; time < 3; time++) {
    assert.equal(callBounded(2, 'read', [from, byte.address, 1]), -errnoNumbers.EINTR);
  }
  byte.bytes[0] = 7;
  assert.equal(callBounded(20, 'write', [to, byte.address, 1]), 1);
  byte.bytes[0] = 0;
  assert.equal(callBounded(20, 'read', [from, byte.address, 1]), 1);
  assert.equal(byte.bytes[0], 7);
  for (const descriptor of [from, to]) assert.equal(callBounded(20, 'close', [descriptor]), 0);
});

test('a call that fails gives its own error, and its arguments arrive in their order', () => {
  assert.equal(callBounded(20, 'close', [100_000]), -errnoNumbers.EBADF);
  const word = allocate(8);
  word.bytes.set([0x61, 0x62, 0x63]);
  const file = callBounded(20, 'memfd_create', [word.address, 0]);
  assert.equal(callBounded(20, 'pwrite64', [file, word.address, 3, 2]), 3);
  const read = allocate(8);
  assert.equal(callBounded(20, 'pread64', [file, read.address, 8, 1]), 4);
  assert.deepEqual([...read.bytes], [0, 0x61, 0x62, 0x63, 0, 0, 0, 0]);
  assert.equal(callBounded(20, 'close', [file]), 0);
});
