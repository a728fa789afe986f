import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SYMBOL_LAYOUT } from '../../src/abi/elf.js';
import { type FoundFunction, functionAt } from '../../src/supervisor/elf_symbols.js';
import { compileProgram } from '../programs/compile.js';

/** The most that is read at once: headers, or some thousands of symbols. */
const MOST_AT_ONCE = 4096 * 64;

/** The function at a place of a file's bytes. */
function look(bytes: Uint8Array, place: number): FoundFunction | undefined {
  return functionAt((offset, length) => {
    assert.ok(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && length <= MOST_AT_ONCE, `${length} bytes`);
    return offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined;
  }, place);
}

/** The functions of a program as nm(1) has them: those that have a size. */
function functionsOf(binary: string, ...options: string[]): { name: string; address: number; size: number }[] {
  return execFileSync('nm', ['-S', ...options, binary], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, address = '', size = '', name = ''] = /^([0-9a-f]+) ([0-9a-f]+) [TtWi] (\S+)$/.exec(line) ?? [];
      return name === ''
        ? []
        : [{ name: name.replace(/@.*/, ''), address: Number.parseInt(address, 16), size: Number.parseInt(size, 16) }];
    });
}

/** The offset in the file of an address, as readelf(1) has the segments. */
function offsetOf(binary: string, address: number): number {
  for (const line of execFileSync('readelf', ['-lW', binary], { encoding: 'utf8' }).split('\n')) {
    const [, offset, start, size] = /^ *LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)/.exec(line) ?? [];
    const from = Number.parseInt(start ?? '', 16);
    if (address >= from && address < from + Number.parseInt(size ?? '', 16)) {
      return Number.parseInt(offset ?? '', 16) + address - from;
    }
  }
  throw new Error(`no segment of ${binary} has ${address.toString(16)}`);
}

const BINARIES = {
  'x86-64': ['-m64', '-pie', '-fpie'],
  'x86-64 at a fixed address': ['-m64', '-no-pie'],
  i386: ['-m32'],
} as const;

for (const [what, flags] of Object.entries(BINARIES)) {
  describe(what, () => {
    const binary = compileProgram('emulation/unrecognised.c', { flags: [...flags] });
    const bytes = readFileSync(binary);

    test('each function is found, from its first byte to its last', () => {
      const functions = functionsOf(binary);
      assert.ok(functions.some(({ name }) => name === 'main'));
      for (const { name, address, size } of functions) {
        const offset = offsetOf(binary, address);
        const names = functions.filter((other) => other.address === address).map((other) => other.name);
        for (const into of [0, Math.floor(size / 2), size - 1]) {
          const found = look(bytes, offset + into);
          assert.ok(found !== undefined && names.includes(found.name), `${name}+${into}: ${found?.name}`);
          assert.equal(found.offset, into);
        }
      }
    });

    test('between functions, and outside of what is mapped, there is none', () => {
      const first = functionsOf(binary).find(({ name }) => name === 'main');
      assert.ok(first !== undefined);
      assert.equal(look(bytes, 3), undefined);
      assert.equal(look(bytes, bytes.length + 10), undefined);
      assert.equal(look(bytes, 2 ** 53 - 1), undefined);
    });

    test('a file that is damaged anywhere gives a name or none, and no more is read than is allowed', () => {
      const main = functionsOf(binary).find(({ name }) => name === 'main');
      const place = offsetOf(binary, main?.address ?? 0);
      const { header, section } = SYMBOL_LAYOUT[what === 'i386' ? 32 : 64];
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const sections =
        what === 'i386' ? view.getUint32(header.e_shoff[0], true) : Number(view.getBigUint64(header.e_shoff[0], true));
      const count = view.getUint16(header.e_shnum[0], true);
      // Anywhere in the headers of the file, its segments and its sections, where every number means something.
      const places = fc.oneof(
        fc.nat({ max: 1024 }),
        fc.nat({ max: count * section.size - 1 }).map((at) => sections + at),
        fc.nat({ max: bytes.length - 1 }),
      );
      const damages = fc.array(fc.tuple(places, fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
        minLength: 1,
        maxLength: 8,
      });
      fc.assert(
        fc.property(damages, fc.nat({ max: bytes.length }), (damage, length) => {
          const damaged = Uint8Array.from(bytes);
          for (const [at, byte] of damage) damaged[at] = byte;
          look(damaged, place);
          look(damaged.subarray(0, length), place);
        }),
        { numRuns: 2000 },
      );
    });

    test('the magic, the class and the order of bytes are looked at', () => {
      const main = functionsOf(binary).find(({ name }) => name === 'main');
      const place = offsetOf(binary, main?.address ?? 0);
      assert.equal(look(bytes, place)?.name, 'main');
      for (const [at, byte] of [
        [0, 0],
        [3, 0],
        [4, 0],
        [4, 3],
        [5, 2],
        [5, 0],
      ] as const) {
        const other = Uint8Array.from(bytes);
        other[at] = byte;
        assert.equal(look(other, place), undefined, `byte ${at} is ${byte}`);
      }
      assert.equal(look(new Uint8Array(), 0), undefined);
      assert.equal(look(bytes.subarray(0, 40), place), undefined);
    });
  });
}

test('a library without symbols but those that are bound at run time has the names of these', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-symbols-'));
  try {
    const source = join(folder, 'library.c');
    const library = join(folder, 'library.so');
    writeFileSync(
      source,
      'int twice(int n) { return 2 * n; }\nstatic int hidden(int n) { return n + twice(n); }\nint (*kept)(int) = hidden;\n',
    );
    execFileSync('gcc', ['-O1', '-shared', '-fpic', '-o', library, source]);
    const place = offsetOf(library, functionsOf(library).find(({ name }) => name === 'twice')?.address ?? 0);
    const hidden = offsetOf(library, functionsOf(library).find(({ name }) => name === 'hidden')?.address ?? 0);
    assert.equal(look(readFileSync(library), hidden)?.name, 'hidden');
    const stripped = join(folder, 'stripped.so');
    copyFileSync(library, stripped);
    execFileSync('strip', [stripped]);
    assert.equal(look(readFileSync(stripped), place)?.name, 'twice');
    assert.equal(look(readFileSync(stripped), hidden), undefined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a name without an end is cut', () => {
  const binary = compileProgram('emulation/unrecognised.c', { flags: ['-m64', '-pie', '-fpie'] });
  const main = functionsOf(binary).find(({ name }) => name === 'main');
  const bytes = Uint8Array.from(readFileSync(binary));
  const place = offsetOf(binary, main?.address ?? 0);
  // All strings of the file become one, with more behind the place of any.
  const strings = Buffer.from(bytes).indexOf('\0main\0');
  assert.ok(strings > 0);
  bytes.fill(0x61, strings + 1);
  const found = look(bytes, place);
  assert.ok(found === undefined || found.name.length <= 259, found?.name);
});
