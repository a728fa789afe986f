/** Code of this process's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { PROT } from '../../src/abi/mman.js';
import { native, nativeAt, negatedErrno } from '../../src/linux/libc.js';
import { mappings } from '../../src/linux/maps.js';
import { mapCode } from '../../src/linux/own_code.js';
import { openDescriptors } from '../../src/linux/proc.js';

const mprotect = native('int mprotect(uint64_t, size_t, int)');

test('runs, and stands where nobody can ever write', () => {
  const before = openDescriptors(process.pid).length;
  // mov $42,%eax; ret
  const address = mapCode(Uint8Array.of(0xb8, 42, 0, 0, 0, 0xc3));
  assert.equal(nativeAt(address, 'int own_code_of_a_test()')(), 42);
  const line = mappings(process.pid)?.find(({ start }) => start === address);
  assert.deepEqual([line?.permissions, line?.name], ['r-xs', '/memfd:trampfd (deleted)']);
  const written = negatedErrno(mprotect(address, 4096, PROT.PROT_READ | PROT.PROT_WRITE));
  assert.equal(written, -errnoNumbers.EACCES);
  assert.equal(openDescriptors(process.pid).length, before);
});

test('that is longer than a page is none', () => {
  assert.throws(() => mapCode(new Uint8Array(4097)), RangeError);
});
