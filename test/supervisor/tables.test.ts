/**
 * The tables that are alive: found by what they are, kept while their creator holds them, and let go of then.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { close } from '../../src/linux/descriptor.js';
import { createMemoryFile } from '../../src/linux/memfd.js';
import { openDescriptors } from '../../src/linux/proc.js';
import { pageSize } from '../../src/linux/process.js';
import { createTable } from '../../src/object/table.js';
import { UnsealedFile } from '../../src/supervisor/sealed_file.js';
import { Tables } from '../../src/supervisor/tables.js';
import { windowFor } from '../../src/supervisor/window.js';
import type { Table } from '../../src/trampoline/table.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

const PAGE = pageSize();
const WINDOW = windowFor(1024n);
const { from } = WINDOW;
/** A process id that no process has. */
const NOBODY = 2 ** 22 - 1;

const TABLE: Table = {
  architecture: 'x86-64',
  count: 102,
  codeRegister: 'r11',
  dataRegister: 'r10',
  codeTable: 0x7000_0000_1000n,
  dataTable: 0x7000_0000_2000n,
};

/** A program with two threads that has files of tables as its descriptors 3 and up. */
async function targetWith(count: number) {
  const files = Array.from({ length: count }, () => UnsealedFile.create('x86-64', PAGE));
  const descriptors = files.map((file) => file.handOut());
  const program = new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }), [], descriptors);
  const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
  for (const descriptor of descriptors) close(descriptor);
  const tables = new Tables(WINDOW);
  for (const file of files) tables.adopt(file, createTable('x86-64', PAGE), processId);
  return { program, processId, threadId, files, tables };
}

describe('a table', () => {
  test('is found by its file, at whatever number a thread has it', async () => {
    const { program, processId, threadId, files, tables } = await targetWith(2);
    await using _ = program;
    const inode = (thread: number, descriptor: number): unknown => {
      const found = tables.find(thread, descriptor);
      return typeof found === 'object' ? found.inode : found;
    };
    assert.equal(inode(processId, 3), files[0]?.inode);
    assert.equal(inode(processId, 4), files[1]?.inode);
    assert.equal(inode(processId, 1), undefined);
    assert.equal(inode(processId, 5), undefined);
    assert.equal(inode(processId, 0xffffffff), undefined);
    await program.ask(`main dup2 3 ${from}`);
    await program.ask('main dup2 4 3');
    assert.equal(inode(processId, from), files[0]?.inode);
    assert.equal(inode(processId, 3), files[1]?.inode);
    // The other thread has its own numbers.
    assert.equal(inode(threadId, 3), files[0]?.inode);
    assert.equal(inode(threadId, from), undefined);
    await program.kill();
    assert.equal(inode(processId, 3), undefined);
  });

  test('a file of the target with the same name, of the same kind, is none', async () => {
    const own = createMemoryFile('trampfd', PAGE);
    const file = UnsealedFile.create('x86-64', PAGE);
    const tables = new Tables(WINDOW);
    tables.adopt(file, createTable('x86-64', PAGE), process.pid);
    assert.equal(tables.find(process.pid, own), undefined);
    close(own);
  });

  test('that is dropped is not found any more, and its file is let go of', async () => {
    const before = openDescriptors('self').length;
    const { program, processId, tables } = await targetWith(1);
    await using _ = program;
    const entry = tables.find(processId, 3);
    assert.ok(typeof entry === 'object');
    tables.drop(entry);
    assert.equal(tables.find(processId, 3), undefined);
    assert.equal(tables.size, 0);
    await program.kill();
    assert.ok(openDescriptors('self').length <= before);
  });
});

describe('a sweep, of tables that are not complete', () => {
  const states: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['open at the number that it was given', [], ['main close 3', 'thread close 3']],
    ['a copy at another number', [`main dup2 3 ${from}`, 'main close 3', 'thread close 3'], [`main close ${from}`]],
    ['open in a thread with descriptors of its own', ['main close 3'], ['thread close 3']],
    ['mapped', ['main map 3', 'main close 3', 'thread close 3'], ['main unmap']],
    ["in a socket's queue", ['main queue 3', 'main close 3', 'thread close 3'], ['main receive', 'main close 3']],
  ];
  for (const [state, before, after] of states) {
    test(`keeps what is still ${state}, and lets go of it then`, async () => {
      const { program, tables } = await targetWith(1);
      await using _ = program;
      const number = async (command: string): Promise<number> => Number(await program.ask(command));
      for (const command of before) assert.ok((await number(command)) >= 0, command);
      for (let times = 0; times < 2; times++) tables.sweep();
      assert.equal(tables.size, 1);
      for (const command of after) assert.ok((await number(command)) >= 0, command);
      tables.sweep();
      assert.equal(tables.size, 0);
    });
  }

  test('keeps what another process than the creator has, when the creator is gone', async () => {
    const file = UnsealedFile.create('x86-64', PAGE);
    const descriptor = file.handOut();
    await using program = new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }), [], [descriptor]);
    await program.line();
    close(descriptor);
    const tables = new Tables(WINDOW);
    tables.adopt(file, createTable('x86-64', PAGE), NOBODY);
    tables.sweep();
    assert.equal(tables.size, 1);
    await program.kill();
    tables.sweep();
    assert.equal(tables.size, 0);
  });

  test('a target that undoes the lock keeps its table while its creator has it open', async () => {
    const { program, tables } = await targetWith(1);
    await using _ = program;
    assert.equal(await program.ask('main unlock 3'), '0');
    tables.sweep();
    assert.equal(tables.size, 1);
    await program.ask('main queue 3');
    for (const who of ['main', 'thread']) assert.equal(await program.ask(`${who} close 3`), '0');
    tables.sweep();
    assert.equal(tables.size, 0);
  });

  test('happens by itself: tables that nobody holds do not pile up', () => {
    const before = openDescriptors('self').length;
    const tables = new Tables(WINDOW);
    let most = 0;
    for (let index = 0; index < 2000; index++) {
      tables.adopt(UnsealedFile.create('x86-64', PAGE), createTable('x86-64', PAGE), NOBODY);
      most = Math.max(most, tables.size);
    }
    assert.ok(most <= 128, `${most} at once`);
    tables.sweep();
    assert.equal(tables.size, 0);
    assert.equal(openDescriptors('self').length, before);
  });
});

describe('a sweep, of sealed tables', () => {
  /** The same as {@link targetWith}, with tables that the supervisor has let go of. */
  async function sealedWith(count: number) {
    const target = await targetWith(count);
    for (const index of Array.from({ length: count }).keys()) {
      const entry = target.tables.find(target.processId, 3 + index);
      assert.ok(typeof entry === 'object' && entry.kind === 'table' && entry.file !== undefined);
      entry.file.seal(TABLE);
      entry.file = undefined;
    }
    return target;
  }

  test('keeps what the creator has open at any number, and lets go of what is closed', async () => {
    const { program, processId, tables } = await sealedWith(3);
    await using _ = program;
    await program.ask(`main dup2 4 ${from}`);
    tables.sweep();
    assert.equal(tables.size, 3);
    for (const command of ['main close 3', 'thread close 3', 'main close 4', 'thread close 4']) {
      assert.equal(await program.ask(command), '0');
    }
    tables.sweep();
    assert.equal(tables.size, 2);
    assert.equal(typeof tables.find(processId, from), 'object');
    assert.equal(typeof tables.find(processId, 5), 'object');
  });

  test("keeps what only another thread's own descriptor table holds", async () => {
    const { program, processId, threadId, tables } = await sealedWith(1);
    await using _ = program;
    assert.equal(await program.ask('main close 3'), '0');
    tables.sweep();
    assert.equal(tables.size, 1);
    assert.equal(typeof tables.find(threadId, 3), 'object');
    assert.equal(tables.find(processId, 3), undefined);
    assert.equal(await program.ask('thread close 3'), '0');
    tables.sweep();
    assert.equal(tables.size, 0);
  });

  test('keeps what the creator has mapped, without any descriptor', async () => {
    const { program, tables } = await sealedWith(2);
    await using _ = program;
    assert.equal(await program.ask('main map 3'), '0');
    for (const who of ['main', 'thread']) {
      for (const number of [3, 4]) assert.equal(await program.ask(`${who} close ${number}`), '0');
    }
    tables.sweep();
    assert.equal(tables.size, 1);
    assert.equal(await program.ask('main unmap'), '0');
    tables.sweep();
    assert.equal(tables.size, 0);
  });

  test('keeps what a process holds, or has mapped, whose first thread has ended', async () => {
    const { program, tables } = await sealedWith(2);
    await using _ = program;
    assert.equal(await program.ask('thread map 4'), '0');
    assert.equal(await program.ask('thread close 4'), '0');
    await program.ask('main leave');
    tables.sweep();
    assert.equal(tables.size, 2);
  });

  test('lets go of all tables of a process that is gone, and leaves no descriptor here', async () => {
    const before = openDescriptors('self').length;
    const { program, tables } = await sealedWith(10);
    tables.sweep();
    assert.equal(tables.size, 10);
    await program.kill();
    tables.sweep();
    assert.equal(tables.size, 0);
    assert.ok(openDescriptors('self').length <= before);
  });
});
