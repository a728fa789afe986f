/**
 * Executes code in a chosen state of the processor: the other side of test/programs/trampoline/execute.h.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Registers } from '../../src/trampoline/architecture.js';
import type { ArchitectureName } from '../../src/trampoline/architectures.js';
import { compileProgram } from '../programs/compile.js';
import { machines } from './machines.js';

/** Where the programs map code and tables: `execute.h` says the same. */
export const REGIONS = {
  4: { code: 0x3456_0000n, tables: 0x4bcd_0000n },
  8: { code: 0x1234_5678_0000n, tables: 0x2bcd_ef90_0000n },
} as const;
export const REGION_SIZE = 0x40000;
/** Bytes that the program's structure keeps for a slot of any architecture. */
export const SLOT_BYTES = 72;

export interface Call {
  /** Two words of the tables' region: the first receives the address of the target, the second the data. */
  readonly slot: { readonly codeSlot: bigint; readonly dataSlot: bigint };
  readonly data: bigint;
  readonly target: 0 | 1;
  readonly before: Registers;
  /** What is called; on arm with bit 0 set where it is Thumb code. */
  readonly slotAddress: bigint;
  /** What stands there. */
  readonly code: Uint8Array;
}

/** A random word. */
export function random(wordSize: 4 | 8): bigint {
  return BigInt.asUintN(8 * wordSize, randomBytes(8).readBigUInt64LE());
}

/** A random state in which code at an address may be called. */
export function randomState(name: ArchitectureName, wordSize: 4 | 8, slotAddress: bigint): Record<string, bigint> {
  const { registers, flagsRegister, flagsMask, jumpRegister } = machines[name].execution;
  const state: Record<string, bigint> = Object.fromEntries(registers.map((register) => [register, random(wordSize)]));
  state[flagsRegister] = random(wordSize) & flagsMask;
  if (jumpRegister !== undefined) state[jumpRegister] = slotAddress;
  return state;
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
export function run(calls: readonly Call[], name: ArchitectureName): SpawnSyncReturns<Buffer> {
  const { program, emulator } = machines[name].execution;
  const path = typeof program === 'function' ? program() : compileProgram(`trampoline/${name}.c`, program);
  const command = emulator === undefined ? [path] : [emulator, path];
  return spawnSync('prlimit', ['--core=0', ...command], { input: input(calls, name), maxBuffer: 1 << 26 });
}

/**
 * Runs the calls; gives the addresses of the two targets, which are the same in every run, and the state that each call
 * arrived in.
 */
export function execute(
  calls: readonly Call[],
  name: ArchitectureName,
): { targets: readonly [bigint, bigint]; states: Registers[] } {
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
