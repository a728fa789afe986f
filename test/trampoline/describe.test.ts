import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assemble } from '../../src/trampoline/assemble.js';
import { describe, listing, summary } from '../../src/trampoline/describe.js';
import { contextTrampoline, tableTrampoline } from '../../src/trampoline/trampoline.js';
import { architectureNames, trampolines } from './cases.js';

test('a description says what the trampoline does, then each instruction', () => {
  const trampoline = tableTrampoline({ codeRegister: 'r12', codeSlot: 0x1000n, dataRegister: 'r3', dataSlot: 0x2000n });
  assert.equal(
    describe(trampoline, 0x8000n, 'arm'),
    [
      'arm, 28 bytes: loads r12 from 0x1000, loads r3 from 0x2000, jumps to what r12 holds; changes nothing else',
      "  8000:  00 c0 01 e3  movw    r12, #4096  r12 = address of the code table's slot, bits 0 to 15 (0x1000)",
      '  8004:  00 c0 40 e3  movt    r12, #0     bits 16 to 31 (0x0)',
      "  8008:  00 c0 9c e5  ldr     r12, [r12]  r12 = what the code table's slot holds",
      "  800c:  00 30 02 e3  movw    r3, #8192   r3 = address of the data table's slot, bits 0 to 15 (0x2000)",
      '  8010:  00 30 40 e3  movt    r3, #0      bits 16 to 31 (0x0)',
      "  8014:  00 30 93 e5  ldr     r3, [r3]    r3 = what the data table's slot holds",
      '  8018:  1c ff 2f e1  bx      r12         jump to the target that r12 holds',
      '',
    ].join('\n'),
  );
});

test('a summary of a context says which register the jump takes', () => {
  const summaryOf = (names: readonly string[]): string => {
    const registers = names.map((register) => ({ register, value: 5n }));
    return summary(contextTrampoline({ registers, target: 0x1000n }), 'arm64');
  };
  assert.equal(summaryOf(['x0']), 'sets x0 to 0x5, jumps to 0x1000; changes only x16 besides');
  assert.equal(summaryOf(['x16']), 'sets x16 to 0x5, jumps to 0x1000; changes only x17 besides');
});

test('a summary says what happens to the carry flag and what is pushed', () => {
  const target = { address: 0x1000n };
  assert.equal(
    summary({ loads: [], carry: true, push: 0x20n, target }, 'i386'),
    'sets the carry flag, pushes 0x20, jumps to 0x1000; changes nothing else',
  );
  assert.equal(
    summary({ loads: [], carry: false, target }, 'x86-64'),
    'clears the carry flag, jumps to 0x1000; changes nothing else',
  );
});

for (const name of architectureNames) {
  test(`${name}: a listing's bytes are the assembled ones, at addresses that follow each other`, () => {
    fc.assert(
      fc.property(trampolines(name), fc.bigInt({ min: 0n, max: 1n << 40n }), (trampoline, start) => {
        const lines = listing(trampoline, start, name);
        assert.deepEqual(Uint8Array.from(lines.flatMap(({ bytes }) => [...bytes])), assemble(trampoline, name));
        let next = start;
        for (const { address, bytes } of lines) {
          assert.equal(address, next);
          next += BigInt(bytes.length);
        }
      }),
    );
  });

  test(`${name}: a description has a line for each instruction, none longer than a wide terminal's`, () => {
    fc.assert(
      fc.property(trampolines(name), (trampoline) => {
        const lines = describe(trampoline, 0n, name).split('\n');
        assert.equal(lines.length, listing(trampoline, 0n, name).length + 2);
        for (const line of lines) assert.ok(line.length <= 140, line);
      }),
    );
  });
}
