/** Kinds of memory by what the kernel says of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MemoryKind } from '../../src/policy/kinds.js';
import { type JudgedMapping, kindsOfRange, protectedRange } from '../../src/policy/memory.js';

const READ_EXECUTE = 5;
const WRITE = 2;
const GROWSDOWN = 0x01000000;

/** A mapping of one page; `w` writable, `s` shared, `+` with pages of its own. */
function mapping(page: number, name: string, traits = ''): JudgedMapping {
  return {
    start: BigInt(page) * 4096n,
    end: BigInt(page + 1) * 4096n,
    name,
    isWritable: traits.includes('w'),
    isShared: traits.includes('s'),
    hasOwnPages: () => traits.includes('+'),
  };
}

function kindOf(name: string, traits = '', protection = READ_EXECUTE): MemoryKind | undefined {
  return kindsOfRange([mapping(1, name, traits)], { start: 4096n, end: 8192n }, protection)[0]?.kind;
}

describe('a mapping that becomes executable', () => {
  const cases: readonly (readonly [string, string, MemoryKind | undefined, MemoryKind | undefined])[] = [
    // Its name, its traits, its kind when it is to be read and executed, and when it is to be written too.
    ['', '', 'execmem', 'execmem'],
    ['', 's', 'execmem', 'execmem'],
    ['[heap]', 'w+', 'execheap', 'execheap'],
    ['[stack]', 'w+', 'execstack', 'execstack'],
    ['[anon:mine]', 'w', 'execmem', 'execmem'],
    ['[vdso]', '', 'execmem', 'execmem'],
    ['/usr/bin/true', '', undefined, 'execmod'],
    ['/usr/bin/true', '+', 'execmod', 'execmod'],
    ['/usr/bin/true', 'w', 'execmod', 'execmod'],
    ['/usr/bin/true', 's', undefined, 'execmem'],
    ['/memfd:code (deleted)', 's', 'execmem', 'execmem'],
    ['/memfd:code (deleted)', '', undefined, 'execmod'],
    ['/dev/zero (deleted)', 's', 'execmem', 'execmem'],
    ['/SYSV00000000 (deleted)', 's', 'execmem', 'execmem'],
    ['(unreachable)/file', '', 'execmem', 'execmem'],
    ['anon_inode:[perf_event]', 's', 'execmem', 'execmem'],
  ];
  for (const [name, traits, executable, writable] of cases) {
    test(`${name || 'anonymous'} ${traits}`, () => {
      assert.equal(kindOf(name, traits), executable);
      assert.equal(kindOf(name, traits, READ_EXECUTE | WRITE), writable);
    });
  }
});

describe('a call', () => {
  const all = [mapping(1, '/usr/bin/true'), mapping(2, ''), mapping(4, '[heap]'), mapping(6, '[stack]')];
  const kinds = (from: number, to: number, protection = READ_EXECUTE): readonly MemoryKind[] =>
    kindsOfRange(all, { start: BigInt(from) * 4096n, end: BigInt(to) * 4096n }, protection).map(({ kind }) => kind);

  test('is about every mapping that it touches, and about none beside', () => {
    assert.deepEqual(kinds(1, 2), []);
    assert.deepEqual(kinds(1, 3), ['execmem']);
    assert.deepEqual(kinds(0, 9), ['execmem', 'execheap', 'execstack']);
    assert.deepEqual(kinds(3, 4), []);
    assert.deepEqual(kinds(5, 6), []);
  });

  test('that grows down begins where the mapping does, as the kernel has it', () => {
    const stack = { ...mapping(6, '[stack]'), end: 10n * 4096n };
    const range = { start: 9n * 4096n, end: 12n * 4096n };
    const behind = mapping(11, '');
    const found = kindsOfRange([stack, behind], range, READ_EXECUTE | GROWSDOWN);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['execstack', 'execmem'],
    );
  });

  test('has the range that the kernel takes, in whole pages', () => {
    assert.deepEqual(protectedRange(4096n, 1n), { start: 4096n, end: 8192n });
    assert.deepEqual(protectedRange(4096n, 4097n), { start: 4096n, end: 12288n });
  });

  test('fails by itself where address or length cannot be', () => {
    assert.equal(protectedRange(4097n, 4096n), undefined);
    assert.equal(protectedRange(4096n, 0n), undefined);
    assert.equal(protectedRange(4096n, 2n ** 64n - 1n), undefined);
  });

  test('with an address that is tagged is told apart', () => {
    assert.equal(protectedRange((1n << 57n) + 4096n, 4096n), 'tagged');
  });
});
