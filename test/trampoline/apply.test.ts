import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apply, stackWrite } from '../../src/trampoline/apply.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, slots } from './cases.js';
import { machines } from './machines.js';

for (const name of architectureNames) {
  const { wordSize, tableRegisters, codeRegister, dataRegister } = architectures[name];
  const words = fc.bigInt({ min: 0n, max: (1n << BigInt(8 * wordSize)) - 1n });
  const { programCounter: pc, targetAlignment, jumpChanges } = machines[name];
  const states = fc
    .array(words, { minLength: tableRegisters.length, maxLength: tableRegisters.length })
    .map((values) => {
      const registers = Object.fromEntries(
        tableRegisters.map((register, index) => [register.name, values[index] ?? 0n]),
      );
      return { ...registers, [pc]: 0x4000n, sp: 0x8000n, flags: 0x246n, cpsr: 0x60000010n };
    });

  test(`${name}: apply changes the two registers and what the jump does, nothing else, and not its argument`, () => {
    fc.assert(
      fc.property(slots(name), states, words, words, (slot, before, target, data) => {
        fc.pre(slot.codeSlot !== slot.dataSlot);
        const address = target - (target % targetAlignment);
        const reads: [bigint, number][] = [];
        const copy = { ...before };
        const after = apply(
          tableTrampoline(slot),
          before,
          (from, size) => {
            reads.push([from, size]);
            return from === slot.codeSlot ? address : data;
          },
          name,
        );
        assert.deepEqual(before, copy);
        assert.deepEqual(reads, [
          [slot.codeSlot, wordSize],
          [slot.dataSlot, wordSize],
        ]);
        assert.deepEqual(after, {
          ...before,
          [slot.codeRegister]: address,
          [slot.dataRegister]: data,
          [pc]: address,
          ...jumpChanges?.(address),
        });
      }),
    );
  });

  test(`${name}: an unknown register and a jump through one without a value are refused`, () => {
    const good = tableTrampoline({ codeRegister, codeSlot: 8n, dataRegister, dataSlot: 16n });
    const memory = () => 0x1000n;
    const run = (trampoline: typeof good) => () => apply(trampoline, { cpsr: 0n }, memory, name);
    assert.throws(run({ ...good, loads: [{ register: 'sp', from: { kind: 'memory', address: 8n } }] }), {
      code: 'EINVAL',
    });
    assert.throws(run({ ...good, loads: [] }), { code: 'EINVAL', message: /no value/ });
  });

  test(`${name}: what the memory throws comes through`, () => {
    const fault = new Error('no such page');
    const refuse = () => {
      throw fault;
    };
    const trampoline = tableTrampoline({ codeRegister, codeSlot: 8n, dataRegister, dataSlot: 16n });
    assert.throws(() => apply(trampoline, {}, refuse, name), fault);
  });
}

test('arm: bit 0 of the target goes to the T bit', () => {
  const trampoline = tableTrampoline({ codeRegister: 'r3', codeSlot: 8n, dataRegister: 'r12', dataSlot: 16n });
  const target = (address: bigint) => (from: bigint) => (from === 8n ? address : 5n);
  const thumb = apply(trampoline, { r3: 0n, cpsr: 0x10n }, target(0x8001n), 'arm');
  assert.deepEqual(thumb, { r3: 0x8001n, r12: 5n, pc: 0x8000n, cpsr: 0x30n });
  assert.deepEqual(apply(trampoline, thumb, target(0x9000n), 'arm'), {
    r3: 0x9000n,
    r12: 5n,
    pc: 0x9000n,
    cpsr: 0x10n,
  });
  assert.throws(() => apply(trampoline, {}, target(0x8000n), 'arm'), { code: 'EINVAL', message: /cpsr/ });
});

test('x86: the carry flag is bit 0 of eflags, and no other flag changes', () => {
  for (const [name, pc] of [
    ['x86-64', 'rip'],
    ['i386', 'eip'],
  ] as const) {
    const run = (carry: boolean, eflags: bigint) =>
      apply({ loads: [], carry, target: { address: 0x1000n } }, { eflags, [pc]: 0n }, () => 0n, name);
    assert.deepEqual(run(true, 0x246n), { eflags: 0x247n, [pc]: 0x1000n });
    assert.deepEqual(run(true, 0x247n), { eflags: 0x247n, [pc]: 0x1000n });
    assert.deepEqual(run(false, 0xcd7n), { eflags: 0xcd6n, [pc]: 0x1000n });
    assert.deepEqual(run(false, 0x246n), { eflags: 0x246n, [pc]: 0x1000n });
    const trampoline = { loads: [], carry: true, target: { address: 0x1000n } };
    assert.throws(() => apply(trampoline, {}, () => 0n, name), { code: 'EINVAL', message: /no eflags/ });
  }
});

test("where no carry flag is a trampoline's to set, one that does is refused", () => {
  const trampoline = { loads: [], carry: false, target: { address: 0x1000n } };
  for (const name of architectureNames.filter((some) => architectures[some].carry === undefined)) {
    assert.throws(() => apply(trampoline, { eflags: 0n, cpsr: 0n }, () => 0n, name), {
      code: 'EINVAL',
      message: /carry flag/,
    });
  }
});

test('a pushed word goes below the stack pointer, which then points to it', () => {
  const push = 0x1122334455667788n;
  const wide = { loads: [], push, target: { address: 0x1000n } };
  assert.deepEqual(stackWrite(wide, { rsp: 0x8000n }, 'x86-64'), {
    address: 0x7ff8n,
    data: Uint8Array.of(0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11),
    register: 'rsp',
    stackPointer: 0x7ff8n,
  });
  assert.deepEqual(
    apply(wide, { rsp: 0x8000n }, () => 0n, 'x86-64'),
    { rsp: 0x7ff8n, rip: 0x1000n },
  );
  const narrow = { loads: [], push: 0x11223344n, target: { address: 0x1000n } };
  assert.deepEqual(stackWrite(narrow, { esp: 2n }, 'i386'), {
    address: 0xfffffffen,
    data: Uint8Array.of(0x44, 0x33, 0x22, 0x11),
    register: 'esp',
    stackPointer: 0xfffffffen,
  });
  assert.throws(() => stackWrite(narrow, {}, 'i386'), { code: 'EINVAL', message: /no stack pointer/ });
  const both = { ...narrow, stack: { data: Uint8Array.of(1), offset: 0, movesStackPointer: true } };
  assert.throws(() => stackWrite(both, { esp: 2n }, 'i386'), { code: 'EINVAL', message: /leave one out/ });
});
