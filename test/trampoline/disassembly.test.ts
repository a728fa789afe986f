/**
 * A foreign disassembler reads what we assemble: each instruction, for every pair of registers, must be what our listing
 * says, at the same offset and of the same length.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectures } from '../../src/trampoline/architectures.js';
import { contextListing, listing } from '../../src/trampoline/describe.js';
import { architectureNames, oneForEachPair } from './cases.js';
import { machines } from './machines.js';

/** What objdump reads in `code`: a line `offset bytes text` for each instruction, without comments and extra spaces. */
function disassemble(code: Uint8Array, machine: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-disassembly-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, code);
    const objdump = spawnSync('objdump', ['-D', '-z', '-w', '-b', 'binary', ...machine, file], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(objdump.status, 0, objdump.stderr);
    return [...objdump.stdout.matchAll(/^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.*)$/gm)].map(
      ([, offset, bytes, text]) =>
        `${offset} ${bytes?.replaceAll(' ', '')} ${text
          ?.replace(/\s*(\/\/|@|#\s).*$/, '')
          .replace(/\s+/g, ' ')
          .trim()}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same lines from our own listing. Of some architectures, objdump prints instructions as words, not as bytes. */
function listed(address: bigint, bytes: Uint8Array, text: string, words: boolean): string {
  const ordered = words ? Uint8Array.from(bytes).reverse() : bytes;
  return `${address.toString(16)} ${Buffer.from(ordered).toString('hex')} ${text}`;
}

for (const name of architectureNames) {
  test(`${name}: a foreign disassembler reads what the listing says, for every pair of registers and for the trap`, () => {
    const { tableSlotSize, trap } = architectures[name];
    const { reader, words } = machines[name].disassembly;
    const lines = oneForEachPair(name).flatMap((trampoline, index) =>
      listing(trampoline, BigInt(index * tableSlotSize), name),
    );
    const end = BigInt(lines.reduce((sum, { bytes }) => sum + bytes.length, 0));
    const trapText = trap.operands === '' ? trap.mnemonic : `${trap.mnemonic} ${trap.operands}`;
    lines.push({ address: end, bytes: Uint8Array.from(trap.bytes), text: trapText, meaning: trap.meaning });

    const code = Uint8Array.from(lines.flatMap(({ bytes }) => [...bytes]));
    assert.deepEqual(
      typeof reader === 'function' ? reader(code) : disassemble(code, reader),
      lines.map(({ address, bytes, text }) => listed(address, bytes, text, words)),
    );
  });
}

for (const name of architectureNames.filter((one) => architectures[one].context !== undefined)) {
  test(`${name}: objdump reads what the listing of a context's code says, for every quick part`, () => {
    const { reader, words } = machines[name].disassembly;
    assert.ok(typeof reader !== 'function');
    const { registers = [], mostQuickRegisters = 0 } = architectures[name].context ?? {};
    const sets = registers.flatMap((register, index) => [
      [register],
      registers.slice(index).slice(0, mostQuickRegisters),
    ]);
    for (const quick of mostQuickRegisters === 0 ? [[]] : [[], ...sets]) {
      const lines = contextListing(quick, name);
      assert.deepEqual(
        disassemble(Uint8Array.from(lines.flatMap(({ bytes }) => [...bytes])), reader),
        lines.map(({ address, bytes, text }) => listed(address, bytes, text, words)),
        quick.join(),
      );
    }
  });
}

test('arm: the trap is one in Thumb state too, at either of its halfwords', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-disassembly-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, Uint8Array.from([...architectures.arm.trap.bytes, ...architectures.arm.trap.bytes]));
    const objdump = spawnSync('objdump', ['-D', '-b', 'binary', '-m', 'arm', '-M', 'force-thumb', file], {
      encoding: 'utf8',
    });
    const texts = [...objdump.stdout.matchAll(/^\s*[0-9a-f]+:\t[0-9a-f ]+\t(\S+)\s+(\S+)/gm)].map(
      ([, mnemonic, operand]) => `${mnemonic} ${operand}`,
    );
    // The second halfword branches to the next word, which is the first one again.
    assert.deepEqual(texts, ['udf #254', 'b.n 0x4', 'udf #254', 'b.n 0x8']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
