/**
 * What holds for a table whatever is written to it, in any order: laws over random sequences of writes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judgeMap } from '../../src/object/mapping.js';
import {
  createTable,
  infoOf,
  isComplete,
  mappedLength,
  mostTrampolines,
  type TableObject,
  toTrampolineTable,
} from '../../src/object/table.js';
import { type DescriptorKind, setDescriptor } from '../../src/object/write.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { requireTable } from '../../src/trampoline/table.js';
import { codeBytes, dataBytes, extensionBytes, GOOD_MAP, NAMES, PAGE_SIZE } from './bytes.js';

interface Write {
  readonly kind: DescriptorKind;
  readonly bytes: Uint8Array;
  readonly caller: ArchitectureName;
}

const architectureName = fc.constantFrom(...NAMES);

/** Addresses that are often good, and often just not. */
const address = fc
  .oneof(
    fc.constantFrom(0n, 1n, 4n, 8n, 0x1000n, 2n ** 32n - 4n, 2n ** 32n, 2n ** 64n - 8n),
    fc.bigInt({ min: 0n, max: 2n ** 29n - 1n }).map((word) => word * 8n),
    fc.bigInt({ min: 0n, max: 1024n }).map((word) => 2n ** 32n - 4n * word),
    fc.bigInt({ min: 0n, max: 1024n }).map((word) => 2n ** 64n - 8n * word),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  )
  .filter((value) => value < 2n ** 64n);

/** Mostly a register of the architecture, else any number. */
function register(architecture: ArchitectureName): fc.Arbitrary<number> {
  const own = architectures[architecture].tableRegisters.map(({ number }) => number);
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.nat(45) },
    { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) },
  );
}

function code(architecture: ArchitectureName): fc.Arbitrary<Uint8Array> {
  const most = infoOf(createTable(architecture, PAGE_SIZE)).ntrampolines;
  const ntrampolines = fc.oneof(fc.nat(most + 2), fc.nat(most + 2), fc.nat(2 ** 32 - 1));
  return fc.record({ ntrampolines, reg: register(architecture), table: address }).map(codeBytes);
}

function data(architecture: ArchitectureName): fc.Arbitrary<Uint8Array> {
  const reserved = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) });
  return fc.record({ reg: register(architecture), reserved, table: address }).map(dataBytes);
}

const extension = fc
  .record({
    ntrampolines: fc.oneof(fc.nat(300), fc.nat(2 ** 21), fc.nat(2 ** 32 - 1)),
    version: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(3) }),
    reserved: fc.oneof({ weight: 9, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: fc.constant(2n ** 32n) }),
  })
  .map(extensionBytes);

function writes(architecture: ArchitectureName): fc.Arbitrary<Write[]> {
  const caller = fc.oneof({ weight: 9, arbitrary: fc.constant(architecture) }, architectureName);
  const anything = fc.uint8Array({ minLength: 0, maxLength: 32 });
  return fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('code' as const), bytes: code(architecture), caller }),
      fc.record({ kind: fc.constant('data' as const), bytes: data(architecture), caller }),
      fc.record({ kind: fc.constant('extension' as const), bytes: extension, caller }),
      fc.record({
        kind: fc.constantFrom('code' as const, 'data' as const, 'extension' as const),
        bytes: anything,
        caller,
      }),
    ),
    { maxLength: 24 },
  );
}

/** An architecture and a sequence of writes by its programs. */
const history = architectureName.chain((architecture) => writes(architecture).map((list) => ({ architecture, list })));

/** An architecture and one descriptor of each kind. */
const pair = architectureName.chain((architecture) =>
  fc.record({
    architecture: fc.constant(architecture),
    codeWritten: code(architecture),
    dataWritten: data(architecture),
  }),
);

/** Calls `visit` with the table before and after each write; a refused write leaves the same. */
function replay(
  architecture: ArchitectureName,
  list: readonly Write[],
  visit: (before: TableObject, after: TableObject, write: Write) => void,
): TableObject {
  return list.reduce(
    (table: TableObject, write) => {
      const answer = setDescriptor(table, write.kind, write.bytes, write.caller);
      const after = 'errno' in answer ? table : answer.table;
      visit(table, after, write);
      return after;
    },
    createTable(architecture, PAGE_SIZE),
  );
}

describe('laws of a table', () => {
  test('no sequence of writes leaves a table that cannot work', () => {
    let complete = 0;
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        replay(architecture, list, (_, after) => {
          const { wordSize, tableRegisters } = architectures[architecture];
          const { code: codeSet, data: dataSet } = after;
          for (const descriptor of [codeSet, dataSet]) {
            if (descriptor === undefined) continue;
            assert.ok(tableRegisters.some(({ number }) => number === descriptor.register));
            assert.notEqual(descriptor.table, 0n);
            assert.equal(descriptor.table % BigInt(wordSize), 0n);
            const slots = BigInt(wordSize * (codeSet?.ntrampolines ?? 1));
            assert.ok(descriptor.table + slots <= 1n << BigInt(8 * wordSize));
          }
          if (codeSet !== undefined) {
            assert.ok(codeSet.ntrampolines >= 1 && codeSet.ntrampolines <= mostTrampolines(after));
            assert.notEqual(codeSet.register, dataSet?.register);
          }
          if (isComplete(after)) {
            complete++;
            requireTable(toTrampolineTable(after), mappedLength(after));
          }
        });
      }),
      { numRuns: 2000 },
    );
    assert.ok(complete > 100, `only ${complete} complete tables were seen`);
  });

  test('a descriptor that is set never changes, and the tables before stay as they were', () => {
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        const seen: [TableObject, string][] = [];
        const text = (table: TableObject): string =>
          JSON.stringify(table, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
        replay(architecture, list, (before, after) => {
          if (before.code !== undefined) assert.deepEqual(after.code, before.code);
          if (before.data !== undefined) assert.deepEqual(after.data, before.data);
          if (before.extension !== undefined) assert.deepEqual(after.extension, before.extension);
          if (before.code ?? before.data) assert.equal(after.extension, before.extension);
          assert.equal(after.architecture, architecture);
          seen.push([after, text(after)]);
        });
        for (const [table, was] of seen) assert.equal(text(table), was);
      }),
      { numRuns: 1000 },
    );
  });

  test('a refusal has a reason; the order of two good descriptors does not matter', () => {
    fc.assert(
      fc.property(pair, ({ architecture, codeWritten, dataWritten }) => {
        const write = (kind: DescriptorKind, bytes: Uint8Array): Write => ({ kind, bytes, caller: architecture });
        const [first, second] = [write('code', codeWritten), write('data', dataWritten)];
        const answer = setDescriptor(createTable(architecture, PAGE_SIZE), 'code', codeWritten, architecture);
        if ('errno' in answer) assert.match(answer.reason, /\w.*[;:,] \w/);
        const one = replay(architecture, [first, second], () => {});
        const other = replay(architecture, [second, first], () => {});
        if (isComplete(one)) assert.deepEqual(other, one);
        assert.equal(isComplete(other), isComplete(one));
      }),
      { numRuns: 2000 },
    );
  });

  test('whatever was written, a table is mapped if and only if it is complete', () => {
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        const table = replay(architecture, list, () => {});
        const length = isComplete(table) ? BigInt(mappedLength(table)) : GOOD_MAP.length;
        assert.equal(judgeMap({ ...GOOD_MAP, length }, table), isComplete(table) ? undefined : 'EINVAL');
      }),
      { numRuns: 500 },
    );
  });
});
