import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apply } from '../../src/trampoline/apply.js';
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
