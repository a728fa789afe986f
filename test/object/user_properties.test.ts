/**
 * What holds for a trampoline of version 1 whatever is written to it, in any order: laws over random sequences of writes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { userRegisters } from '../../src/abi/trampfd_user.js';
import { contextOf, type UserArchitecture, type UserTrampoline } from '../../src/object/user.js';
import { mostBytes, type WritableContext } from '../../src/object/user_arguments.js';
import { judgeUserMap } from '../../src/object/user_mapping.js';
import { readContext } from '../../src/object/user_read.js';
import { setContext } from '../../src/object/user_write.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { requireContext } from '../../src/trampoline/context.js';
import { GOOD_USER_MAP, pcOf, regsBytes, stackBytes, USER_NAMES, userWith, valuesBytes } from './user_bytes.js';

interface Write {
  readonly kind: WritableContext;
  readonly bytes: Uint8Array;
}

const architectureName = fc.constantFrom(...USER_NAMES);

/** Mostly as it should be, else a small number, else any. */
function mostly(good: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(good) },
    { weight: 1, arbitrary: fc.nat(50) },
    { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) },
  );
}

/** Values that meet each other often, and at times are none that can be had. */
const value = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(1n, 2n, 0x10000n, 2n ** 32n - 1n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 2n ** 32n, 2n ** 64n - 1n) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }) },
);

function registers(architecture: UserArchitecture): fc.Arbitrary<Uint8Array> {
  const { names, first } = userRegisters[architecture];
  const name = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: first, max: first + names.length - 1 }) },
    { weight: 10, arbitrary: fc.constant(pcOf(architecture)) },
    { weight: 1, arbitrary: fc.nat(60) },
  );
  const entry = fc.record({ name, reserved: mostly(0), value });
  return fc
    .array(entry, { maxLength: 41 })
    .chain((entries) =>
      fc.record({ nregs: mostly(entries.length), reserved: mostly(0) }).map((header) => regsBytes(entries, header)),
    );
}

const stack = fc.uint8Array({ maxLength: 66 }).chain((data) =>
  fc
    .record({
      flags: fc.oneof(mostly(0), mostly(1)),
      offset: fc.oneof(fc.nat(257), mostly(0)),
      size: mostly(data.length),
      reserved: mostly(0),
    })
    .map((header) => stackBytes(data, header)),
);

const pcs = fc
  .array(value, { maxLength: 17, size: '-1' })
  .chain((values) =>
    fc.record({ nvalues: mostly(values.length), reserved: mostly(0) }).map((header) => valuesBytes(values, header)),
  );

function write(architecture: UserArchitecture): fc.Arbitrary<Write> {
  const kind = fc.constantFrom('registers' as const, 'stack' as const, 'pcs' as const);
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('registers' as const), bytes: registers(architecture) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('stack' as const), bytes: stack }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pcs' as const), bytes: pcs }) },
    { weight: 1, arbitrary: fc.record({ kind, bytes: fc.uint8Array({ maxLength: 700 }) }) },
  );
}

/** An architecture and a sequence of writes by its programs. */
const history = architectureName.chain((architecture) =>
  fc.record({
    architecture: fc.constant(architecture),
    list: fc.array(write(architecture), { maxLength: 20, size: 'max' }),
  }),
);

/** Calls `visit` with the trampoline before and after each write; a refused write leaves the same. */
function replay(
  architecture: UserArchitecture,
  list: readonly Write[],
  visit: (before: UserTrampoline, after: UserTrampoline, write: Write) => void,
): UserTrampoline {
  return list.reduce((user, made) => {
    const answer = setContext(user, made.kind, made.bytes, architecture);
    const after = 'errno' in answer ? user : answer.user;
    visit(user, after, made);
    return after;
  }, userWith(architecture));
}

/** What a context says its number of entries is. */
function entriesOf({ kind, bytes }: Write): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(kind === 'stack' ? 8 : 0, true);
}

/** A fresh encoding of a list of allowed PCs, which cannot be read. */
const written = (user: UserTrampoline, kind: WritableContext): Uint8Array =>
  kind === 'pcs' ? valuesBytes(user.allowedPcs ?? []) : readContext(user, kind, mostBytes(kind));

describe('laws of a trampoline of version 1', () => {
  test('what it does can always be made code of: no sequence of writes leaves a context that cannot work', () => {
    let seen = 0;
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        replay(architecture, list, (_, after) => {
          const context = contextOf(after);
          assert.equal(context === undefined, after.registers === undefined);
          if (context === undefined) return;
          seen++;
          assert.ok(context.target > 0n);
          assert.equal(new Set(context.registers.map(({ register }) => register)).size, context.registers.length);
          const last = after.registers?.findLast(({ name }) => name === pcOf(architecture));
          assert.equal(context.target, last?.value);
          if (architectures[architecture].context !== undefined) requireContext(context, architecture);
        });
      }),
      { numRuns: 1000 },
    );
    assert.ok(seen > 1000, `only ${seen} contexts were seen`);
  });

  test('what was taken reads back bit for bit, and is the only thing that changes; the trampolines before stay', () => {
    let taken = 0;
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        const seen: [UserTrampoline, UserTrampoline][] = [];
        replay(architecture, list, (before, after, made) => {
          seen.push([after, structuredClone(after)]);
          if (after === before) return;
          taken++;
          const { kind, bytes } = made;
          const removed = kind === 'stack' ? new Uint8Array(16) : new Uint8Array(8);
          assert.deepEqual(written(after, kind), entriesOf(made) === 0 ? removed : bytes);
          for (const other of ['registers', 'stack', 'pcs'] as const) {
            if (other !== kind) assert.deepEqual(written(after, other), written(before, other));
          }
          // What it reads, written again, is taken again: but for targets that have been forbidden since.
          if (kind !== 'pcs')
            assert.deepEqual(setContext(after, kind, written(after, kind), architecture), { user: after });
        });
        for (const [user, was] of seen) assert.deepEqual(user, was);
      }),
      { numRuns: 1000 },
    );
    assert.ok(taken > 1000, `only ${taken} writes were taken`);
  });

  test('a register context that is taken has an allowed target, and a refusal has a reason', () => {
    let [allowed, forbidden] = [0, 0];
    fc.assert(
      fc.property(history, ({ architecture, list }) => {
        replay(architecture, list, (before, after, made) => {
          if (made.kind !== 'registers') return;
          const answer = setContext(before, made.kind, made.bytes, architecture);
          if ('errno' in answer) {
            assert.equal(answer.errno, 'EINVAL');
            assert.match(answer.reason, /\w.*[;,] \w/);
            if (/not allowed/.test(answer.reason)) forbidden++;
            return;
          }
          const context = contextOf(after);
          if (before.allowedPcs === undefined || context === undefined) return;
          allowed++;
          assert.ok(before.allowedPcs.includes(context.target));
        });
      }),
      { numRuns: 1000 },
    );
    assert.ok(allowed > 20 && forbidden > 20, `${allowed} allowed, ${forbidden} forbidden`);
  });

  test('whatever was written, the trampoline can be mapped', () => {
    fc.assert(
      fc.property(fc.array(write('x86-64'), { maxLength: 20 }), (list) => {
        assert.equal(
          judgeUserMap(
            GOOD_USER_MAP,
            replay('x86-64', list, () => {}),
          ),
          undefined,
        );
      }),
      { numRuns: 300 },
    );
  });
});
