/**
 * The registers of a call that a thread is made to make, and of its way on behind it: values.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SUD_CONFIG, USER_REGS } from '../../src/abi/ptrace.js';
import { callRegisters, machineOf, ownInstruction, registersBehind } from '../../src/linux/call_registers.js';
import { settable } from '../../src/linux/user_dispatch.js';

type Register = Exclude<keyof typeof USER_REGS, 'size'>;

/** Registers of a thread, each with a value of its own but for those that are given. */
function thread(given: Partial<Record<Register, bigint>>): Uint8Array {
  const registers = new Uint8Array(USER_REGS.size);
  const view = new DataView(registers.buffer);
  for (let at = 0; at < USER_REGS.size; at += 8) view.setBigUint64(at, BigInt(at) << 32n, true);
  for (const [name, value] of Object.entries(given)) {
    view.setBigUint64(USER_REGS[name as Register], BigInt.asUintN(64, value), true);
  }
  return registers;
}

/** What differs between two threads' registers. */
function changes(before: Uint8Array, after: Uint8Array): Readonly<Record<string, bigint>> {
  const [one, other] = [before, after].map((registers) => new DataView(registers.buffer, registers.byteOffset));
  return Object.fromEntries(
    Object.entries(USER_REGS)
      .filter(([name, at]) => name !== 'size' && one?.getBigUint64(at, true) !== other?.getBigUint64(at, true))
      .map(([name, at]) => [name, other?.getBigInt64(at, true) ?? 0n]),
  );
}

const PLAIN = { cs: 0x33n, ss: 0x2bn, eflags: 0x246n, rip: 0x7000n, orig_rax: -1n } as const;

describe('the registers of a call', () => {
  test('64-bit: number, arguments, instruction, and nothing else', () => {
    const before = thread(PLAIN);
    const plan = {
      entry: 'x86-64',
      number: 9,
      values: [1n, -1n, 3n, 4n, 5n, 6n],
      instruction: 0x9000n,
      isOwn: false,
    } as const;
    assert.deepEqual(changes(before, callRegisters(before, plan)), {
      rax: 9n,
      rdi: 1n,
      rsi: -1n,
      rdx: 3n,
      r10: 4n,
      r8: 5n,
      r9: 6n,
      rip: 0x9000n,
    });
  });

  test('32-bit: arguments have 32 bits', () => {
    const before = thread({ ...PLAIN, cs: 0x23n });
    const plan = { entry: 'i386', number: 192, values: [-1n, 2n], instruction: 0x9000n, isOwn: true } as const;
    assert.deepEqual(changes(before, callRegisters(before, plan)), {
      rax: 192n,
      rbx: 0xffffffffn,
      rcx: 2n,
      rip: 0x9000n,
    });
  });

  test('a thread that traps at each instruction does not at the call', () => {
    const before = thread({ ...PLAIN, eflags: 0x346n });
    const plan = { entry: 'x86-64', number: 9, values: [], instruction: 0x9000n, isOwn: false } as const;
    assert.deepEqual(changes(before, callRegisters(before, plan)), { rax: 9n, rip: 0x9000n, eflags: 0x246n });
  });

  for (const [what, cs, entry, isOwn, segment] of [
    ['64-bit code', 0x33n, 'x86-64', false, undefined],
    ['32-bit code, 64-bit call', 0x23n, 'x86-64', false, 0x33n],
    ['32-bit code, 32-bit call', 0x23n, 'i386', false, undefined],
    ['64-bit code, 32-bit call', 0x33n, 'i386', false, undefined],
    ['a segment of its own, 64-bit call', 7n, 'x86-64', false, 0x33n],
    ['a segment of its own, 32-bit call', 0xfn, 'i386', false, 0x23n],
    ['a segment of its own, its own instruction', 7n, 'i386', true, undefined],
  ] as const) {
    test(`the code segment fits the instruction: ${what}`, () => {
      const before = thread({ ...PLAIN, cs, ss: 0x17n });
      const { cs: changed, ss } = changes(
        before,
        callRegisters(before, { entry, number: 1, values: [], instruction: 0n, isOwn }),
      );
      assert.deepEqual([changed, ss], segment === undefined ? [undefined, undefined] : [segment, 0x2bn]);
    });
  }

  test('what machine a segment is of', () => {
    assert.deepEqual([0x33n, 0x23n, 7n, 0xfn, 0xe033n].map(machineOf), [
      'x86-64',
      'i386',
      undefined,
      undefined,
      'x86-64',
    ]);
  });

  test("a thread's own instruction is two bytes behind", () => {
    assert.equal(ownInstruction(thread(PLAIN)), 0x6ffen);
  });
});

describe('the registers behind', () => {
  for (const [what, own, expected] of [
    ['a result stays', 7n, { orig_rax: -1n }],
    ['an error stays', -13n, { orig_rax: -1n }],
    ['ERESTARTSYS begins the call again', -512n, { orig_rax: -1n, rax: 35n, rip: 0x6ffen }],
    ['ERESTARTNOINTR begins the call again', -513n, { orig_rax: -1n, rax: 35n, rip: 0x6ffen }],
    ['ERESTARTNOHAND begins the call again', -514n, { orig_rax: -1n, rax: 35n, rip: 0x6ffen }],
    ['ERESTART_RESTARTBLOCK goes on with the call', -516n, { orig_rax: -1n, rax: 219n, rip: 0x6ffen }],
  ] as const) {
    test(what, () => {
      const before = thread({ ...PLAIN, orig_rax: 35n, rax: own });
      assert.deepEqual(changes(before, registersBehind(before)), expected);
      // What is given instead of the result is the result.
      assert.deepEqual(changes(before, registersBehind(before, 5n)), { orig_rax: -1n, rax: 5n });
    });
  }

  test('of 32-bit code the number is that of 32-bit programs', () => {
    const before = thread({ ...PLAIN, cs: 0x23n, orig_rax: 162n, rax: -516n });
    assert.equal(changes(before, registersBehind(before))['rax'], 0n);
  });

  test('a thread that is in no call has nothing begun again', () => {
    const before = thread({ ...PLAIN, rax: -512n });
    assert.deepEqual(changes(before, registersBehind(before)), {});
  });
});

describe('syscall user dispatch as the kernel takes it', () => {
  const config = (mode: bigint, offset: bigint, length: bigint): Uint8Array => {
    const view = new DataView(new ArrayBuffer(SUD_CONFIG.size));
    view.setBigUint64(SUD_CONFIG.mode, mode, true);
    view.setBigUint64(SUD_CONFIG.selector, 0x5000n, true);
    view.setBigUint64(SUD_CONFIG.offset, BigInt.asUintN(64, offset), true);
    view.setBigUint64(SUD_CONFIG.len, BigInt.asUintN(64, length), true);
    return new Uint8Array(view.buffer);
  };
  test('of all calls, or all but those of a range: as it is told', () => {
    for (const told of [config(1n, 0n, 0n), config(1n, 0x1000n, 0x2000n)]) assert.deepEqual(settable(told), told);
  });
  test('of the calls of a range, told as all that is not outside of it', () => {
    assert.deepEqual(settable(config(1n, 0x3000n, -0x2000n)), config(2n, 0x1000n, 0x2000n));
  });
});
