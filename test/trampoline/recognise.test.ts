import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { recognise } from '../../src/trampoline/recognise.js';
import { type Trampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, oneForEachPair, trampolines } from './cases.js';

/** Where the instructions that load the data register stand, for registers of the shortest encodings. */
const DATA_LOAD: Record<ArchitectureName, [from: number, to: number]> = {
  'x86-64': [17, 30],
  i386: [11, 18],
  arm64: [24, 44],
  arm: [12, 24],
};

/** Two registers of each architecture with the shortest encodings. */
const PLAIN: Record<ArchitectureName, [string, string]> = {
  'x86-64': ['rax', 'rdi'],
  i386: ['eax', 'ecx'],
  arm64: ['x16', 'x17'],
  arm: ['r3', 'r12'],
};

/** Slots whose registers are not a table's to load: the stack pointer, the link register. */
const FORBIDDEN: [ArchitectureName, string, string][] = [
  ['x86-64', 'rsp for the data', 'f30f1efa48b80010000000000000488b0048bc0020000000000000488b2424ffe00f1f00cccccccc'],
  ['x86-64', 'rsp for the code', 'f30f1efa48bc0010000000000000488b242448b80020000000000000488b00ffe40f1f00cccccccc'],
  ['i386', 'esp for the data', 'f30f1efbb8001000008b00bc002000008b2424ffe00f1f00'],
  ['i386', 'ebp twice, a byte too long', 'f30f1efbbd001000008b6d00bd002000008b6d00ffe50f1f'],
  [
    'arm64',
    'x30 for the data',
    '5f2403d5100082d21000a0f21000c0f21000e0f2100240f91e0084d21e00a0f21e00c0f21e00e0f2de0340f900021fd6',
  ],
  ['arm', 'lr for the data', '003001e3003040e3003093e500e002e300e040e300e09ee513ff2fe1'],
];

for (const name of architectureNames) {
  const { tableSlotSize, instructionAlignment } = architectures[name];

  test(`${name}: recognise(assemble(t)) = t for every pair of registers`, () => {
    for (const trampoline of oneForEachPair(name)) {
      assert.deepEqual(recognise(assemble(trampoline, name), 0x1000n, name), trampoline);
    }
  });

  test(`${name}: recognise(assemble(t)) = t for all addresses`, () => {
    fc.assert(
      fc.property(trampolines(name), (trampoline) => {
        assert.deepEqual(recognise(assemble(trampoline, name), 0x1000n, name), trampoline);
      }),
      { numRuns: 1000 },
    );
  });

  test(`${name}: any one byte changed is no trampoline, or another one with exactly these bytes`, () => {
    fc.assert(
      fc.property(trampolines(name), (trampoline) => {
        const bytes = assemble(trampoline, name);
        for (let at = 0; at < bytes.length; at++) {
          for (let flip = 1; flip < 256; flip++) {
            const changed = Uint8Array.from(bytes);
            changed[at] = (changed[at] ?? 0) ^ flip;
            const found = recognise(changed, 0x1000n, name);
            if (found === undefined) continue;
            assert.notDeepEqual(found, trampoline);
            assert.deepEqual(assemble(found, name), changed);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  test(`${name}: other lengths are not recognised`, () => {
    fc.assert(
      fc.property(trampolines(name), (trampoline) => {
        const bytes = assemble(trampoline, name);
        for (let length = 0; length < tableSlotSize; length++) {
          assert.equal(recognise(bytes.subarray(0, length), 0n, name), undefined);
        }
        assert.equal(recognise(Uint8Array.of(...bytes, ...bytes), 0n, name), undefined);
      }),
      { numRuns: 10 },
    );
  });

  test(`${name}: bytes that begin as a slot and go on at random are judged without an error`, () => {
    fc.assert(
      fc.property(
        trampolines(name),
        fc.uint8Array({ minLength: tableSlotSize, maxLength: tableSlotSize }),
        fc.nat(tableSlotSize),
        (trampoline, random, kept) => {
          const bytes = Uint8Array.from(random);
          bytes.set(assemble(trampoline, name).subarray(0, kept));
          const found = recognise(bytes, 0n, name);
          if (found !== undefined) assert.deepEqual(assemble(found, name), bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test(`${name}: a part of a larger memory is read from where it begins`, () => {
    const [trampoline] = fc.sample(trampolines(name), 1);
    assert.ok(trampoline);
    const memory = new Uint8Array(4096);
    memory.set(assemble(trampoline, name), 1000);
    assert.deepEqual(recognise(memory.subarray(1000, 1000 + tableSlotSize), 1000n, name), trampoline);
  });

  test(`${name}: code stands where the architecture can execute it`, () => {
    const [trampoline] = fc.sample(trampolines(name), 1);
    assert.ok(trampoline);
    for (const address of [0x1001n, 0x1002n, 0x1003n]) {
      const expected: Trampoline | undefined = instructionAlignment === 1 ? trampoline : undefined;
      assert.deepEqual(recognise(assemble(trampoline, name), address, name), expected);
    }
  });

  test(`${name}: one register for both is not recognised`, () => {
    const [code, data] = PLAIN[name];
    const slot = { codeSlot: 0x10000n, dataSlot: 0x20000n };
    const bytes = assemble(tableTrampoline({ ...slot, codeRegister: code, dataRegister: data }), name);
    const swapped = assemble(tableTrampoline({ ...slot, codeRegister: data, dataRegister: code }), name);
    const [from, to] = DATA_LOAD[name];
    assert.notEqual(recognise(bytes, 0n, name), undefined);
    bytes.set(swapped.subarray(from, to), from);
    assert.equal(recognise(bytes, 0n, name), undefined);
  });

  test(`${name}: table slots at NULL or misaligned are not recognised`, () => {
    const [codeRegister, dataRegister] = PLAIN[name];
    const bytes = assemble(
      tableTrampoline({ codeRegister, codeSlot: 0x10000n, dataRegister, dataSlot: 0x20000n }),
      name,
    );
    const instructions = architectures[name].assembleSlot(
      { register: { name: codeRegister, number: 0, encoding: 0 }, address: 0x10000n },
      { register: { name: dataRegister, number: 0, encoding: 1 }, address: 0x20000n },
    );
    let at = 0;
    for (const instruction of instructions) {
      if (instruction.holds !== undefined) {
        for (const low of [0, 0x10001, 0x10002]) {
          const changed = Uint8Array.from(bytes);
          architectures[name].placeAddress(new DataView(changed.buffer), at + instruction.holds.at, low, 0);
          assert.equal(recognise(changed, 0n, name), undefined, `0x${low.toString(16)} at ${at}`);
        }
      }
      at += instruction.bytes.length;
    }
  });
}

for (const [architecture, what, hex] of FORBIDDEN) {
  test(`${architecture}: ${what} is not recognised`, () => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    assert.equal(bytes.length, architectures[architecture].tableSlotSize);
    assert.equal(recognise(bytes, 0n, architecture), undefined);
  });
}
