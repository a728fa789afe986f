import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TableRegister } from '../../src/trampoline/architecture.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { recognise } from '../../src/trampoline/recognise.js';
import { type RegisterUse, registerByName, registersFor } from '../../src/trampoline/registers.js';
import type { Trampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, oneForEachPair, trampolines } from './cases.js';
import { machines } from './machines.js';

for (const name of architectureNames) {
  const { tableSlotSize, instructionAlignment, codeRegister, dataRegister, assembleSlot } = architectures[name];

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
      const expected: Trampoline | undefined = Number(address) % instructionAlignment === 0 ? trampoline : undefined;
      assert.deepEqual(recognise(assemble(trampoline, name), address, name), expected);
    }
  });

  /** A slot as the architecture's file makes it, whether or not a table may have it. */
  const slotOf = (code: TableRegister, data: TableRegister): Uint8Array => {
    const instructions = assembleSlot({ register: code, address: 0x10000n }, { register: data, address: 0x20000n });
    return Uint8Array.from(instructions.flatMap(({ bytes }) => [...bytes]));
  };
  const code = registerByName(name, codeRegister);
  const data = registerByName(name, dataRegister);

  test(`${name}: one register for both is not recognised`, () => {
    assert.notEqual(recognise(slotOf(code, data), 0n, name), undefined);
    assert.equal(recognise(slotOf(code, code), 0n, name), undefined);
    assert.equal(recognise(slotOf(data, data), 0n, name), undefined);
  });

  test(`${name}: registers that are not a table's to load are not recognised, for either use`, () => {
    for (let encoding = 0; encoding < machines[name].encodings; encoding++) {
      const register: TableRegister = { name: `number ${encoding}`, number: -1, encoding };
      const allowed = (use: RegisterUse) => registersFor(name, use).some((known) => known.encoding === encoding);
      if (!allowed('code')) assert.equal(recognise(slotOf(register, data), 0n, name), undefined, register.name);
      if (!allowed('data')) assert.equal(recognise(slotOf(code, register), 0n, name), undefined, register.name);
    }
  });

  test(`${name}: table slots at NULL or misaligned are not recognised`, () => {
    const bytes = slotOf(code, data);
    const instructions = assembleSlot({ register: code, address: 0x10000n }, { register: data, address: 0x20000n });
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

  for (const [what, hex] of machines[name].forbidden) {
    test(`${name}: ${what} is not recognised`, () => {
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
      assert.equal(bytes.length, tableSlotSize);
      assert.equal(recognise(bytes, 0n, name), undefined);
    });
  }
}
