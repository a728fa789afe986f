/**
 * Trampolines of contexts: what is assembled is recognised, a foreign disassembler reads what the listing says, and the
 * processor does what `apply` says.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { apply, stackWrite } from '../../src/trampoline/apply.js';
import type { ContextForm, Registers } from '../../src/trampoline/architecture.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import {
  assembleContextCode,
  contextChange,
  contextLayout,
  emptyContextData,
  quickRegisters,
  recogniseContextCode,
  requireContext,
} from '../../src/trampoline/context.js';
import { recogniseContextData } from '../../src/trampoline/context_read.js';
import { type ContextTrampoline, contextTrampoline } from '../../src/trampoline/trampoline.js';
import { compileProgram } from '../programs/compile.js';
import { architectureNames } from './cases.js';
import { machines } from './machines.js';

const names = architectureNames.filter((name) => architectures[name].context !== undefined);

function formOf(name: ArchitectureName): ContextForm {
  const form = architectures[name].context;
  assert.ok(form);
  return form;
}

function randomWords(count: number, wordSize: 4 | 8): bigint[] {
  const bytes = randomBytes(8 * count);
  return Array.from({ length: count }, (_, index) => BigInt.asUintN(8 * wordSize, bytes.readBigUInt64LE(8 * index)));
}

/** The sets of registers that a context can name and that lack nothing but one for the jump. */
function largestSets(name: ArchitectureName): string[][] {
  const { registers, jumpRegisters } = formOf(name);
  if (jumpRegisters.length === 0) return [[...registers]];
  return jumpRegisters.map((left) => registers.filter((register) => register !== left));
}

/** Every context: any registers, perhaps data for the stack of any size, at any place. */
function contexts(name: ArchitectureName): fc.Arbitrary<ContextTrampoline> {
  const max = (1n << BigInt(8 * architectures[name].wordSize)) - 1n;
  const word = fc.bigInt({ min: 0n, max });
  return fc.record({
    registers: fc
      .constantFrom(...largestSets(name))
      .chain((set) => fc.shuffledSubarray(set))
      .chain((registers) => fc.tuple(...registers.map((register) => word.map((value) => ({ register, value }))))),
    stack: fc.option(
      fc.record(
        {
          data: fc.uint8Array({ minLength: 1, maxLength: 64 }),
          offset: fc.oneof(fc.integer({ min: 0, max: 256 }), fc.integer({ min: 0, max: 9 })),
          movesStackPointer: fc.boolean(),
        },
        { noNullPrototype: true },
      ),
      { nil: undefined },
    ),
    target: fc.bigInt({ min: 1n, max }),
  });
}

/** The data of a context's file, changed to contexts one after another. */
function dataOf(
  list: readonly (ContextTrampoline | undefined)[],
  quick: readonly string[],
  name: ArchitectureName,
): Uint8Array {
  const data = emptyContextData(name, 4096);
  for (const [index, context] of list.entries()) {
    const { block, state } = contextChange(context, quick, BigInt(index + 1), randomWords, name);
    if (block !== undefined) data.set(block.bytes, block.offset);
    data.set(state);
  }
  return data;
}

/** A context as the reader gives it: registers in their own order. */
function ordered(context: ContextTrampoline, name: ArchitectureName): ContextTrampoline {
  const order = formOf(name).registers;
  const registers = context.registers.toSorted((a, b) => order.indexOf(a.register) - order.indexOf(b.register));
  const { stack, target } = context;
  return stack === undefined ? { registers, target } : { registers, stack, target };
}

for (const name of names) {
  test(`${name}: the code is recognised as made for its registers, whichever these are`, () => {
    const { registers, mostQuickRegisters } = formOf(name);
    fc.assert(
      fc.property(fc.subarray([...registers], { maxLength: mostQuickRegisters }), (quick) => {
        for (const pageSize of [4096, 65536]) {
          const code = assembleContextCode(quick, name, pageSize);
          assert.equal(code.length, contextLayout(name, pageSize).dataOffset);
          assert.deepEqual(recogniseContextCode(code, name), quick);
        }
      }),
    );
  });

  test(`${name}: with any bit changed the code is no more recognised`, () => {
    const quick = formOf(name).registers.slice(0, Math.min(3, formOf(name).mostQuickRegisters));
    const code = assembleContextCode(quick, name);
    assert.deepEqual(recogniseContextCode(code, name), quick);
    for (let bit = 0; bit < 8 * code.length; bit++) {
      const mask = 1 << (bit % 8);
      code[bit >> 3] = (code[bit >> 3] ?? 0) ^ mask;
      assert.equal(recogniseContextCode(code, name), undefined, `bit ${bit}`);
      code[bit >> 3] = (code[bit >> 3] ?? 0) ^ mask;
    }
    assert.equal(recogniseContextCode(code.subarray(1), name), undefined);
    assert.equal(recogniseContextCode(new Uint8Array(4096), name), undefined);
  });

  test(`${name}: the data says the last context, split anew each time, or that there is none`, () => {
    fc.assert(
      fc.property(fc.array(fc.option(contexts(name), { nil: undefined }), { minLength: 1, maxLength: 4 }), (list) => {
        const first = list.find((context) => context !== undefined);
        const quick = first === undefined ? [] : quickRegisters(first, name);
        const last = list.at(-1);
        const read = recogniseContextData(dataOf(list, quick, name), quick, name);
        assert.equal(read?.generation, BigInt(list.length));
        assert.deepEqual(read?.context, last && ordered(last, name));
      }),
    );
  });

  test(`${name}: no value of a context stands in the data as it is`, () => {
    const { wordSize } = architectures[name];
    const value = wordSize === 8 ? 0x1122_3344_5566_7788n : 0x1122_3344n;
    const context: ContextTrampoline = {
      registers: (largestSets(name)[0] ?? []).map((register) => ({ register, value })),
      stack: { data: new Uint8Array(64).fill(0x5a), offset: 0, movesStackPointer: false },
      target: value,
    };
    // Four given bytes stand among some 500 random ones by chance once in eight million times.
    const data = Buffer.from(dataOf([context, context], [], name));
    assert.equal(data.includes(Buffer.from(value.toString(16), 'hex').reverse()), false);
    assert.equal(data.includes(Buffer.alloc(wordSize, 0x5a)), false);
  });

  test(`${name}: what is no context is refused, with what is wrong`, () => {
    const [register = ''] = formOf(name).registers;
    const all = formOf(name).registers.map((one) => ({ register: one, value: 0n }));
    const good: ContextTrampoline = { registers: [], target: 1n };
    const bad: [ContextTrampoline, RegExp][] = [
      [{ ...good, target: 0n }, /target 0x0/],
      [{ ...good, target: 1n << 64n }, /target/],
      [{ ...good, registers: [{ register: 'r99', value: 0n }] }, /r99/],
      [{ ...good, registers: [{ register, value: -1n }] }, /does not fit/],
      [
        {
          ...good,
          registers: [
            { register, value: 1n },
            { register, value: 2n },
          ],
        },
        /named twice/,
      ],
      [{ ...good, stack: { data: new Uint8Array(0), offset: 0, movesStackPointer: false } }, /0 bytes/],
      [{ ...good, stack: { data: new Uint8Array(65), offset: 0, movesStackPointer: false } }, /65 bytes/],
      [{ ...good, stack: { data: new Uint8Array(1), offset: 257, movesStackPointer: false } }, /offset 257/],
      [{ ...good, stack: { data: new Uint8Array(1), offset: -1, movesStackPointer: false } }, /offset -1/],
    ];
    if (formOf(name).jumpRegisters.length > 0) bad.push([{ ...good, registers: all }, /the jump of .* needs one/]);
    else requireContext({ ...good, registers: all }, name);
    for (const [context, message] of bad) {
      assert.throws(() => requireContext(context, name), { code: 'EINVAL', message });
      assert.throws(() => contextChange(context, [], 1n, randomWords, name), { code: 'EINVAL' });
    }
    requireContext(good, name);
  });

  test(`${name}: the processor and apply agree on every register, the flags and the stack`, () => {
    const targets = targetsOf(name);
    const calls = callsFor(name, targets);
    for (const [index, result] of execute(name, calls).entries()) {
      const { context, quick, before, called } = calls[index] ?? assert.fail();
      const start = { ...before, [machines[name].programCounter]: called };
      const trampoline = contextTrampoline(context);
      const memory = (): never => assert.fail('a context loads from no memory');
      const what = `${context.registers.map(({ register }) => register)} ${quick} ${JSON.stringify(context.stack)}`;
      assert.deepEqual(result.registers, apply(trampoline, start, memory, name), what);

      const pointer = before[formOf(name).stackPointer] ?? 0n;
      const write = stackWrite(trampoline, start, name);
      if (write !== undefined) {
        const at = Number(write.address - pointer) + STACK_BYTES - STACK_ABOVE;
        assert.deepEqual(result.stack.subarray(at, at + write.data.length), Buffer.from(write.data), what);
      }
      // What the caller has on the stack stays.
      const used = result.stack.subarray(STACK_BYTES - STACK_ABOVE);
      assert.ok(
        used.every((byte) => byte === FILLING),
        what,
      );
    }
  });

  test(`${name}: without a context a call faults at its own address, with all registers as they were`, () => {
    const targets = targetsOf(name);
    const calls = callsFor(name, targets)
      .slice(0, 20)
      .map((call, index) => {
        const data = dataOf(index % 2 === 0 ? [] : [call.context, undefined], call.quick, name);
        return { ...call, file: Buffer.concat([call.file.subarray(0, contextLayout(name).dataOffset), data]) };
      });
    const { programCounter, execution } = machines[name];
    for (const [index, { registers }] of execute(name, calls).entries()) {
      const { before, called } = calls[index] ?? assert.fail();
      const expected: Record<string, bigint> = { ...before, [programCounter]: called };
      const lost = execution.lostWithoutContext;
      if (lost !== undefined) expected[lost] = registers[lost] ?? 0n;
      assert.deepEqual(registers, expected);
    }
  });
}

/** As `execute_context.h` has them. */
const FILE_BYTES = 8192;
const STACK_BYTES = 1024;
const STACK_ABOVE = 64;
const FILLING = 0xa5;
const REGIONS = {
  4: { code: 0x3456_0000n, stack: 0x4bcd_0000n },
  8: { code: 0x1234_5678_0000n, stack: 0x2bcd_ef90_0000n },
} as const;

interface Call {
  readonly context: ContextTrampoline;
  readonly quick: readonly string[];
  readonly before: Readonly<Record<string, bigint>>;
  readonly file: Buffer;
  readonly fileAddress: bigint;
  /** Where the trampoline is called, within the file. */
  readonly called: bigint;
}

/** What a target finds, or the handler of a fault, whose program counter is the address that could not be accessed. */
interface Found {
  readonly registers: Registers;
  readonly stack: Buffer;
}

function words(...values: bigint[]): Buffer {
  return Buffer.from(BigUint64Array.from(values).buffer);
}

/** What the program answers; it is linked to a fixed place, so that its targets are known before the calls are made. */
function answer(name: ArchitectureName, input: Buffer): Buffer {
  const { program, emulator } = machines[name].execution;
  assert.ok(typeof program !== 'function');
  const path = compileProgram(`trampoline/${name}.c`, {
    ...program,
    flags: ['-no-pie', '-fno-pie', ...program.flags, '-DEXECUTE_CONTEXT'],
  });
  const [command = '', ...rest] = emulator === undefined ? [path] : [emulator, path];
  const { status, signal, stdout, stderr } = spawnSync(command, rest, { input, maxBuffer: 1 << 28 });
  assert.equal(signal ?? status, 0, `${name}: ${stderr}`);
  return stdout;
}

function targetsOf(name: ArchitectureName): [bigint, bigint] {
  const output = answer(name, words(0n));
  return [output.readBigUInt64LE(0), output.readBigUInt64LE(8)];
}

/** Contexts whose code was made for them, and ones whose code was made for others; both blocks. */
function callsFor(name: ArchitectureName, targets: readonly [bigint, bigint]): Call[] {
  const { wordSize } = architectures[name];
  const { registers, flagsRegister, flagsMask, jumpRegister, stackAlignment = 1 } = machines[name].execution;
  const form = formOf(name);
  const random = () => randomWords(1, wordSize)[0] ?? 0n;
  const fixed: ContextTrampoline[] = [
    { registers: [], target: 1n },
    ...form.registers.map((register) => ({ registers: [{ register, value: random() }], target: 1n })),
    ...largestSets(name).map((set) => ({
      registers: set.map((register) => ({ register, value: random() })),
      target: 1n,
    })),
    ...form.registers.map((register, index) => ({
      registers: [register, form.registers[(index + 3) % form.registers.length] ?? register].map((one) => ({
        register: one,
        value: random(),
      })),
      target: 1n,
    })),
    ...Array.from({ length: 64 }, (_, index) => ({
      registers: [],
      stack: { data: randomBytes(index + 1), offset: index % 20, movesStackPointer: index % 3 === 0 },
      target: 1n,
    })),
    ...[0, 1, 3, 4, 7, 8, 119, 120, 121, 127, 128, 129, 255, 256].flatMap((offset) =>
      [false, true].map((movesStackPointer) => ({
        registers: [],
        stack: { data: randomBytes(64), offset, movesStackPointer },
        target: 1n,
      })),
    ),
  ];
  return [...fixed, ...fc.sample(contexts(name), 400)].map((any, index) => {
    const context = { ...any, target: targets[index % 2] ?? 0n };
    const quick = index % 5 === 4 ? quickRegisters({ registers: [], target: 1n }, name) : quickRegisters(context, name);
    const data = dataOf(index % 3 === 0 ? [undefined, context] : [context], quick, name);
    const file = Buffer.concat([assembleContextCode(quick, name), data]);
    assert.equal(file.length, FILE_BYTES);
    const before: Record<string, bigint> = Object.fromEntries(registers.map((register) => [register, random()]));
    // Any alignment that the architecture lets be, though a compiler knows one only.
    const above = stackAlignment * randomInt(64 / stackAlignment);
    before[form.stackPointer] = REGIONS[wordSize].stack + 0x20000n + BigInt(above);
    before[flagsRegister] = random() & flagsMask;
    const fileAddress = REGIONS[wordSize].code + 4096n * BigInt(randomInt(16));
    const called = fileAddress + BigInt(form.invocationOffset);
    if (jumpRegister !== undefined) before[jumpRegister] = called;
    return { context, quick, before, file, fileAddress, called };
  });
}

/** Makes the calls, one after another. */
function execute(name: ArchitectureName, calls: readonly Call[]): Found[] {
  const { registers, flagsRegister, flagsMask, flagsSeen = 0n } = machines[name].execution;
  const { stackPointer } = formOf(name);
  const input = calls.flatMap(({ before, file, fileAddress, called }) => [
    words(fileAddress, called - fileAddress, before[stackPointer] ?? 0n, before[flagsRegister] ?? 0n),
    words(...registers.map((register) => before[register] ?? 0n)),
    file,
  ]);
  const output = answer(name, Buffer.concat([words(BigInt(calls.length)), ...input]));
  const size = 8 * (2 + registers.length) + STACK_BYTES;
  assert.equal(output.length, 16 + size * calls.length);
  return calls.map((_, index) => {
    const at = 16 + size * index;
    const word = (position: number) => output.readBigUInt64LE(at + 8 * position);
    const found = Object.fromEntries([
      [machines[name].programCounter, word(0)],
      [flagsRegister, word(1) & (flagsMask | flagsSeen)],
      ...registers.map((register, position): [string, bigint] => [register, word(2 + position)]),
    ]);
    return { registers: found, stack: output.subarray(at + size - STACK_BYTES, at + size) };
  });
}
