/**
 * Memory of other processes, and mappings of files of ours.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FCNTL } from '../../src/abi/fcntl.js';
import { close, readAt, readStart } from '../../src/linux/descriptor.js';
import { MappedFile } from '../../src/linux/mapped_file.js';
import { mappings } from '../../src/linux/maps.js';
import { addSeals, createMemoryFile, growMemoryFile } from '../../src/linux/memfd.js';
import { readMemory, writeMemory } from '../../src/linux/memory.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

async function pages(): Promise<{ program: Dialogue; first: bigint; size: number }> {
  const program = new Dialogue(compileProgram('linux/pages.c'));
  const [first = '0', size = '0'] = (await program.line()).split(' ');
  return { program, first: BigInt(first), size: Number(size) };
}

describe('memory of another process', () => {
  test('is read up to the last byte of a page, and not beyond', async () => {
    const { program, first, size } = await pages();
    await using _ = program;
    const read = (offset: number, length: number): Uint8Array | undefined =>
      readMemory(program.processId, first + BigInt(offset), length);
    assert.deepEqual(
      read(0, 16),
      Uint8Array.from({ length: 16 }, (__, index) => index),
    );
    assert.deepEqual(
      read(size - 16, 16),
      Uint8Array.from({ length: 16 }, (__, index) => 0xf0 + index),
    );
    assert.equal(read(0, size)?.length, size);
    // One byte too far, across the edge, all beyond it, and nowhere at all.
    assert.equal(read(size - 15, 16), undefined);
    assert.equal(read(size - 1, 2), undefined);
    assert.equal(read(size, 16), undefined);
    assert.equal(readMemory(program.processId, 0n, 16), undefined);
    assert.equal(readMemory(program.processId, 1n, 1), undefined);
    for (const address of [2n ** 47n, 2n ** 63n, 2n ** 64n - 8n]) {
      assert.equal(readMemory(program.processId, address, 16), undefined);
    }
    assert.throws(() => read(0, 4097), RangeError);
  });

  test('what was read is a copy that nothing changes any more', async () => {
    const { program, first, size } = await pages();
    await using _ = program;
    const one = readMemory(program.processId, first, 16);
    assert.ok(writeMemory(program.processId, first, new Uint8Array(16).fill(0x55)));
    readMemory(program.processId, first + BigInt(size - 32), 32);
    assert.deepEqual(
      one,
      Uint8Array.from({ length: 16 }, (__, index) => index),
    );
  });

  test('is written up to the last byte of a page, and not beyond', async () => {
    const { program, first, size } = await pages();
    await using _ = program;
    const write = (offset: number, bytes: Uint8Array): boolean =>
      writeMemory(program.processId, first + BigInt(offset), bytes);
    assert.equal(write(size - 16, new Uint8Array(16).fill(0xaa)), true);
    assert.equal(await program.ask('show'), 'e0e1e2e3e4e5e6e7e8e9eaebecedeeef'.concat('aa'.repeat(16)));
    assert.equal(write(size, new Uint8Array(16)), false);
    assert.equal(write(size - 8, new Uint8Array(16)), false);
    assert.equal(writeMemory(program.processId, 0n, new Uint8Array(16)), false);
    assert.throws(() => write(0, new Uint8Array(4097)), RangeError);
  });

  test('what cannot be written by the process itself is not written for it', async () => {
    const { program } = await pages();
    await using _ = program;
    const text = mappings(program.processId)?.find(({ permissions }) => permissions === 'r-xp');
    assert.ok(text !== undefined);
    const before = readMemory(program.processId, text.start, 64);
    assert.ok(before !== undefined);
    assert.equal(writeMemory(program.processId, text.start, new Uint8Array(16).fill(0xcc)), false);
    assert.deepEqual(readMemory(program.processId, text.start, 64), before);
  });

  test('a process that is gone has none', async () => {
    const { program, first } = await pages();
    await program.kill();
    assert.equal(readMemory(program.processId, first, 16), undefined);
    assert.equal(writeMemory(program.processId, first, new Uint8Array(16)), false);
  });
});

describe('a mapping of a file', () => {
  test('what is written to it is in the file', () => {
    const file = createMemoryFile('mapped', 4096);
    const mapping = MappedFile.map(file, 4096);
    assert.ok(typeof mapping !== 'number');
    mapping.write(Uint8Array.from([1, 2, 3]));
    assert.deepEqual(readStart(file, 4), Uint8Array.from([1, 2, 3, 0]));
    mapping[Symbol.dispose]();
    mapping[Symbol.dispose]();
    close(file);
  });

  test('after it is gone, or beyond its end, nothing is written', () => {
    const file = createMemoryFile('mapped', 4096);
    const mapping = MappedFile.map(file, 4096);
    assert.ok(typeof mapping !== 'number');
    assert.throws(() => mapping.write(new Uint8Array(4097)), RangeError);
    mapping[Symbol.dispose]();
    assert.throws(() => mapping.write(Uint8Array.from([1])), RangeError);
    assert.deepEqual(readStart(file, 1), Uint8Array.from([0]));
    close(file);
  });

  test('is made longer, also where no new one may be: sealed against writing that begins now', () => {
    const file = createMemoryFile('longer', 4096);
    const mapping = MappedFile.map(file, 4096);
    assert.ok(typeof mapping !== 'number');
    mapping.write(Uint8Array.from([1, 2, 3]));
    assert.equal(addSeals(file, FCNTL.F_SEAL_FUTURE_WRITE), 0);
    assert.equal(MappedFile.map(file, 4096), -1);
    assert.ok(mapping.grow(2 ** 50) < 0);
    assert.equal(mapping.length, 4096);
    assert.equal(mapping.grow(1_000_000), 0);
    assert.equal(mapping.length, 1_000_000);
    assert.equal(growMemoryFile(file, 1_000_000), 0);
    mapping.write(Uint8Array.from([4, 5]), 999_998);
    assert.throws(() => mapping.write(Uint8Array.from([6, 7]), 999_999), RangeError);
    assert.throws(() => mapping.write(Uint8Array.from([6]), -1), RangeError);
    assert.deepEqual(readAt(file, 0, 4), Uint8Array.from([1, 2, 3, 0]));
    assert.deepEqual(readAt(file, 999_997, 3), Uint8Array.from([0, 4, 5]));
    mapping[Symbol.dispose]();
    assert.throws(() => mapping.grow(2_000_000), RangeError);
    assert.equal(mappings(process.pid)?.filter(({ name }) => name.includes('memfd:longer')).length, 0);
    close(file);
  });

  test('a file that is not open is EBADF', () => {
    assert.equal(MappedFile.map(100_000, 4096), -9);
  });

  test('a thousand of them leave no mapping behind', () => {
    const file = createMemoryFile('counted', 4096);
    const count = (): number =>
      mappings(process.pid)?.filter(({ name }) => name.includes('memfd:counted')).length ?? -1;
    for (let times = 0; times < 1000; times++) {
      const mapping = MappedFile.map(file, 4096);
      assert.ok(typeof mapping !== 'number');
      if (times === 0) assert.equal(count(), 1);
      mapping[Symbol.dispose]();
    }
    assert.equal(count(), 0);
    close(file);
  });
});
