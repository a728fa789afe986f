/**
 * The file of a trampoline of version 1, against whoever has its descriptor: nobody but its maker writes to it, its code
 * never changes once it is there, and its data says the context that was set.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { FCNTL } from '../../src/abi/fcntl.js';
import { TrampfdError } from '../../src/error.js';
import { close, fcntl, open, readStart } from '../../src/linux/descriptor.js';
import { MappedFile } from '../../src/linux/mapped_file.js';
import { ContextFile } from '../../src/supervisor/context_file.js';
import { assembleContextCode, recogniseContextCode } from '../../src/trampoline/context.js';
import { recogniseContextData } from '../../src/trampoline/context_read.js';
import type { ContextTrampoline } from '../../src/trampoline/trampoline.js';
import { compileProgram } from '../programs/compile.js';

const PAGE = 4096;
const CONTEXT: ContextTrampoline = {
  registers: [{ register: 'r10', value: 0x1122_3344_5566_7788n }],
  target: 0x40_1000n,
};

/** A file and the descriptor that a target would have. */
function handedOut(): { file: ContextFile; descriptor: number } & Disposable {
  const file = ContextFile.create('x86-64', PAGE);
  const descriptor = file.handOut();
  return {
    file,
    descriptor,
    [Symbol.dispose]() {
      close(descriptor);
      file[Symbol.dispose]();
    },
  };
}

/** What the file holds. */
function contents(descriptor: number): { code: Uint8Array; data: Uint8Array } {
  const bytes = readStart(descriptor, 2 * PAGE);
  assert.ok(bytes);
  return { code: bytes.subarray(0, PAGE), data: bytes.subarray(PAGE) };
}

describe('the file of a trampoline of version 1', () => {
  test('holds traps, and calls that fault, before there is a context', () => {
    using made = handedOut();
    const { code, data } = contents(made.descriptor);
    assert.ok(code.every((byte) => byte === 0xcc));
    assert.deepEqual(recogniseContextData(data, [], 'x86-64'), { quick: false, generation: 0n });
  });

  test('gets the code of its first context, and keeps it', () => {
    using made = handedOut();
    made.file.change(CONTEXT);
    const first = contents(made.descriptor);
    assert.deepEqual(recogniseContextCode(first.code, 'x86-64'), ['r10']);
    assert.deepEqual(recogniseContextData(first.data, ['r10'], 'x86-64'), {
      context: CONTEXT,
      quick: true,
      generation: 1n,
    });

    const other = { ...CONTEXT, registers: [{ register: 'rax', value: 1n }, ...CONTEXT.registers] };
    made.file.change(other);
    const second = contents(made.descriptor);
    assert.deepEqual(second.code, first.code);
    assert.deepEqual(recogniseContextData(second.data, ['r10'], 'x86-64')?.context, other);
    made.file.change(undefined);
    assert.equal(recogniseContextData(contents(made.descriptor).data, ['r10'], 'x86-64')?.context, undefined);
    made.file.change(CONTEXT);
    assert.deepEqual(recogniseContextData(contents(made.descriptor).data, ['r10'], 'x86-64')?.quick, true);
  });

  test('gets code for any registers where it is mapped before there is a context', () => {
    using made = handedOut();
    made.file.makeCode(undefined);
    assert.deepEqual(contents(made.descriptor).code, assembleContextCode([], 'x86-64'));
    made.file.change(CONTEXT);
    assert.deepEqual(contents(made.descriptor).code, assembleContextCode([], 'x86-64'));
  });

  test('shows no value of a context, whatever is set how often', () => {
    using made = handedOut();
    const value = randomBytes(8);
    for (let round = 0; round < 100; round++) {
      const registers = [{ register: 'r10', value: value.readBigUInt64LE() }];
      made.file.change({ registers, target: value.readBigUInt64LE() });
      assert.equal(Buffer.from(contents(made.descriptor).data).includes(value), false);
    }
  });

  test('cannot be written by who has its descriptor, or opens it again, at any time', () => {
    using made = handedOut();
    const attempts = (): void => {
      const writable = open(`/proc/self/fd/${made.descriptor}`, 2);
      assert.ok(writable >= 0, 'a memfd can be opened again for writing; that is what the seals are for');
      try {
        const before = contents(made.descriptor);
        const mapping = MappedFile.map(writable, 2 * PAGE);
        assert.equal(mapping, -1, 'mmap: EPERM');
        for (const command of [
          ['pwrite', '0'],
          ['pwrite', String(PAGE)],
          ['truncate', '0'],
          ['truncate', String(3 * PAGE)],
          ['punch', '0'],
          ['remove', String(PAGE)],
        ]) {
          const done = spawnSync(compileProgram('supervisor/write_file.c'), command, {
            stdio: ['ignore', 'pipe', 'inherit', writable],
            encoding: 'utf8',
          });
          assert.equal(done.stdout, 'EPERM\n', command.join(' '));
        }
        assert.deepEqual(contents(made.descriptor), before);
      } finally {
        close(writable);
      }
    };
    attempts();
    made.file.change(CONTEXT);
    attempts();
  });

  test('gets its code all the same where somebody has made the seals final before', () => {
    using made = handedOut();
    // Who opens it for writing may add seals, this one among them.
    const writable = open(`/proc/self/fd/${made.descriptor}`, 2);
    assert.equal(fcntl(writable, FCNTL.F_ADD_SEALS, FCNTL.F_SEAL_SEAL), 0);
    close(writable);
    made.file.change(CONTEXT);
    assert.deepEqual(recogniseContextCode(contents(made.descriptor).code, 'x86-64'), ['r10']);
  });

  test('is known to live while its descriptor does', () => {
    const made = handedOut();
    assert.equal(made.file.isHandedOut(), true);
    close(made.descriptor);
    assert.equal(made.file.isHandedOut(), false);
    made.file[Symbol.dispose]();
  });

  test('refuses what is no context, and the last one still counts', () => {
    using made = handedOut();
    made.file.change(CONTEXT);
    const before = contents(made.descriptor);
    assert.throws(() => made.file.change({ registers: [], target: 0n }), TrampfdError);
    assert.deepEqual(contents(made.descriptor), before);
  });
});
