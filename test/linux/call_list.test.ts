/** Lists of system calls: made one after the other until one fails, with the results of others as arguments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { CallList } from '../../src/linux/call_list.js';
import { allocate } from '../../src/linux/libc.js';
import { openDescriptors } from '../../src/linux/proc.js';

const { EBADF } = errnoNumbers;

test('calls are made in their order, with their arguments, and with results of others', () => {
  const bytes = allocate(8);
  const name = allocate(2);
  name.bytes.set([0x78]);
  const [CREATE, GROW, SEEK, READ] = [0, 1, 3, 4] as const;
  const list = new CallList([
    { call: 'memfd_create', arguments: [name.address, 0] },
    { call: 'pwrite64', arguments: [{ resultOf: CREATE }, name.address, 2, 10] },
    { call: 'dup', arguments: [{ resultOf: CREATE }] },
    { call: 'lseek', arguments: [{ resultOf: 2 }, 9, 0] },
    { call: 'read', arguments: [{ resultOf: CREATE }, bytes.address, 8] },
    { call: 'close', arguments: [{ resultOf: CREATE }] },
    { call: 'close', arguments: [{ resultOf: 2 }] },
  ]);
  const before = openDescriptors('self');
  for (let time = 0; time < 3; time++) {
    bytes.bytes.fill(0xff);
    assert.equal(list.run(), 7);
    assert.equal(list.result(GROW), 2);
    assert.equal(list.result(SEEK), 9);
    // Two descriptors of one open file have one offset.
    assert.equal(list.result(READ), 3);
    assert.deepEqual([...bytes.bytes], [0, 0x78, 0, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert.deepEqual(openDescriptors('self'), before);
  }
});

test('a call that fails is the last one', () => {
  const list = new CallList([
    { call: 'dup', arguments: [0] },
    { call: 'close', arguments: [{ resultOf: 0 }] },
    { call: 'close', arguments: [{ resultOf: 0 }] },
    { call: 'dup', arguments: [0] },
  ]);
  const before = openDescriptors('self');
  assert.equal(list.run(), 2);
  assert.equal(list.result(2), -EBADF);
  assert.deepEqual(openDescriptors('self'), before);
});

test('a list is begun anywhere, arguments are changed, and all six of them arrive', () => {
  const list = new CallList([
    { call: 'close', arguments: [100_000] },
    { call: 'fcntl', arguments: [0, 1] },
    { call: 'mmap', arguments: [0, 4096, 1, 0x22, -1, 0] },
    { call: 'munmap', arguments: [{ resultOf: 2 }, 4096] },
    // MAP_FIXED_NOREPLACE of an address that no mapping may have; with flags that no kernel knows the call would succeed.
    { call: 'mmap', arguments: [1, 4096, 1, 0x100022, -1, 4096] },
  ]);
  assert.equal(list.run(), 0);
  assert.equal(list.result(0), -EBADF);
  assert.equal(list.run(1), 4);
  assert.ok(list.result(1) >= 0);
  assert.equal(list.result(4), -errnoNumbers.EINVAL);
  list.setArgument(1, 0, 100_000);
  assert.equal(list.run(1), 1);
  assert.equal(list.result(1), -EBADF);
});

test('memory is copied between calls', () => {
  const from = allocate(24);
  const to = allocate(24);
  from.view.setBigUint64(8, 0x0123456789abcdefn, true);
  const list = new CallList([
    { from: from.address + 8n, to: to.address + 16n },
    { call: 'close', arguments: [100_000] },
    { from: from.address + 8n, to: to.address },
  ]);
  assert.equal(list.run(), 1);
  assert.deepEqual(
    [0, 8, 16].map((at) => to.view.getBigUint64(at, true)),
    [0n, 0n, 0x0123456789abcdefn],
  );
  assert.equal(list.run(2), 3);
  assert.equal(to.view.getBigUint64(0, true), 0x0123456789abcdefn);
});
