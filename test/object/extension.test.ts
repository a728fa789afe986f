/**
 * The extension for tables of more than one page: what it takes, what it refuses and in which order, and what it changes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeMap } from '../../src/object/mapping.js';
import { createTable, infoOf, isComplete, mappedLength, mostTrampolines } from '../../src/object/table.js';
import { judgeSeek, judgeWrite, setDescriptor } from '../../src/object/write.js';
import { architectures } from '../../src/trampoline/architectures.js';
import {
  codeBytes,
  completeTable,
  extensionBytes,
  GOOD_MAP,
  goodCode,
  goodData,
  NAMES,
  PAGE_SIZE,
  registerAt,
  tableWith,
} from './bytes.js';

const MOST = 1_048_576;
const large = (ntrampolines: number): Uint8Array => extensionBytes({ ntrampolines });

test('it is written at its own offset, which lseek may go to', () => {
  const good = { bufferAddress: 0x7fff0000n, count: 16n, offset: 0x10000n };
  assert.equal(judgeWrite(good), 'extension');
  for (const count of [0n, 8n, 15n, 17n, 24n]) assert.equal(judgeWrite({ ...good, count }), 'EINVAL');
  assert.equal(judgeWrite({ ...good, bufferAddress: 0n }), 'EINVAL');
  assert.equal(judgeSeek(0n, 0x10000n), undefined);
  for (const offset of [0xffffn, 0x10001n, 0x1_0001_0000n, -0x10000n]) {
    assert.equal(judgeSeek(0n, offset), 'EINVAL');
    assert.equal(judgeWrite({ ...good, offset }), 'EINVAL');
  }
  for (const whence of [1n, 2n]) assert.equal(judgeSeek(whence, 0x10000n), 'EINVAL');
});

for (const name of NAMES) {
  describe(`a large table of ${name}`, () => {
    const { tableSlotSize } = architectures[name];
    const empty = createTable(name, PAGE_SIZE);
    const ofPage = infoOf(empty).ntrampolines;

    const refused = (bytes: Uint8Array, table = empty): string => {
      const before = structuredClone(table);
      const answer = setDescriptor(table, 'extension', bytes, name);
      assert.ok('errno' in answer, 'it was taken');
      assert.match(answer.reason, /\w.*[;:,] \w|must be 0/);
      assert.deepEqual(table, before);
      return answer.errno;
    };

    test('holds what was asked for, and info says what it said before', () => {
      for (const ntrampolines of [1, ofPage, ofPage + 1, 100_000, MOST]) {
        const table = tableWith(name, ['extension', large(ntrampolines)]);
        assert.equal(mostTrampolines(table), ntrampolines);
        assert.deepEqual(infoOf(table), infoOf(empty));
        assert.equal(isComplete(table), false);
      }
      assert.equal(mostTrampolines(empty), ofPage);
    });

    test('version, reserved and number must be right', () => {
      for (const version of [0, 2, 2 ** 32 - 1]) {
        assert.equal(refused(extensionBytes({ ntrampolines: 7, version })), 'EINVAL');
      }
      for (const reserved of [1n, 2n ** 32n, 2n ** 64n - 1n]) {
        assert.equal(refused(extensionBytes({ ntrampolines: 7, reserved })), 'EINVAL');
      }
      for (const ntrampolines of [0, MOST + 1, 2 ** 32 - 1]) assert.equal(refused(large(ntrampolines)), 'EINVAL');
      for (const length of [0, 15, 17]) {
        const answer = setDescriptor(empty, 'extension', new Uint8Array(length), name);
        assert.equal('errno' in answer && answer.errno, 'EINVAL');
      }
    });

    test('is asked for once, and before code and data: EEXIST; the version and reserved are judged before that', () => {
      for (const table of [
        tableWith(name, ['extension', large(7)]),
        tableWith(name, ['code', goodCode(name)]),
        tableWith(name, ['data', goodData(name)]),
        completeTable(name),
      ]) {
        assert.equal(refused(large(7), table), 'EEXIST');
        assert.equal(refused(large(0), table), 'EEXIST');
        assert.equal(refused(extensionBytes({ ntrampolines: 7, version: 2 }), table), 'EINVAL');
        assert.equal(refused(extensionBytes({ ntrampolines: 7, reserved: 1n }), table), 'EINVAL');
      }
    });

    test('is asked for by a call of its own architecture', () => {
      for (const caller of NAMES.filter((other) => other !== name)) {
        const answer = setDescriptor(empty, 'extension', large(7), caller);
        assert.equal('errno' in answer && answer.errno, 'EINVAL');
      }
    });

    test('has the code descriptor limited by what was asked for, up or down', () => {
      const code = (ntrampolines: number): Uint8Array =>
        codeBytes({ ntrampolines, reg: registerAt(name, 0), table: 0x10000n });
      for (const asked of [1, 5, ofPage, 3000, 100_000]) {
        const table = tableWith(name, ['extension', large(asked)]);
        for (const [ntrampolines, taken] of [
          [0, false],
          [1, true],
          [asked, true],
          [asked + 1, false],
        ] as const) {
          const answer = setDescriptor(table, 'code', code(ntrampolines), name);
          assert.equal('table' in answer, taken, `${ntrampolines} of ${asked}`);
          if ('errno' in answer) assert.equal(answer.errno, 'EINVAL');
        }
      }
    });

    test('is mapped by exactly the pages of its trampolines, whatever was asked for', () => {
      for (const count of [1, ofPage, ofPage + 1, 1000, 100_000]) {
        const code = codeBytes({ ntrampolines: count, reg: registerAt(name, 0), table: 0x10000n });
        const table = tableWith(name, ['extension', large(100_000)], ['data', goodData(name)], ['code', code]);
        assert.ok(isComplete(table));
        const pages = BigInt(Math.ceil((count * tableSlotSize) / PAGE_SIZE) * PAGE_SIZE);
        assert.equal(BigInt(mappedLength(table)), pages);
        const judged = (length: bigint): string | undefined => judgeMap({ ...GOOD_MAP, length }, table);
        for (const length of [BigInt(count * tableSlotSize), pages, pages - 4095n]) {
          assert.equal(judged(length), undefined, `${length}`);
        }
        for (const length of [0n, pages - 4096n, pages + 1n, pages + 4096n, 2n ** 63n, 2n ** 64n - 1n]) {
          assert.equal(judged(length), 'EINVAL', `${length}`);
        }
        assert.equal(judgeMap({ ...GOOD_MAP, length: pages, alreadyMapped: true }, table), 'EEXIST');
      }
    });
  });
}
