/**
 * write, pwrite, read and lseek on a table: every row of the interface's list of errors, and their order.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTable, infoOf, type TableObject } from '../../src/object/table.js';
import { type DescriptorKind, judgeRead, judgeSeek, judgeWrite, setDescriptor } from '../../src/object/write.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { registersFor } from '../../src/trampoline/registers.js';
import {
  codeBytes,
  completeTable,
  dataBytes,
  goodCode,
  goodData,
  NAMES,
  PAGE_SIZE,
  registerAt,
  tableWith,
} from './bytes.js';

/** Holds that bytes are refused with an errno, for a reason that says what it should. */
function assertRefused(
  table: TableObject,
  kind: DescriptorKind,
  bytes: Uint8Array,
  errno: 'EINVAL' | 'EEXIST',
  reason: RegExp,
  caller: ArchitectureName = table.architecture,
): void {
  const before = structuredClone(table);
  const answer = setDescriptor(table, kind, bytes, caller);
  assert.ok('errno' in answer, `${kind} was taken`);
  assert.equal(answer.errno, errno, answer.reason);
  assert.match(answer.reason, reason);
  assert.deepEqual(table, before);
}

describe('arguments of write and pwrite', () => {
  const good = { bufferAddress: 0x7fff0000n, count: 16n, offset: 0n };

  test('the offset names the descriptor', () => {
    assert.equal(judgeWrite(good), 'code');
    assert.equal(judgeWrite({ ...good, offset: 1n }), 'data');
  });

  test('an address that is not NULL is not judged here: reading it decides', () => {
    assert.equal(judgeWrite({ ...good, bufferAddress: 1n }), 'code');
    assert.equal(judgeWrite({ ...good, bufferAddress: 2n ** 64n - 1n }), 'code');
  });

  test('NULL buffer: EINVAL', () => {
    assert.equal(judgeWrite({ ...good, bufferAddress: 0n }), 'EINVAL');
  });

  for (const count of [0n, 1n, 15n, 17n, 32n, 4096n, 2n ** 31n, 2n ** 32n + 16n, 2n ** 64n - 1n]) {
    test(`count ${count}: EINVAL`, () => {
      assert.equal(judgeWrite({ ...good, count }), 'EINVAL');
    });
  }

  for (const offset of [2n, 3n, 16n, 4096n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 63n, 2n ** 64n - 1n, -1n]) {
    test(`offset ${offset}: EINVAL`, () => {
      assert.equal(judgeWrite({ ...good, offset }), 'EINVAL');
    });
  }
});

describe('read and lseek', () => {
  test('read: always EINVAL', () => {
    assert.equal(judgeRead(), 'EINVAL');
  });

  test('SEEK_SET to 0 and 1', () => {
    assert.equal(judgeSeek(0n, 0n), undefined);
    assert.equal(judgeSeek(0n, 1n), undefined);
  });

  for (const whence of [1n, 2n, 3n, 4n, 0x8000_0000n, 0xffff_ffffn]) {
    test(`whence ${whence}: EINVAL`, () => {
      assert.equal(judgeSeek(whence, 0n), 'EINVAL');
    });
  }

  test('the kernel looks at 32 bits of whence', () => {
    assert.equal(judgeSeek(0xffff_ffff_0000_0000n, 1n), undefined);
  });

  for (const offset of [-1n, 2n, -(2n ** 63n), 2n ** 63n, 2n ** 32n]) {
    test(`offset ${offset}: EINVAL`, () => {
      assert.equal(judgeSeek(0n, offset), 'EINVAL');
    });
  }
});

for (const name of NAMES) {
  const empty = createTable(name, PAGE_SIZE);
  const { wordSize } = architectures[name];
  const most = infoOf(empty).ntrampolines;
  const [first, second] = [registerAt(name, 0), registerAt(name, 1)];
  const end = 1n << BigInt(8 * wordSize);

  describe(`code descriptor, ${name}`, () => {
    const code = { ntrampolines: 3, reg: first, table: 0x10000n };

    test('is taken, and the table before it stays empty', () => {
      const answer = setDescriptor(empty, 'code', codeBytes(code), name);
      assert.ok('table' in answer);
      assert.deepEqual(answer.table.code, { ntrampolines: 3, register: first, table: 0x10000n });
      assert.deepEqual(empty, createTable(name, PAGE_SIZE));
    });

    test('every register of the architecture, and 1 to all trampolines', () => {
      for (const { number } of registersFor(name, 'code')) {
        for (const ntrampolines of [1, most])
          tableWith(name, ['code', codeBytes({ ...code, ntrampolines, reg: number })]);
      }
    });

    for (const ntrampolines of [0, most + 1, 4096, 2 ** 31, 2 ** 32 - 1]) {
      test(`${ntrampolines} trampolines: EINVAL`, () => {
        assertRefused(empty, 'code', codeBytes({ ...code, ntrampolines }), 'EINVAL', new RegExp(`1 to ${most}`));
      });
    }

    test('a register that can hold the data only: EINVAL', () => {
      const able = new Set(registersFor(name, 'code'));
      for (const { name: register, number } of registersFor(name, 'data').filter((known) => !able.has(known))) {
        const message = new RegExp(`register ${number} is ${register}, which can hold the data only; name one of`);
        assertRefused(empty, 'code', codeBytes({ ...code, reg: number }), 'EINVAL', message);
        tableWith(name, ['data', dataBytes({ reg: number, table: 0x20000n })]);
      }
    });

    test('every register that is not of the width: EINVAL', () => {
      const own = new Set(architectures[name].tableRegisters.map(({ number }) => number));
      for (const reg of [...Array(256).keys(), 2 ** 31, 2 ** 32 - 1].filter((number) => !own.has(number))) {
        assertRefused(empty, 'code', codeBytes({ ...code, reg }), 'EINVAL', new RegExp(`register ${reg} is none`));
      }
    });

    test('set already: EEXIST, with the same values and with others', () => {
      for (const table of [tableWith(name, ['code', goodCode(name)]), completeTable(name)]) {
        assertRefused(table, 'code', goodCode(name), 'EEXIST', /another table/);
        assertRefused(table, 'code', codeBytes({ ...code, ntrampolines: 1 }), 'EEXIST', /another table/);
      }
    });

    test('set already is judged before the values', () => {
      assertRefused(completeTable(name), 'code', codeBytes({ ntrampolines: 0, reg: 999, table: 0n }), 'EEXIST', /set/);
    });

    test('the register of the data: EINVAL', () => {
      const table = tableWith(name, ['data', dataBytes({ reg: first, table: 0x20000n })]);
      assertRefused(table, 'code', codeBytes(code), 'EINVAL', /different registers/);
    });

    test('a data table that holds fewer slots before the end of the address space: EINVAL', () => {
      const table = tableWith(name, ['data', dataBytes({ reg: second, table: end - BigInt(2 * wordSize) })]);
      assertRefused(table, 'code', codeBytes(code), 'EINVAL', /^the data descriptor's/);
      assert.ok('table' in setDescriptor(table, 'code', codeBytes({ ...code, ntrampolines: 2 }), name));
    });
  });

  describe(`data descriptor, ${name}`, () => {
    const data = { reg: second, table: 0x20000n };

    test('is taken, and the table before it stays empty', () => {
      const answer = setDescriptor(empty, 'data', dataBytes(data), name);
      assert.ok('table' in answer);
      assert.deepEqual(answer.table.data, { register: second, table: 0x20000n });
      assert.deepEqual(empty, createTable(name, PAGE_SIZE));
    });

    test('every register that is not of the width: EINVAL', () => {
      const own = new Set(architectures[name].tableRegisters.map(({ number }) => number));
      for (const reg of [...Array(256).keys(), 2 ** 31, 2 ** 32 - 1].filter((number) => !own.has(number))) {
        assertRefused(empty, 'data', dataBytes({ ...data, reg }), 'EINVAL', new RegExp(`register ${reg} is none`));
      }
    });

    for (const reserved of [1, 2 ** 31, 2 ** 32 - 1]) {
      test(`reserved ${reserved}: EINVAL, also where data is set already`, () => {
        assertRefused(empty, 'data', dataBytes({ ...data, reserved }), 'EINVAL', /reserved/);
        assertRefused(completeTable(name), 'data', dataBytes({ ...data, reserved }), 'EINVAL', /reserved/);
      });
    }

    test('set already: EEXIST, before the values are judged', () => {
      const table = tableWith(name, ['data', goodData(name)]);
      assertRefused(table, 'data', goodData(name), 'EEXIST', /another table/);
      assertRefused(table, 'data', dataBytes({ reg: 999, table: 1n }), 'EEXIST', /another table/);
    });

    test('the register of the code: EINVAL', () => {
      const table = tableWith(name, ['code', codeBytes({ ntrampolines: 1, reg: second, table: 0x10000n })]);
      assertRefused(table, 'data', dataBytes(data), 'EINVAL', /different registers/);
    });

    test('as many slots as the code has must fit', () => {
      const table = tableWith(name, ['code', goodCode(name)]);
      assertRefused(table, 'data', dataBytes({ ...data, table: end - BigInt(2 * wordSize) }), 'EINVAL', /do not fit/);
      assert.ok(
        'table' in setDescriptor(table, 'data', dataBytes({ ...data, table: end - BigInt(3 * wordSize) }), name),
      );
    });
  });

  describe(`both descriptors, ${name}`, () => {
    /** The bytes of either descriptor, good but for the place of its array. */
    const at = (kind: DescriptorKind, table: bigint): Uint8Array =>
      kind === 'code' ? codeBytes({ ntrampolines: most, reg: first, table }) : dataBytes({ reg: second, table });

    for (const kind of ['code', 'data'] as const) {
      test(`${kind} table at NULL, misaligned, or behind the address space: EINVAL`, () => {
        assertRefused(empty, kind, at(kind, 0n), 'EINVAL', /NULL/);
        for (let low = 1; low < wordSize; low++) {
          assertRefused(empty, kind, at(kind, 0x10000n + BigInt(low)), 'EINVAL', /aligned/);
        }
        if (wordSize === 4) {
          for (const table of [end, end + 0x10000n, 2n ** 63n])
            assertRefused(empty, kind, at(kind, table), 'EINVAL', /fit/);
        }
      });

      test(`${kind} by a program of another architecture: EINVAL`, () => {
        for (const caller of NAMES.filter((other) => other !== name)) {
          assertRefused(empty, kind, at(kind, 0x10000n), 'EINVAL', /same architecture/, caller);
        }
      });

      for (const count of [0, 15, 17]) {
        test(`${kind} of ${count} bytes: EINVAL`, () => {
          assertRefused(empty, kind, new Uint8Array(count), 'EINVAL', /exactly 16/);
        });
      }
    }

    test('a code table that ends with the address space is taken, one word further it is not', () => {
      const last = end - BigInt(most * wordSize);
      assert.ok('table' in setDescriptor(empty, 'code', at('code', last), name));
      assertRefused(empty, 'code', at('code', last + BigInt(wordSize)), 'EINVAL', /do not fit/);
    });

    test('bytes may lie anywhere in a larger buffer', () => {
      const buffer = new Uint8Array(40).fill(0xff);
      buffer.set(goodCode(name), 7);
      const answer = setDescriptor(empty, 'code', buffer.subarray(7, 23), name);
      assert.deepEqual(answer, { table: tableWith(name, ['code', goodCode(name)]) });
    });
  });
}
