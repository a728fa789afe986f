/**
 * Contexts of version 1: every row of the interface's table of what is taken, what removes, and what is EINVAL.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { userRegisters } from '../../src/abi/trampfd_user.js';
import type { UserTrampoline } from '../../src/object/user.js';
import type { WritableContext } from '../../src/object/user_arguments.js';
import { setContext } from '../../src/object/user_write.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { NAMES } from './bytes.js';
import { goodRegs, pcOf, regsBytes, stackBytes, USER_NAMES, userWith, valuesBytes } from './user_bytes.js';

/** Holds that bytes are refused with EINVAL, for a reason that says what it should, and nothing changes. */
function assertRefused(
  user: UserTrampoline,
  kind: WritableContext,
  bytes: Uint8Array,
  reason: RegExp,
  caller: ArchitectureName = user.architecture,
): void {
  const before = structuredClone(user);
  const answer = setContext(user, kind, bytes, caller);
  assert.ok('errno' in answer, `${kind} was taken`);
  assert.equal(answer.errno, 'EINVAL');
  assert.match(answer.reason, reason);
  assert.deepEqual(user, before);
}

/** A number of zeros, as a register's values or a list of PCs may not be. */
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);

for (const name of USER_NAMES) {
  const { names, first } = userRegisters[name];
  const pc = pcOf(name);
  const target = { name: pc, value: 0x10000n };
  const empty = userWith(name);
  const bits = BigInt(8 * architectures[name].wordSize);
  const top = 2n ** bits - 1n;
  /** Values that do not fit into a word: there are none where it has 64 bits. */
  const tooWide = [2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 32n + 1n].filter((value) => value > top);

  describe(`register context, ${name}`, () => {
    test('every register, every value of a word, 1 to 40 of them', () => {
      for (const index of names.keys()) {
        for (const value of [0n, 1n, top]) {
          const written = regsBytes([{ name: first + index, value }, target]);
          const user = userWith(name, ['registers', written]);
          assert.deepEqual(user.registers, [{ name: first + index, value }, target]);
        }
      }
      for (let count = 1; count <= 40; count++) {
        assert.equal(userWith(name, ['registers', regsBytes(times(count, target))]).registers?.length, count);
      }
    });

    test('the newest counts, and the other contexts stay', () => {
      const before = userWith(
        name,
        ['registers', goodRegs(name)],
        ['stack', stackBytes([1])],
        ['pcs', valuesBytes([9n])],
      );
      const answer = setContext(before, 'registers', regsBytes([{ name: pc, value: 9n }]), name);
      assert.deepEqual(answer, { user: { ...before, registers: [{ name: pc, value: 9n }] } });
    });

    test('0 registers remove it, and only it, whatever the allowed PCs are', () => {
      const set = userWith(name, ['registers', goodRegs(name)], ['stack', stackBytes([1])], ['pcs', valuesBytes([9n])]);
      const answer = setContext(set, 'registers', regsBytes([]), name);
      assert.deepEqual(answer, { user: userWith(name, ['stack', stackBytes([1])], ['pcs', valuesBytes([9n])]) });
      assert.deepEqual(setContext(empty, 'registers', regsBytes([]), name), { user: empty });
    });

    test('every number that is not a register of the architecture: EINVAL', () => {
      const own = new Set(names.map((_, index) => first + index));
      for (const number of [...Array(256).keys(), 2 ** 31, 2 ** 32 - 1].filter((one) => !own.has(one))) {
        assertRefused(empty, 'registers', regsBytes([target, { name: number, value: 1n }]), /is none of .*; name one/);
      }
    });

    for (const reserved of [1, 2 ** 31, 2 ** 32 - 1]) {
      test(`reserved ${reserved}, of the context or of a register: EINVAL`, () => {
        assertRefused(empty, 'registers', regsBytes([target], { reserved }), /context's reserved field/);
        assertRefused(empty, 'registers', regsBytes([], { reserved }), /context's reserved field/);
        assertRefused(empty, 'registers', regsBytes([{ ...target, reserved }]), /reserved field of register/);
        assertRefused(empty, 'registers', regsBytes([{ name: first, value: 1n, reserved }, target]), /reserved field/);
      });
    }

    for (const value of tooWide) {
      test(`a value of ${value}, which a word cannot hold: EINVAL`, () => {
        assertRefused(empty, 'registers', regsBytes([{ name: first, value }, target]), /has 32 bits/);
        assertRefused(empty, 'registers', regsBytes([{ name: pc, value }]), /has 32 bits/);
        // Also where a later entry makes it void.
        assertRefused(empty, 'registers', regsBytes([{ name: pc, value }, target]), /has 32 bits/);
      });
    }

    test('no program counter, or 0: EINVAL', () => {
      assertRefused(empty, 'registers', regsBytes([{ name: first, value: 1n }]), /without a target/);
      assertRefused(empty, 'registers', regsBytes([{ name: pc, value: 0n }]), /without a target/);
      assertRefused(empty, 'registers', regsBytes([target, { name: pc, value: 0n }]), /without a target/);
    });

    test('all registers at once: EINVAL where the jump needs one of them', () => {
      const all = names.slice(0, -1).map((_, index) => ({ name: first + index, value: 5n }));
      const jumpRegisters = name === 'arm64' ? ['x16', 'x17'] : [];
      if (jumpRegisters.length > 0) assertRefused(empty, 'registers', regsBytes([...all, target]), /x16 and x17/);
      else assert.equal(userWith(name, ['registers', regsBytes([...all, target])]).registers?.length, names.length);
      for (const left of jumpRegisters) {
        const others = all.filter((register) => names[register.name - first] !== left);
        const user = userWith(name, ['registers', regsBytes([...others, target])]);
        assert.equal(user.registers?.length, names.length - 1);
      }
    });

    test('the last of several program counters counts', () => {
      const user = userWith(name, ['registers', regsBytes([{ name: pc, value: 0n }, target])]);
      assert.equal(user.registers?.length, 2);
    });

    test('a header that says another number than there is: EINVAL', () => {
      for (const nregs of [0, 1, 3, 40]) {
        assertRefused(empty, 'registers', regsBytes([target, target], { nregs }), /write \d+$/);
      }
      for (const nregs of [41, 2 ** 28 + 2, 2 ** 31, 2 ** 32 - 1]) {
        assertRefused(empty, 'registers', regsBytes([target, target], { nregs }), /can have 40/);
      }
    });
  });

  describe(`stack context, ${name}`, () => {
    test('1 to 64 bytes, offset 0 to 256, with and without SET_SP', () => {
      for (let size = 1; size <= 64; size++) {
        const data = Array.from({ length: size }, (_, index) => index);
        for (const flags of [0, 1]) {
          for (const offset of [0, 1, 128, 256]) {
            const user = userWith(name, ['stack', stackBytes(data, { flags, offset })]);
            assert.deepEqual(user.stack, { flags, offset, data: Uint8Array.from(data) });
          }
        }
      }
    });

    test('0 bytes remove it, and only it; nothing else of them counts', () => {
      const set = userWith(name, ['registers', goodRegs(name)], ['stack', stackBytes([1])]);
      for (const header of [{}, { flags: 1 }, { flags: 0xffff_ffff, offset: 0xffff_ffff }]) {
        const answer = setContext(set, 'stack', stackBytes([], header), name);
        assert.deepEqual(answer, { user: userWith(name, ['registers', goodRegs(name)]) });
      }
    });

    for (const flags of [2, 3, 2 ** 31, 2 ** 32 - 1]) {
      test(`flags ${flags}: EINVAL`, () => {
        assertRefused(empty, 'stack', stackBytes([1], { flags }), /only TRAMPFD_SET_SP/);
      });
    }

    for (const offset of [257, 4096, 2 ** 31, 2 ** 32 - 1]) {
      test(`offset ${offset}: EINVAL`, () => {
        assertRefused(empty, 'stack', stackBytes([1], { offset }), /0 to 256/);
      });
    }

    for (const reserved of [1, 2 ** 31, 2 ** 32 - 1]) {
      test(`reserved ${reserved}: EINVAL, also of a context that removes`, () => {
        assertRefused(empty, 'stack', stackBytes([1], { reserved }), /reserved/);
        assertRefused(empty, 'stack', stackBytes([], { reserved }), /reserved/);
      });
    }

    test('a header that says another size than there is: EINVAL', () => {
      for (const size of [0, 1, 3, 64]) assertRefused(empty, 'stack', stackBytes([1, 2], { size }), /write \d+$/);
      for (const size of [65, 2 ** 31, 2 ** 32 - 1]) {
        assertRefused(empty, 'stack', stackBytes([1, 2], { size }), /can have 64/);
      }
    });
  });

  describe(`allowed PCs, ${name}`, () => {
    test('1 to 16 of them, any word but 0', () => {
      for (let count = 1; count <= 16; count++) {
        assert.deepEqual(userWith(name, ['pcs', valuesBytes(times(count, top))]).allowedPcs, times(count, top));
      }
    });

    test('a target in the list is taken, another is EINVAL', () => {
      const user = userWith(name, ['pcs', valuesBytes([1n, 0x10000n, top])]);
      for (const value of [1n, 0x10000n, top]) {
        assert.ok('user' in setContext(user, 'registers', regsBytes([{ name: pc, value }]), name));
      }
      for (const value of [2n, 0xffffn, top - 1n]) {
        assertRefused(user, 'registers', regsBytes([{ name: pc, value }]), /0x1, 0x10000, /);
      }
    });

    test('of several program counters, the last is the one that must be allowed', () => {
      const user = userWith(name, ['pcs', valuesBytes([5n])]);
      const [five, six] = [
        { name: pc, value: 5n },
        { name: pc, value: 6n },
      ];
      assert.ok('user' in setContext(user, 'registers', regsBytes([six, five]), name));
      assertRefused(user, 'registers', regsBytes([five, six]), /not allowed/);
    });

    test('other registers may hold what they like', () => {
      const user = userWith(name, ['pcs', valuesBytes([5n])]);
      const written = regsBytes([
        { name: first, value: 6n },
        { name: pc, value: 5n },
      ]);
      assert.ok('user' in setContext(user, 'registers', written, name));
    });

    test('a context that is there already stays', () => {
      const user = userWith(name, ['registers', goodRegs(name)], ['pcs', valuesBytes([5n])]);
      assert.deepEqual(user.registers, userWith(name, ['registers', goodRegs(name)]).registers);
      assertRefused(user, 'registers', goodRegs(name), /not allowed/);
    });

    test('0 values remove the list, and every target is allowed again', () => {
      const user = userWith(name, ['pcs', valuesBytes([5n])], ['pcs', valuesBytes([])], ['registers', goodRegs(name)]);
      assert.deepEqual(user, userWith(name, ['registers', goodRegs(name)]));
    });

    test('a value 0: EINVAL', () => {
      assertRefused(empty, 'pcs', valuesBytes([0n]), /allowed PC 0 is 0/);
      assertRefused(empty, 'pcs', valuesBytes([...times(15, 1n), 0n]), /allowed PC 15 is 0/);
    });

    for (const value of tooWide) {
      test(`a value ${value}, which a word cannot hold: EINVAL`, () => {
        assertRefused(empty, 'pcs', valuesBytes([1n, value]), /allowed PC 1 .* has 32 bits/);
      });
    }

    for (const reserved of [1, 2 ** 32 - 1]) {
      test(`reserved ${reserved}: EINVAL`, () => {
        assertRefused(empty, 'pcs', valuesBytes([1n], { reserved }), /reserved/);
        assertRefused(empty, 'pcs', valuesBytes([], { reserved }), /reserved/);
      });
    }

    test('a header that says another number than there is: EINVAL', () => {
      for (const nvalues of [0, 1, 3, 16])
        assertRefused(empty, 'pcs', valuesBytes([1n, 2n], { nvalues }), /write \d+$/);
      for (const nvalues of [17, 2 ** 29 + 2, 2 ** 32 - 1]) {
        assertRefused(empty, 'pcs', valuesBytes([1n, 2n], { nvalues }), /can have 16/);
      }
    });
  });

  describe(`every context, ${name}`, () => {
    const good: Readonly<Record<WritableContext, Uint8Array>> = {
      registers: goodRegs(name),
      stack: stackBytes([1]),
      pcs: valuesBytes([1n]),
    };
    for (const [kind, bytes] of Object.entries(good) as [WritableContext, Uint8Array][]) {
      test(`${kind} by a program of another architecture: EINVAL`, () => {
        for (const caller of NAMES.filter((other) => other !== name)) {
          assertRefused(empty, kind, bytes, /same architecture/, caller);
        }
      });

      test(`${kind} of fewer bytes than a header, or more than the largest: EINVAL`, () => {
        for (const size of [0, 1, 7, 649, 4096]) assertRefused(empty, kind, new Uint8Array(size), /write \d+ to \d+$/);
      });

      test(`${kind} anywhere in a larger buffer`, () => {
        const buffer = new Uint8Array(bytes.length + 20).fill(0xff);
        buffer.set(bytes, 7);
        const answer = setContext(empty, kind, buffer.subarray(7, 7 + bytes.length), name);
        assert.deepEqual(answer, { user: userWith(name, [kind, bytes]) });
      });
    }
  });
}
