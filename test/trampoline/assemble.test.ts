import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, slots, trampolines } from './cases.js';

const WIDE = { codeSlot: 0x1122334455667788n, dataSlot: 0x99aabbccddeeff00n };
const NARROW = { codeSlot: 0x11223344n, dataSlot: 0x55667788n };

/** The bytes of slots as the interface's specification and the manuals give them. */
const VECTORS: Record<string, { architecture: ArchitectureName; code: string; data: string; bytes: string }> = {
  'x86-64, r11 and r10': {
    architecture: 'x86-64',
    code: 'r11',
    data: 'r10',
    bytes: 'f30f1efa 49bb8877665544332211 4d8b1b 49ba00ffeeddccbbaa99 4d8b12 41ffe3 0f1f00 cccccccc',
  },
  'x86-64, rax and rdi: the jump has no prefix': {
    architecture: 'x86-64',
    code: 'rax',
    data: 'rdi',
    bytes: 'f30f1efa 48b88877665544332211 488b00 48bf00ffeeddccbbaa99 488b3f ffe0 0f1f00 cccccccccc',
  },
  'x86-64, r13 and r12: a displacement, a SIB byte': {
    architecture: 'x86-64',
    code: 'r13',
    data: 'r12',
    bytes: 'f30f1efa 49bd8877665544332211 4d8b6d00 49bc00ffeeddccbbaa99 4d8b2424 41ffe5 0f1f00 cccc',
  },
  'x86-64, rbp and rbx': {
    architecture: 'x86-64',
    code: 'rbp',
    data: 'rbx',
    bytes: 'f30f1efa 48bd8877665544332211 488b6d00 48bb00ffeeddccbbaa99 488b1b ffe5 0f1f00 cccccccc',
  },
  'i386, ebx and eax': {
    architecture: 'i386',
    code: 'ebx',
    data: 'eax',
    bytes: 'f30f1efb bb44332211 8b1b b888776655 8b00 ffe3 0f1f00 cc',
  },
  'i386, ecx and ebp': {
    architecture: 'i386',
    code: 'ecx',
    data: 'ebp',
    bytes: 'f30f1efb b944332211 8b09 bd88776655 8b6d00 ffe1 0f1f00',
  },
  'arm64, x16 and x17': {
    architecture: 'arm64',
    code: 'x16',
    data: 'x17',
    bytes:
      '5f2403d5 10f18ed2 d0acaaf2 9068c6f2 5024e2f2 100240f9 11e09fd2 d1bdbbf2 9179d7f2 5135f3f2 310240f9 00021fd6',
  },
  'arm, r12 and r3': {
    architecture: 'arm',
    code: 'r12',
    data: 'r3',
    bytes: '44c303e3 22c141e3 00c09ce5 883707e3 663545e3 003093e5 1cff2fe1',
  },
};

for (const [name, { architecture, code, data, bytes }] of Object.entries(VECTORS)) {
  test(`check vector: ${name}`, () => {
    const addresses = architectures[architecture].wordSize === 8 ? WIDE : NARROW;
    const trampoline = tableTrampoline({ codeRegister: code, dataRegister: data, ...addresses });
    assert.equal(Buffer.from(assemble(trampoline, architecture)).toString('hex'), bytes.replaceAll(' ', ''));
  });
}

test('slots are as long as the interface says', () => {
  const sizes = architectureNames.map((name) => [name, architectures[name].tableSlotSize]);
  assert.deepEqual(Object.fromEntries(sizes), { 'x86-64': 40, i386: 24, arm64: 48, arm: 28 });
});

for (const name of architectureNames) {
  const { wordSize, tableSlotSize, codeRegister, dataRegister } = architectures[name];
  const good = { codeRegister, codeSlot: 0x10000n, dataRegister, dataSlot: 0x20000n };
  const refused = (changes: Partial<typeof good>, message: RegExp) =>
    assert.throws(() => assemble(tableTrampoline({ ...good, ...changes }), name), { code: 'EINVAL', message });

  test(`${name}: every trampoline fills a slot exactly`, () => {
    fc.assert(fc.property(trampolines(name), (trampoline) => assemble(trampoline, name).length === tableSlotSize));
  });

  test(`${name}: two registers are needed`, () => {
    refused({ codeRegister: dataRegister }, /cannot hold both/);
  });

  test(`${name}: registers of others, the stack pointer, the link register and inherited names are refused`, () => {
    const foreign = { 'x86-64': 'eax', i386: 'rax', arm64: 'r0', arm: 'x0' }[name];
    for (const register of [foreign, 'rsp', 'esp', 'sp', 'x30', 'x31', 'r13', 'lr', '', 'toString', 'R11']) {
      if (architectures[name].tableRegisters.some((known) => known.name === register)) continue;
      refused({ codeRegister: register }, /can load/);
      refused({ dataRegister: register }, /can load/);
    }
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
        ];
        for (const other of others) {
          assert.throws(() => assemble(other, name), { code: 'EINVAL', message: /only a table's/ });
        }
      }),
      { numRuns: 20 },
    );
  });
}
