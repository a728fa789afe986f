/**
 * A trampoline of version 1: its creation, and what a call of it does.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TRAMPFD_V1, userRegisters } from '../../src/abi/trampfd_user.js';
import {
  contextOf,
  createUser,
  judgeUserCreate,
  listUserRegisters,
  programCounterOf,
  userRegisterByNumber,
} from '../../src/object/user.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { MOST_STACK_DATA, MOST_STACK_OFFSET } from '../../src/trampoline/context_block.js';
import { PAGE_SIZE } from './bytes.js';
import { goodRegs, numberOf, pcOf, regsBytes, stackBytes, USER_NAMES, userBytes, userWith } from './user_bytes.js';

/** The interface's list of names and numbers. */
const NUMBERS = {
  i386: ['eax', 0, 'ebx', 1, 'ecx', 2, 'edx', 3, 'esi', 4, 'edi', 5, 'ebp', 6, 'eip', 7],
  'x86-64': ['rax', 8, 'rbx', 9, 'rcx', 10, 'rdx', 11, 'rsi', 12, 'rdi', 13, 'rbp', 14, 'r8', 15, 'r15', 22, 'rip', 23],
  arm: ['r0', 0, 'r10', 10, 'ip', 11, 'pc', 12],
  arm64: ['x0', 13, 'x28', 41, 'pc', 42],
} as const;

describe('creation of a trampoline of version 1', () => {
  for (const name of USER_NAMES) {
    test(`${name}: it has no context`, () => {
      assert.deepEqual(createUser(userBytes(), name, PAGE_SIZE), { user: { architecture: name, pageSize: PAGE_SIZE } });
    });
  }

  for (const field of ['flags', 'reserved'] as const) {
    for (const value of [1, 2 ** 31, 2 ** 32 - 1]) {
      test(`${field} ${value}: EINVAL`, () => {
        const answer = createUser(userBytes({ [field]: value }), 'x86-64', PAGE_SIZE);
        assert.ok('errno' in answer);
        assert.equal(answer.errno, 'EINVAL');
        assert.match(answer.reason, new RegExp(`^${field} .* ${value}; it must be 0`));
      });
    }
  }

  for (const flags of [1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 64n - 1n]) {
    test(`third argument ${flags}: EINVAL`, () => {
      assert.equal(judgeUserCreate(flags)?.errno, 'EINVAL');
    });
  }

  test('third argument 0, of which the kernel looks at 32 bits', () => {
    assert.equal(judgeUserCreate(0n), undefined);
    assert.equal(judgeUserCreate(2n ** 32n), undefined);
  });

  test('every architecture without version 1: EOPNOTSUPP', () => {
    const others = [...Object.keys(architectures), 'hexagon'].filter((name) => !Object.hasOwn(userRegisters, name));
    for (const name of others) {
      const answer = createUser(userBytes(), name as ArchitectureName, PAGE_SIZE);
      assert.ok('errno' in answer);
      assert.equal(answer.errno, 'EOPNOTSUPP');
      assert.match(answer.reason, /create a table/);
    }
  });
});

describe('registers of version 1', () => {
  for (const name of USER_NAMES) {
    test(`${name}: names and numbers are the interface's, the program counter is the last`, () => {
      const list = NUMBERS[name];
      for (let index = 0; index < list.length; index += 2) {
        assert.equal(userRegisterByNumber(name, Number(list[index + 1])), list[index]);
      }
      assert.equal(programCounterOf(name), list.at(-2));
      assert.equal(userRegisterByNumber(name, Number(list[1]) - 1), undefined);
      assert.equal(userRegisterByNumber(name, Number(list.at(-1)) + 1), undefined);
      assert.match(listUserRegisters(name), new RegExp(`^${list[0]} ${list[1]}, .*, ${list.at(-2)} ${list.at(-1)}$`));
      assert.equal(userRegisters[name].names.length, Number(list.at(-1)) - Number(list[1]) + 1);
    });

    test(`${name}: the code of contexts knows the same registers and limits`, () => {
      // As in tables, code has r12 for what the interface calls ip.
      const names = userRegisters[name].names.slice(0, -1).map((one) => (one === 'ip' ? 'r12' : one));
      assert.deepEqual(architectures[name].context?.registers, names);
      assert.equal(MOST_STACK_DATA, TRAMPFD_V1.TRAMPFD_MAX_DATA_SIZE);
      assert.equal(MOST_STACK_OFFSET, TRAMPFD_V1.TRAMPFD_MAX_STACK_OFFSET);
    });
  }
});

describe('what a call does', () => {
  test('nothing to be called without a register context, also where there is a stack context', () => {
    assert.equal(contextOf(userWith('x86-64')), undefined);
    assert.equal(contextOf(userWith('x86-64', ['stack', stackBytes([1])])), undefined);
  });

  for (const name of USER_NAMES) {
    test(`${name}: registers by their names, the program counter apart`, () => {
      const [first = ''] = userRegisters[name].names;
      assert.deepEqual(contextOf(userWith(name, ['registers', goodRegs(name)])), {
        registers: [{ register: first, value: 7n }],
        target: 0x10000n,
      });
    });
  }

  test("arm's ip is r12 in code", () => {
    const entries = [
      { name: numberOf('arm', 'ip'), value: 7n },
      { name: pcOf('arm'), value: 0x10000n },
    ];
    assert.deepEqual(contextOf(userWith('arm', ['registers', regsBytes(entries)])), {
      registers: [{ register: 'r12', value: 7n }],
      target: 0x10000n,
    });
  });

  test('where a name comes twice, the last counts', () => {
    const [pc, rax, rdi] = [pcOf('x86-64'), numberOf('x86-64', 'rax'), numberOf('x86-64', 'rdi')];
    const entries = [
      { name: pc, value: 0n },
      { name: rax, value: 1n },
      { name: rdi, value: 2n },
      { name: pc, value: 3n },
      { name: rax, value: 2n ** 64n - 1n },
    ];
    assert.deepEqual(contextOf(userWith('x86-64', ['registers', regsBytes(entries)])), {
      registers: [
        { register: 'rax', value: 2n ** 64n - 1n },
        { register: 'rdi', value: 2n },
      ],
      target: 3n,
    });
  });

  test('the target alone', () => {
    const user = userWith('i386', ['registers', regsBytes([{ name: 7, value: 0x8048000n }])]);
    assert.deepEqual(contextOf(user), { registers: [], target: 0x8048000n });
  });

  for (const [flags, movesStackPointer] of [
    [0, false],
    [1, true],
  ] as const) {
    test(`data for the stack, flags ${flags}`, () => {
      const stack = stackBytes([1, 2, 3], { flags, offset: 128 });
      const user = userWith('x86-64', ['stack', stack], ['registers', goodRegs('x86-64')]);
      assert.deepEqual(contextOf(user)?.stack, { data: Uint8Array.of(1, 2, 3), offset: 128, movesStackPointer });
    });
  }
});
