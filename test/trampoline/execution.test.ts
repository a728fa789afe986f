/**
 * Execution: what the processor does with assembled slots is what `apply` says.
 *
 * For every pair of registers, a C program (test/programs/trampoline) puts random values into all general registers, the
 * stack pointer among them, and into the flags, jumps to the slot, and reports all of them as the target finds them.
 * x86-64 and i386 run on the processor, arm64 and arm under qemu-user. There the landing pads are no operations: neither
 * the programs nor qemu's pages ask for branch target identification.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { apply } from '../../src/trampoline/apply.js';
import type { Registers } from '../../src/trampoline/architecture.js';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { assemble } from '../../src/trampoline/assemble.js';
import { type TableTrampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';
import { compileProgram } from '../programs/compile.js';
import { architectureNames, registerPairs } from './cases.js';

/** How an architecture's program is built and run, and what its state consists of. */
interface Machine {
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly emulator?: string;
  /** The registers in the program's order, that of their encoding. */
  readonly registers: readonly string[];
  readonly programCounter: string;
  readonly flagsRegister: string;
  /** The flags that a program may set as it likes. */
  readonly flagsMask: bigint;
  /** The register that has to hold the slot's address, where no jump is without one. */
  readonly jumpRegister?: string;
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const MACHINES: Record<ArchitectureName, Machine> = {
  'x86-64': {
    compiler: 'gcc',
    flags: [],
    registers: ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', ...numbered('r', 16).slice(8)],
    programCounter: 'rip',
    flagsRegister: 'rflags',
    flagsMask: 0xcd5n, // OF DF SF ZF AF PF CF
  },
  i386: {
    compiler: 'gcc',
    flags: ['-m32', '-fno-pie', '-no-pie', '-idirafter', '/usr/include/x86_64-linux-gnu'],
    registers: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'],
    programCounter: 'eip',
    flagsRegister: 'eflags',
    flagsMask: 0xcd5n,
  },
  arm64: {
    compiler: 'aarch64-linux-gnu-gcc',
    flags: ['-static', '-mbranch-protection=none'],
    emulator: 'qemu-aarch64',
    registers: [...numbered('x', 31), 'sp'],
    programCounter: 'pc',
    flagsRegister: 'nzcv',
    flagsMask: 0xf000_0000n,
    jumpRegister: 'x30',
  },
  arm: {
    compiler: 'arm-linux-gnueabihf-gcc',
    flags: ['-static', '-marm'],
    emulator: 'qemu-arm',
    registers: [...numbered('r', 13), 'sp', 'lr'],
    programCounter: 'pc',
    flagsRegister: 'cpsr',
    flagsMask: 0xf80f_0000n, // N Z C V Q and GE
    jumpRegister: 'lr',
  },
};

/** Where the programs map code and tables: `execute.h` says the same. */
const REGIONS = {
  4: { code: 0x3456_0000n, tables: 0x4bcd_0000n },
  8: { code: 0x1234_5678_0000n, tables: 0x2bcd_ef90_0000n },
} as const;
const REGION_SIZE = 0x40000;
/** Bytes that the program's structure keeps for a slot of any architecture. */
const SLOT_BYTES = 48;
const CPSR_T = 0x20n;

interface Call {
  readonly slot: TableTrampoline;
  readonly before: Registers;
  readonly data: bigint;
  readonly target: 0 | 1;
  readonly slotAddress: bigint;
}

function random(wordSize: 4 | 8): bigint {
  const bytes = randomBytes(8);
  return BigInt.asUintN(8 * wordSize, bytes.readBigUInt64LE());
}

/** A call for each pair of registers, slots one behind the other, each with two random words of the tables' region. */
function callsFor(name: ArchitectureName): Call[] {
  const { wordSize, tableSlotSize } = architectures[name];
  const { registers, flagsRegister, flagsMask, jumpRegister } = MACHINES[name];
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
    return {
      slot: { codeRegister, codeSlot: at(codeIndex), dataRegister, dataSlot: at(dataIndex) },
      before,
      data: random(wordSize),
      target: index % 2 === 0 ? 0 : 1,
      slotAddress,
    };
  });
}

/** The program's input: integers of 64 bits, then the slot's bytes. */
function input(calls: readonly Call[], name: ArchitectureName): Buffer {
  const { registers, flagsRegister } = MACHINES[name];
  const words = (...values: bigint[]) => Buffer.from(BigUint64Array.from(values).buffer);
  const parts = calls.map(({ slot, before, data, target, slotAddress }) => {
    const code = Buffer.alloc(SLOT_BYTES);
    code.set(assemble(tableTrampoline(slot), name));
    const values = [flagsRegister, ...registers].map((register) => before[register] ?? 0n);
    return Buffer.concat([words(slotAddress, slot.codeSlot, slot.dataSlot, data, BigInt(target), ...values), code]);
  });
  return Buffer.concat([words(BigInt(calls.length)), ...parts]);
}

/** Runs the calls; gives the addresses of the two targets and the state that each call arrived in. */
function execute(calls: readonly Call[], name: ArchitectureName): { targets: bigint[]; states: Registers[] } {
  const { compiler, flags, emulator, registers, programCounter, flagsRegister, flagsMask } = MACHINES[name];
  const program = compileProgram(`trampoline/${name}.c`, { compiler, flags });
  const [command, ...args] = emulator === undefined ? [program] : [emulator, program];
  const run = spawnSync(command ?? program, args, { input: input(calls, name), maxBuffer: 1 << 26 });
  assert.equal(run.signal ?? run.status, 0, `${name}: ${run.stderr}`);
  const width = 2 + registers.length;
  assert.equal(run.stdout.length, 8 * (2 + width * calls.length));
  const word = (index: number) => run.stdout.readBigUInt64LE(8 * index);
  // The T bit is part of what the target finds; it is not one of those that a program sets at will.
  const seen = name === 'arm' ? flagsMask | CPSR_T : flagsMask;
  const states = calls.map((_, call) => {
    const first = 2 + call * width;
    return Object.fromEntries([
      [programCounter, word(first)],
      [flagsRegister, word(first + 1) & seen],
      ...registers.map((register, index): [string, bigint] => [register, word(first + 2 + index)]),
    ]);
  });
  return { targets: [word(0), word(1)], states };
}

for (const name of architectureNames) {
  const { emulator, programCounter } = MACHINES[name];

  test(`${name}: ${emulator ?? 'the processor'} and apply agree on every register and the flags, for every pair`, () => {
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
}
