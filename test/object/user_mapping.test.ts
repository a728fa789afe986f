/**
 * mmap of a trampoline of version 1: what it reports, and that nothing else is taken.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeUserMap, mapParametersOf } from '../../src/object/user_mapping.js';
import { GOOD_USER_MAP, goodRegs, userWith } from './user_bytes.js';

const user = userWith('x86-64');

describe('mapping parameters', () => {
  test('a shared mapping of the whole, to be read and executed', () => {
    assert.deepEqual(mapParametersOf(user), { size: 8192, prot: 5, flags: 1, offset: 0, ioffset: 0 });
  });

  test('they do not depend on the contexts, but on the page', () => {
    assert.deepEqual(mapParametersOf(userWith('x86-64', ['registers', goodRegs('x86-64')])), mapParametersOf(user));
    assert.equal(mapParametersOf({ ...user, pageSize: 65536 }).size, 131072);
  });
});

describe('mmap of a trampoline', () => {
  for (const name of ['x86-64', 'i386'] as const) {
    test(`${name}: what it reports is taken, with and without contexts, and MAP_PRIVATE as well`, () => {
      for (const one of [userWith(name), userWith(name, ['registers', goodRegs(name)])]) {
        const { size, prot, flags, offset } = mapParametersOf(one);
        const request = { length: BigInt(size), protection: BigInt(prot), offset: BigInt(offset) };
        assert.equal(judgeUserMap({ ...request, flags: BigInt(flags), callerArchitecture: name }, one), undefined);
        assert.equal(judgeUserMap({ ...request, flags: 2n, callerArchitecture: name }, one), undefined);
      }
    });
  }

  test('every length that is the size when rounded up to pages, and no other', () => {
    for (let length = 0n; length <= 8200n; length++) {
      const errno = judgeUserMap({ ...GOOD_USER_MAP, length }, user)?.errno;
      assert.equal(errno, length > 4096n && length <= 8192n ? undefined : 'EINVAL', `${length}`);
    }
    const large = { ...user, pageSize: 65536 };
    for (const [length, errno] of [
      [65536n, 'EINVAL'],
      [65537n, undefined],
      [131072n, undefined],
      [131073n, 'EINVAL'],
    ] as const) {
      assert.equal(judgeUserMap({ ...GOOD_USER_MAP, length }, large)?.errno, errno);
    }
  });

  for (const length of [2n ** 32n + 8192n, 2n ** 63n, 2n ** 64n - 1n]) {
    test(`length ${length}: EINVAL`, () => {
      assert.equal(judgeUserMap({ ...GOOD_USER_MAP, length }, user)?.errno, 'EINVAL');
    });
  }

  test('every other protection: EINVAL, PROT_NONE as well, which the proposal reported', () => {
    const bits = [1n, 2n, 4n, 8n, 1n << 24n, 1n << 25n, 1n << 32n, 1n << 63n];
    for (let set = 0; set < 1 << bits.length; set++) {
      const protection = bits.reduce((sum, bit, index) => (set & (1 << index) ? sum | bit : sum), 0n);
      const errno = judgeUserMap({ ...GOOD_USER_MAP, protection }, user)?.errno;
      assert.equal(errno, protection === 5n ? undefined : 'EINVAL', `${protection}`);
    }
  });

  test('every other flag, alone or beside MAP_SHARED and MAP_PRIVATE: EINVAL', () => {
    for (const flags of [0n, 3n]) assert.equal(judgeUserMap({ ...GOOD_USER_MAP, flags }, user)?.errno, 'EINVAL');
    for (let bit = 2n; bit < 64n; bit++) {
      for (const kind of [0n, 1n, 2n, 3n]) {
        const flags = kind | (1n << bit);
        assert.equal(judgeUserMap({ ...GOOD_USER_MAP, flags }, user)?.errno, 'EINVAL', `bit ${bit}`);
      }
    }
  });

  for (const offset of [1n, 4096n, 8192n, 2n ** 32n, 2n ** 64n - 4096n]) {
    test(`offset ${offset}: EINVAL`, () => {
      assert.equal(judgeUserMap({ ...GOOD_USER_MAP, offset }, user)?.errno, 'EINVAL');
    });
  }

  test('a call of another architecture: EINVAL', () => {
    const refused = judgeUserMap({ ...GOOD_USER_MAP, callerArchitecture: 'i386' }, user);
    assert.equal(refused?.errno, 'EINVAL');
    assert.match(refused?.reason ?? '', /same architecture/);
  });

  test('the sentence says what to map', () => {
    const refused = judgeUserMap({ ...GOOD_USER_MAP, protection: 0n }, user);
    assert.match(refused?.reason ?? '', /protection 0, .*: 8192, 5, 1 \(or 2\), 0$/);
  });
});
