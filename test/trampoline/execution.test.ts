/**
 * Execution: what the processor does with assembled slots is what `apply` says.
 *
 * For every pair of registers, a C program (test/programs/trampoline) puts random values into all general registers, the
 * stack pointer among them, and into the flags, jumps to the slot, and reports all of them as the target finds them.
 * x86-64 and i386 run on the processor, the others under qemu-user. There the landing pads are no operations: neither the
 * programs nor qemu's pages ask for enforcement of branch targets.
 */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { apply } from '../../src/trampoline/apply.js';
import type { Registers } from '../../src/trampoline/architecture.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { type TableTrampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';
import { compileProgram } from '../programs/compile.js';
import { architectureNames, registerPairs } from './cases.js';
import { machines } from './machines.js';

/** Where the programs map code and tables: `execute.h` says the same. */
const REGIONS = {
  4: { code: 0x3456_0000n, tables: 0x4bcd_0000n },
  8: { code: 0x1234_5678_0000n, tables: 0x2bcd_ef90_0000n },
} as const;
const REGION_SIZE = 0x40000;
/** Bytes that the program's structure keeps for a slot of any architecture. */
const SLOT_BYTES = 72;

interface Call {
  readonly slot: TableTrampoline;
  readonly before: Registers;
  readonly data: bigint;
  readonly target: 0 | 1;
  readonly slotAddress: bigint;
  /** What stands at the slot's address. */
  readonly code: Uint8Array;
}

function random(wordSize: 4 | 8): bigint {
  const bytes = randomBytes(8);
  return BigInt.asUintN(8 * wordSize, bytes.readBigUInt64LE());
}

/** A call for each pair of registers, slots one behind the other, each with two random words of the tables' region. */
function callsFor(name: ArchitectureName): Call[] {
  const { wordSize, tableSlotSize } = architectures[name];
  const { registers, flagsRegister, flagsMask, jumpRegister } = machines[name].execution;
  const words = REGION_SIZE / wordSize;
  return registerPairs(name).map(([codeRegister, dataRegister], index) => {
    const codeIndex = Number(random(4)) % words;
    const dataIndex = (codeIndex + 1 + (Number(random(4)) % (words - 1))) % words;
    const at = (word: number) => REGIONS[wordSize].tables + BigInt(word * wordSize);
    const slotAddress = REGIONS[wordSize].code + BigInt(index * tableSlotSize);
    const before: Record<string, bigint> = Object.fromEntries(
      registers.map((register) => [register, random(wordSize)]),
    );
    before[flagsRegister] = random(wordSize) & flagsMask;
    if (jumpRegister !== undefined) before[jumpRegister] = slotAddress;
    const slot = { codeRegister, codeSlot: at(codeIndex), dataRegister, dataSlot: at(dataIndex) };
    return {
      slot,
      before,
      data: random(wordSize),
      target: index % 2 === 0 ? 0 : 1,
      slotAddress,
      code: assemble(tableTrampoline(slot), name),
    };
  });
}

/** The program's input: integers of 64 bits, then the slot's bytes. */
function input(calls: readonly Call[], name: ArchitectureName): Buffer {
  const { registers, flagsRegister } = machines[name].execution;
  const words = (...values: bigint[]) => Buffer.from(BigUint64Array.from(values).buffer);
  const parts = calls.map(({ slot, before, data, target, slotAddress, code }) => {
    const padded = Buffer.alloc(SLOT_BYTES);
    padded.set(code);
    const values = [flagsRegister, ...registers].map((register) => before[register] ?? 0n);
    return Buffer.concat([words(slotAddress, slot.codeSlot, slot.dataSlot, data, BigInt(target), ...values), padded]);
  });
  return Buffer.concat([words(BigInt(calls.length)), ...parts]);
}

/** Runs the program on calls. A process that a trap ends leaves no core. */
function run(calls: readonly Call[], name: ArchitectureName): SpawnSyncReturns<Buffer> {
  const { program, emulator } = machines[name].execution;
  const path = typeof program === 'function' ? program() : compileProgram(`trampoline/${name}.c`, program);
  const command = emulator === undefined ? [path] : [emulator, path];
  return spawnSync('prlimit', ['--core=0', ...command], { input: input(calls, name), maxBuffer: 1 << 26 });
}

/** Runs the calls; gives the addresses of the two targets and the state that each call arrived in. */
function execute(calls: readonly Call[], name: ArchitectureName): { targets: bigint[]; states: Registers[] } {
  const { registers, flagsRegister, flagsMask, flagsSeen = 0n } = machines[name].execution;
  const { programCounter } = machines[name];
  const { signal, status, stdout, stderr } = run(calls, name);
  assert.equal(signal ?? status, 0, `${name}: ${stderr}`);
  const width = 2 + registers.length;
  assert.equal(stdout.length, 8 * (2 + width * calls.length));
  const word = (index: number) => stdout.readBigUInt64LE(8 * index);
  const states = calls.map((_, call) => {
    const first = 2 + call * width;
    return Object.fromEntries([
      [programCounter, word(first)],
      [flagsRegister, word(first + 1) & (flagsMask | flagsSeen)],
      ...registers.map((register, index): [string, bigint] => [register, word(first + 2 + index)]),
    ]);
  });
  return { targets: [word(0), word(1)], states };
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
