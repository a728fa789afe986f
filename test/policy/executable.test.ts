/**
 * What the headers of a program ask for: headers built here, damaged ones, and files of the compiler, whose memory the
 * kernel is asked for.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ELF, ELF_LAYOUT } from '../../src/abi/elf.js';
import { type ExecutableKind, HEADER_BYTES, judgeExecutable } from '../../src/policy/executable.js';
import { imageProgram, narrowFlags, withByte, withMemoryBehindCode, withoutStackHeader } from '../programs/image.js';

type Bits = 32 | 64;
/** A program header: type and flags; where it is, and how much of it the file and the memory have. */
type Segment = readonly [type: number, flags: number, address?: number, inFile?: number, inMemory?: number];

const { PT_LOAD, PT_GNU_STACK, PF_X, PF_W, EM_386, EM_486, EM_X86_64 } = ELF;
const PF_R = 4;
const PT_INTERP = 3;

/** A file with program headers, at an offset of their own where one is given. */
function file(
  bits: Bits,
  machine: number,
  segments: readonly Segment[],
  at: number = ELF_LAYOUT[bits].size,
): Uint8Array {
  const layout = ELF_LAYOUT[bits];
  const bytes = new Uint8Array(at + segments.length * layout.phentsize);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? ELF.ELFCLASS64 : ELF.ELFCLASS32, 1, 1]);
  view.setUint16(layout.e_machine, machine, true);
  if (bits === 64) view.setBigUint64(layout.e_phoff, BigInt(at), true);
  else view.setUint32(layout.e_phoff, at, true);
  view.setUint16(layout.e_phentsize, layout.phentsize, true);
  view.setUint16(layout.e_phnum, segments.length, true);
  for (const [index, [type, flags, address = 0, inFile = 0, inMemory = 0]] of segments.entries()) {
    const from = at + index * layout.phentsize;
    view.setUint32(from + layout.p_type, type, true);
    view.setUint32(from + layout.p_flags, flags, true);
    view.setUint32(from + layout.p_vaddr, address, true);
    view.setUint32(from + layout.p_filesz, inFile, true);
    view.setUint32(from + layout.p_memsz, inMemory, true);
  }
  return bytes;
}

/** Judges a whole file as a run does: by its start, and what is asked for behind. */
function judge(bytes: Uint8Array): ExecutableKind {
  return judgeExecutable(bytes.subarray(0, HEADER_BYTES), (offset, length) =>
    offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined,
  );
}

const text: Segment = [PT_LOAD, PF_R | PF_X];
const data: Segment = [PT_LOAD, PF_R | PF_W];
const both: Segment = [PT_LOAD, PF_R | PF_W | PF_X];
const stack: Segment = [PT_GNU_STACK, PF_R | PF_W];
const executableStack: Segment = [PT_GNU_STACK, PF_R | PF_W | PF_X];

describe('headers', () => {
  const cases: readonly (readonly [string, readonly Segment[], ExecutableKind, ExecutableKind])[] = [
    ['a stack that is not executable', [text, data, stack], 'plain', 'plain'],
    ['an executable stack', [text, data, executableStack], 'executable stack', 'executable stack'],
    ['no word of a stack', [text, data], 'plain', 'executable memory'],
    ['a writable and executable segment', [text, both, stack], 'writable code', 'writable code'],
    ['one that cannot be read besides', [[PT_LOAD, PF_W | PF_X], stack], 'writable code', 'writable code'],
    ['both', [both, executableStack], 'writable code', 'writable code'],
    ['two words of a stack, one executable', [text, stack, executableStack], 'executable stack', 'executable stack'],
    ['flags of another kind of segment', [text, [PT_INTERP, PF_W | PF_X], stack], 'plain', 'plain'],
    ['none at all, with which the kernel starts nothing', [], 'plain', 'plain'],
    ['code that the file has all of', [[PT_LOAD, PF_R | PF_X, 0x1000, 0x1800, 0x1800], stack], 'plain', 'plain'],
    ['code with the rest of its page', [[PT_LOAD, PF_R | PF_X, 0x1010, 0x100, 0xff0], stack], 'plain', 'plain'],
    [
      'code with a page behind',
      [[PT_LOAD, PF_R | PF_X, 0x1010, 0x100, 0xff1], stack],
      'writable code',
      'writable code',
    ],
    ['code without a file', [[PT_LOAD, PF_X, 0x1010, 0, 1], stack], 'writable code', 'writable code'],
    ['data with a page behind', [text, [PT_LOAD, PF_R | PF_W, 0x1010, 1, 0x5000], stack], 'plain', 'plain'],
  ];
  for (const [name, segments, wide, narrow] of cases) {
    test(name, () => {
      assert.equal(judge(file(64, EM_X86_64, segments)), wide);
      assert.equal(judge(file(32, EM_386, segments)), narrow);
      assert.equal(judge(file(32, EM_486, segments)), narrow);
      // An x32 program: its class is the narrow one, its machine the wide one.
      assert.equal(judge(file(32, EM_X86_64, segments)), narrow);
    });
  }

  test('are found behind the first part of the file', () => {
    for (const at of [HEADER_BYTES - 10, HEADER_BYTES, 5000]) {
      assert.equal(judge(file(64, EM_X86_64, [text, stack], at)), 'plain');
      assert.equal(judge(file(64, EM_X86_64, [text, both], at)), 'writable code');
      assert.equal(judge(file(32, EM_386, [text], at)), 'executable memory');
    }
    const many = [...Array.from({ length: 100 }, () => text), executableStack];
    assert.equal(judge(file(64, EM_X86_64, many)), 'executable stack');
  });

  test('that cannot be read, or are of another size, cannot be judged', () => {
    const whole = file(64, EM_X86_64, [text, stack], 5000);
    assert.equal(judge(whole.subarray(0, whole.length - 1)), 'unknown');
    assert.equal(judge(whole.subarray(0, 40)), 'unknown');
    for (const bits of [32, 64] as const) {
      const odd = file(bits, EM_X86_64, [text, stack]);
      new DataView(odd.buffer).setUint16(ELF_LAYOUT[bits].e_phentsize, 57, true);
      assert.equal(judge(odd), 'unknown');
    }
    const far = file(64, EM_X86_64, [text, stack]);
    new DataView(far.buffer).setBigUint64(ELF_LAYOUT[64].e_phoff, 2n ** 64n - 1n, true);
    assert.equal(judge(far), 'unknown');
  });

  test('of no program, or one of another processor, are none of ours', () => {
    for (const content of ['', '#!/bin/sh\n', '\x7fEL', 'MZ'])
      assert.equal(judge(Buffer.from(content, 'latin1')), 'plain');
    const EM_AARCH64 = 183;
    assert.equal(judge(file(64, EM_AARCH64, [both, executableStack])), 'plain');
  });

  test('whatever the bytes are: a word is said, and nothing is read that is not there', () => {
    const header = fc.constantFrom(
      file(64, EM_X86_64, [text, data, stack]),
      file(32, EM_386, [both, executableStack]),
      file(64, EM_X86_64, [text, stack], 2000),
    );
    const change = fc.tuple(fc.nat(200), fc.nat(255));
    const words: readonly ExecutableKind[] = [
      'plain',
      'executable stack',
      'executable memory',
      'writable code',
      'unknown',
    ];
    fc.assert(
      fc.property(header, fc.array(change, { maxLength: 20 }), fc.nat(2200), (bytes, changes, length) => {
        const damaged = bytes.slice();
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        assert.ok(words.includes(judge(damaged.subarray(0, length))));
        assert.ok(
          words.includes(judgeExecutable(damaged.subarray(0, Math.min(length, HEADER_BYTES)), () => undefined)),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a file is judged by the headers that the kernel reads', () => {
  test('of the class of its machine, whatever class it says', () => {
    for (const [bits, machine] of [
      [64, EM_X86_64],
      [32, EM_386],
      [32, EM_486],
    ] as const) {
      const bytes = file(bits, machine, [both, stack]);
      for (const said of [ELF.ELFCLASS32, ELF.ELFCLASS64, 0]) {
        bytes[4] = said;
        assert.equal(judge(bytes), 'writable code');
      }
    }
  });

  test('and of one alone, where the other has none: the place of sections may look like a size of headers', () => {
    const file = new Uint8Array(readFileSync('/bin/true'));
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    // e_shoff of the wide class, whose third and fourth bytes are e_phentsize of the narrow one.
    view.setBigUint64(40, 0x2012_3456n, true);
    view.setUint16(42, 32, true);
    assert.equal(
      judgeExecutable(file.subarray(0, HEADER_BYTES), () => undefined),
      'plain',
    );
    view.setUint16(44, 1, true);
    assert.notEqual(
      judgeExecutable(file.subarray(0, HEADER_BYTES), () => undefined),
      'plain',
    );
  });

  test('and of both, where they fit both', () => {
    // Where a narrow header would be there is one, of no segments.
    const bytes = file(64, EM_X86_64, [both, stack]);
    new DataView(bytes.buffer).setUint16(ELF_LAYOUT[32].e_phentsize, ELF_LAYOUT[32].phentsize, true);
    bytes[4] = ELF.ELFCLASS32;
    assert.equal(judge(bytes), 'writable code');
  });
});

describe('a file of the compiler is judged as the kernel takes it', () => {
  const marked = ['-z', 'noexecstack'];
  const cases: readonly (readonly [string, readonly string[], ExecutableKind])[] = [
    ['x86-64', marked, 'plain'],
    ['x86-64, static', ['-static'], 'plain'],
    ['x86-64, -z execstack', ['-z', 'execstack'], 'executable stack'],
    ['x86-64, a section of both kinds', ['-DSECTION'], 'writable code'],
    ['x86-64, static, a section of both kinds', ['-DSECTION', '-static'], 'writable code'],
    ['i386', [...narrowFlags, ...marked], 'plain'],
    ['i386, -z execstack', [...narrowFlags, '-z', 'execstack'], 'executable stack'],
    ['i386, a section of both kinds', [...narrowFlags, '-DSECTION'], 'writable code'],
  ];
  const memoryOf = (path: string): string => spawnSync(path, { encoding: 'utf8' }).stdout.trim();

  for (const [name, flags, expected] of cases) {
    test(name, () => {
      const path = imageProgram(flags);
      assert.equal(judge(readFileSync(path)), expected);
      assert.equal(memoryOf(path), expected);
    });
  }

  const CLASS_AT = 4;
  const { e_machine } = ELF_LAYOUT[32];
  const changedCases: readonly (readonly [string, readonly string[], (path: string) => Buffer, ExecutableKind])[] = [
    ['x86-64, memory behind its code', ['-static'], withMemoryBehindCode, 'writable code'],
    ['i386, memory behind its code', [...narrowFlags, '-static'], withMemoryBehindCode, 'writable code'],
    [
      'x86-64 that says another class',
      ['-static', '-DSECTION'],
      (path) => withByte(path, CLASS_AT, 1),
      'writable code',
    ],
    [
      'i486',
      [...narrowFlags, '-static', '-z', 'execstack'],
      (path) => withByte(path, e_machine, EM_486),
      'executable stack',
    ],
  ];
  for (const [name, flags, change, expected] of changedCases) {
    test(name, () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-executable-'));
      const path = join(folder, 'changed');
      writeFileSync(path, change(imageProgram(flags)), { mode: 0o755 });
      assert.equal(judge(readFileSync(path)), expected);
      assert.equal(memoryOf(path), expected);
      rmSync(folder, { recursive: true });
    });
  }

  for (const [name, flags, expected] of [
    ['x86-64', [], 'plain'],
    ['i386', narrowFlags, 'executable memory'],
  ] as const) {
    test(`${name}, without a word of its stack`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-executable-'));
      const path = join(folder, 'unmarked');
      writeFileSync(path, withoutStackHeader(imageProgram(flags)), { mode: 0o755 });
      assert.equal(judge(readFileSync(path)), expected);
      assert.equal(memoryOf(path), expected);
      rmSync(folder, { recursive: true });
    });
  }
});
