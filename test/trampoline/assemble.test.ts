import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, slots, trampolines } from './cases.js';
import { machines } from './machines.js';

const WIDE = { codeSlot: 0x1122334455667788n, dataSlot: 0x99aabbccddeeff00n };
const NARROW = { codeSlot: 0x11223344n, dataSlot: 0x55667788n };

for (const name of architectureNames) {
  const { wordSize, tableSlotSize, codeRegister, dataRegister } = architectures[name];
  const good = { codeRegister, codeSlot: 0x10000n, dataRegister, dataSlot: 0x20000n };
  const refused = (changes: Partial<typeof good>, message: RegExp) =>
    assert.throws(() => assemble(tableTrampoline({ ...good, ...changes }), name), { code: 'EINVAL', message });

  for (const { what, code, data, bytes } of machines[name].vectors) {
    test(`${name}, check vector: ${what}`, () => {
      const addresses = wordSize === 8 ? WIDE : NARROW;
      const trampoline = tableTrampoline({ codeRegister: code, dataRegister: data, ...addresses });
      assert.equal(Buffer.from(assemble(trampoline, name)).toString('hex'), bytes.replaceAll(' ', ''));
    });
  }

  test(`${name}: slots are as long as the interface says, and where code can stand`, () => {
    assert.equal(tableSlotSize, machines[name].slotSize);
    assert.equal(tableSlotSize % architectures[name].instructionAlignment, 0);
  });

  test(`${name}: every trampoline fills a slot exactly`, () => {
    fc.assert(fc.property(trampolines(name), (trampoline) => assemble(trampoline, name).length === tableSlotSize));
  });

  test(`${name}: two registers are needed`, () => {
    refused({ dataRegister: codeRegister }, /cannot hold both/);
  });

  test(`${name}: registers of others, the stack pointer, the link register and inherited names are refused`, () => {
    const { foreign } = machines[name];
    for (const register of [foreign, 'rsp', 'esp', 'sp', 'x30', 'x31', 'r13', 'lr', '', 'toString', 'R11']) {
      if (architectures[name].tableRegisters.some((known) => known.name === register)) continue;
      refused({ codeRegister: register }, /can load/);
      refused({ dataRegister: register }, /can load/);
    }
  });

  test(`${name}: a register that takes the data only is refused for the target`, () => {
    const only = (machines[name].dataOnly ?? '').split(' ').filter((register) => register !== '');
    for (const register of only) {
      refused({ codeRegister: register }, /data only, not the target; name one of/);
      const allowed = tableTrampoline({ ...good, dataRegister: register });
      assert.equal(assemble(allowed, name).length, tableSlotSize);
    }
    const marked = architectures[name].tableRegisters
      .filter(({ dataOnly }) => dataOnly)
      .map((register) => register.name);
    assert.deepEqual(marked, only);
  });

  test(`${name}: table slots at NULL, misaligned, negative or out of the address space are refused`, () => {
    const top = 1n << BigInt(8 * wordSize);
    const bad: [bigint, RegExp][] = [
      [0n, /NULL/],
      [0x10001n, /aligned/],
      [0x10000n + BigInt(wordSize / 2), /aligned/],
      [-8n, /address bits/],
      [top, /address bits/],
      [top + 0x10000n, /address bits/],
    ];
    for (const [address, message] of bad) {
      refused({ codeSlot: address }, message);
      refused({ dataSlot: address }, message);
    }
    const last = top - BigInt(wordSize);
    assert.equal(assemble(tableTrampoline({ ...good, codeSlot: last, dataSlot: last }), name).length, tableSlotSize);
  });

  test(`${name}: what is not a table's trampoline is refused`, () => {
    fc.assert(
      fc.property(slots(name), (slot) => {
        const table = tableTrampoline(slot);
        const others = [
          { ...table, loads: table.loads.slice(0, 1) },
          { ...table, loads: [...table.loads, ...table.loads] },
          { ...table, loads: [] },
          { ...table, target: { register: slot.dataRegister } },
          { ...table, carry: true },
          { ...table, push: 0n },
        ];
        for (const other of others) {
          assert.throws(() => assemble(other, name), { code: 'EINVAL', message: /only a table's/ });
        }
      }),
      { numRuns: 20 },
    );
  });
}
