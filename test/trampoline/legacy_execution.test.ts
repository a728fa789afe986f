/**
 * Execution of the forms that programs write: what the processor does with their bytes is what `recogniseLegacy` and
 * `apply` say. See `execution.test.ts`, which does the same for the slots of tables.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { apply, stackWrite } from '../../src/trampoline/apply.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { recogniseLegacy } from '../../src/trampoline/legacy.js';
import type { Trampoline } from '../../src/trampoline/trampoline.js';
import { tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames } from './cases.js';
import { type Call, execute, REGIONS, random, randomState, SLOT_BYTES } from './execute.js';
import { bytesOf, type LegacyCase } from './legacy_case.js';
import { legacyCases } from './legacy_cases.js';
import { machines } from './machines.js';

const CALLS = 8;

/** Words of the tables' region that calls here do not push to. */
const UNUSED_SLOTS = { code: 0n, data: 64n };

interface LegacyCall extends Call {
  readonly trampoline: Trampoline;
}

function codeOf(known: LegacyCase, address: bigint, context: bigint, target: bigint): Uint8Array {
  const { bytes, kinds } = bytesOf(known.bytes({ address, context, target }));
  return bytes.map((byte, at) => (kinds[at] === 'unused' ? (randomBytes(1)[0] ?? 0) : byte));
}

/** Calls of one form, with its code at one place after another. */
function callsFor(name: ArchitectureName, known: LegacyCase, targets: readonly [bigint, bigint]): LegacyCall[] {
  const { wordSize, context: stackForm } = architectures[name];
  const { code, tables } = REGIONS[wordSize];
  return Array.from({ length: CALLS }, (_, index) => {
    const slotAddress = code + BigInt(index * SLOT_BYTES) + (known.isThumb ? 1n : 0n);
    const context = known.contextIsItself ? slotAddress : random(wordSize);
    const target = index % 2 === 0 ? 0 : 1;
    const bytes = codeOf(known, slotAddress, context, targets[target]);
    const trampoline = recogniseLegacy(bytes, slotAddress, name)?.trampoline;
    assert.ok(trampoline);
    const before = randomState(name, wordSize, slotAddress);
    if (known.entryRegister !== undefined) before[known.entryRegister] = slotAddress;
    if (trampoline.push !== undefined && stackForm !== undefined) {
      before[stackForm.stackPointer] = tables + 0x1000n + BigInt(16 * index);
    }
    return {
      slot: { codeSlot: tables + UNUSED_SLOTS.code, dataSlot: tables + UNUSED_SLOTS.data },
      data: random(wordSize),
      target,
      before,
      slotAddress,
      code: bytes,
      trampoline,
    };
  });
}

const noMemory = (): never => assert.fail('the forms load nothing but what stands in their own bytes');

for (const name of architectureNames) {
  const { programCounter, execution } = machines[name];
  for (const known of legacyCases[name]) {
    test(`${name}, ${known.what}: ${execution.emulator ?? 'the processor'} and apply agree on every register and the flags`, () => {
      const { targets } = execute([], name);
      const calls = callsFor(name, known, targets);
      const { states } = execute(calls, name);
      for (const [index, { trampoline, before, slotAddress }] of calls.entries()) {
        const start = { ...before, [programCounter]: slotAddress };
        assert.deepEqual(states[index], apply(trampoline, start, noMemory, name));
      }
    });
  }
}

const pushes = ({ means }: LegacyCase) => means({ address: 0n, context: 0n, target: 0n }).push !== undefined;

for (const known of legacyCases.i386.filter(pushes)) {
  test(`i386, ${known.what}: the pushed word is in memory where stackWrite says`, () => {
    const { targets } = execute([], 'i386');
    const calls = callsFor('i386', known, targets);
    // Behind each call one of a table's slot, which loads what was pushed.
    const { code, tables } = REGIONS[4];
    const checked = calls.map((call, index) => {
      const write = stackWrite(call.trampoline, call.before, 'i386');
      assert.ok(write);
      const codeSlot = tables + UNUSED_SLOTS.code;
      const slot = tableTrampoline({ codeRegister: 'edx', codeSlot, dataRegister: 'eax', dataSlot: write.address });
      const slotAddress = code + 0x10000n + BigInt(index * SLOT_BYTES);
      const before = randomState('i386', 4, slotAddress);
      return { write, look: { ...call, before, slotAddress, code: assemble(slot, 'i386') } };
    });
    const { states } = execute(
      calls.flatMap((call, index) => [call, checked[index]?.look ?? call]),
      'i386',
    );
    for (const [index, { write }] of checked.entries()) {
      assert.equal(states[2 * index + 1]?.['eax'], BigInt(Buffer.from(write.data).readUInt32LE()));
    }
  });
}
