/**
 * Bytes that are harmless as code: that every value is the sum of two words of them, and that the processor stops at them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { contextChange } from '../../src/trampoline/context.js';
import { assemblePage } from '../../src/trampoline/table.js';
import { countHarmlessly, HARMLESS, splitHarmlessly } from '../../src/trampoline/x86_harmless.js';
import { compileProgram } from '../programs/compile.js';
import { tables } from './cases.js';

function bytesOf(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/** Byte sequences that attackers look for: returns, jumps and calls through registers and memory, system calls. */
const WANTED = [
  '5fc3',
  '5f5ec3',
  'c3',
  'c2',
  'cb',
  'ffe4',
  'ffd0',
  'eb',
  'e8',
  'e9',
  '0f05',
  'cd80',
  '0f34',
  '75',
  'e2',
];

describe('harmless bytes', () => {
  for (const size of [8, 4]) {
    test(`any value of ${size} bytes is the sum of two words of them`, () => {
      const most = (1n << BigInt(8 * size)) - 1n;
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: most }), (value) => {
          const words = splitHarmlessly(value, size);
          assert.equal(BigInt.asUintN(8 * size, words[0] + words[1]), value);
          for (const word of words) for (const byte of bytesOf(word, size)) assert.ok(HARMLESS.has(byte));
        }),
        { numRuns: 5000 },
      );
    });

    test(`nothing that an attacker wants is among them, whatever value of ${size} bytes he chooses`, () => {
      const carriers = Array.from({ length: 256 }, (_, byte) => byte);
      for (const below of carriers) {
        for (const byte of carriers) {
          const words = splitHarmlessly(BigInt((byte << 8) | below) | (BigInt(byte) << 16n), size);
          const text = Buffer.from(words.flatMap((word) => bytesOf(word, size)));
          for (const wanted of WANTED) assert.ok(!text.includes(Buffer.from(wanted, 'hex')), wanted);
        }
      }
    });
  }

  test('a counter has another look at each step, for fifty thousand millions of them', () => {
    const base = BigInt(HARMLESS.size);
    assert.ok(base ** 6n > 50_000_000_000n);
    const seen = new Set<bigint>();
    for (let step = 0n; step < 100_000n; step++) {
      const bytes = countHarmlessly(step, 6);
      seen.add(bytes);
      for (const byte of bytesOf(bytes, 6)) assert.ok(HARMLESS.has(byte));
    }
    assert.equal(seen.size, 100_000);
    assert.notEqual(countHarmlessly(base ** 6n - 1n, 6), countHarmlessly(0n, 6));
  });

  for (const [width, flags] of [
    ['64', []],
    ['32', ['-m32', '-no-pie']],
  ] as const) {
    test(`the processor stops at them, in a program of ${width} bits`, () => {
      const program = compileProgram('trampoline/harmless.c', { flags });
      const table = Buffer.from([...HARMLESS]).toString('hex');
      const { status, stdout, stderr } = spawnSync(program, ['100000', table], { encoding: 'utf8' });
      assert.deepEqual([status, stdout, stderr], [0, `sequences=${HARMLESS.size ** 2 + 100_000}\n`, '']);
    });
  }

  test('the test would see one that is not', () => {
    const program = compileProgram('trampoline/harmless.c', { flags: [] });
    assert.equal(spawnSync(program, ['1000', '905b6c']).status, 1);
  });
});

describe('the data of a context', () => {
  for (const name of ['x86-64', 'i386'] as const) {
    test(`${name}: has no other byte of the program's choice, whatever it sets how often`, () => {
      const wordSize = name === 'x86-64' ? 8 : 4;
      const value = fc.bigInt({ min: 1n, max: (1n << BigInt(8 * wordSize)) - 1n });
      const names = name === 'x86-64' ? ['rdx', 'r12', 'r15', 'rax'] : ['edx', 'esi', 'ebp', 'eax'];
      // Counts, masks, places: none of them is of more than two values' choice, but for those of registers and lengths.
      const counts = new Set([0, 0xff, 0xf0, 1, 2, 4, 8, ...Array.from({ length: 0x72 }, (_, index) => index)]);
      for (let lead = 0xf9; lead <= 0xff; lead++) counts.add(lead);
      fc.assert(
        fc.property(
          fc.array(value, { maxLength: 4 }),
          value,
          fc.uint8Array({ minLength: 1, maxLength: 64 }),
          fc.nat(256),
          fc.boolean(),
          fc.bigInt({ min: 1n, max: 1n << 40n }),
          (values, target, data, offset, movesStackPointer, generation) => {
            const registers = values.map((one, index) => ({ register: names[index] ?? '', value: one }));
            const context = { registers, target, stack: { data, offset, movesStackPointer } };
            const { block, state } = contextChange(context, [], generation, () => [], name);
            for (const byte of state.subarray(2)) assert.ok(HARMLESS.has(byte));
            for (let at = 0; at < (block?.bytes.length ?? 0); at += wordSize) {
              const word = [...(block?.bytes.subarray(at, at + wordSize) ?? [])];
              const isHarmless = word.every((byte) => HARMLESS.has(byte));
              const [low = 0, ...high] = word;
              const isCount =
                counts.has(low) && (high.every((byte) => byte === 0) || high.every((byte) => byte === 0xff));
              assert.ok(isHarmless || isCount, Buffer.from(word).toString('hex'));
            }
          },
        ),
        { numRuns: 2000 },
      );
    });
  }
});

describe('the page of a table', () => {
  for (const name of ['x86-64', 'i386'] as const) {
    test(`${name}: has no byte of the program's choice but harmless ones, whatever its addresses, and is as long for all`, () => {
      fc.assert(
        fc.property(tables(name), tables(name), (one, other) => {
          const table = { ...one, count: Math.min(one.count, other.count) };
          const moved = { ...table, codeTable: other.codeTable, dataTable: other.dataTable };
          const [page, movedPage] = [assemblePage(table, 4096), assemblePage(moved, 4096)];
          for (const [at, byte] of page.entries()) {
            const elsewhere = movedPage[at] ?? 0;
            assert.ok(byte === elsewhere || (HARMLESS.has(byte) && HARMLESS.has(elsewhere)), `byte ${at}`);
          }
        }),
        { numRuns: 300 },
      );
    });
  }
});
