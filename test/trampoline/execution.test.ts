/**
 * Execution: what the processor does with assembled slots is what `apply` says.
 *
 * For every pair of registers, a C program (test/programs/trampoline) puts random values into all general registers, the
 * stack pointer among them, and into the flags, jumps to the slot, and reports all of them as the target finds them.
 * x86-64 and i386 run on the processor, the others under qemu-user. There the landing pads are no operations: neither the
 * programs nor qemu's pages ask for enforcement of branch targets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply } from '../../src/trampoline/apply.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { type TableTrampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, registerPairs } from './cases.js';
import { type Call, execute, REGION_SIZE, REGIONS, random, randomState, run } from './execute.js';
import { machines } from './machines.js';

interface TableCall extends Call {
  readonly slot: TableTrampoline;
}

/** A call for each pair of registers, slots one behind the other, each with two random words of the tables' region. */
function callsFor(name: ArchitectureName): TableCall[] {
  const { wordSize, tableSlotSize } = architectures[name];
  const words = REGION_SIZE / wordSize;
  return registerPairs(name).map(([codeRegister, dataRegister], index) => {
    const codeIndex = Number(random(4)) % words;
    const dataIndex = (codeIndex + 1 + (Number(random(4)) % (words - 1))) % words;
    const at = (word: number) => REGIONS[wordSize].tables + BigInt(word * wordSize);
    const slotAddress = REGIONS[wordSize].code + BigInt(index * tableSlotSize);
    const slot = { codeRegister, codeSlot: at(codeIndex), dataRegister, dataSlot: at(dataIndex) };
    return {
      slot,
      before: randomState(name, wordSize, slotAddress),
      data: random(wordSize),
      target: index % 2 === 0 ? 0 : 1,
      slotAddress,
      code: assemble(tableTrampoline(slot), name),
    };
  });
}

for (const name of architectureNames) {
  const { programCounter, execution, trapSignal } = machines[name];

  test(`${name}: ${execution.emulator ?? 'the processor'} and apply agree on every register and the flags, for every pair`, () => {
    for (let round = 0; round < 3; round++) {
      const calls = callsFor(name);
      const { targets, states } = execute(calls, name);
      assert.equal(new Set(targets).size, 2);
      for (const [index, { slot, before, data, target, slotAddress }] of calls.entries()) {
        const memory = (address: bigint) => (address === slot.codeSlot ? (targets[target] ?? 0n) : data);
        const start = { ...before, [programCounter]: slotAddress };
        assert.deepEqual(
          states[index],
          apply(tableTrampoline(slot), start, memory, name),
          `${slot.codeRegister} ${slot.dataRegister}, round ${round}`,
        );
      }
    }
  });

  test(`${name}: the trap of a page ends the process by ${trapSignal}`, () => {
    const [call] = callsFor(name);
    assert.ok(call);
    const code = Uint8Array.from(architectures[name].trap.bytes);
    assert.equal(run([{ ...call, code }], name).signal, trapSignal);
    assert.match(architectures[name].trap.meaning, new RegExp(trapSignal));
  });
}
