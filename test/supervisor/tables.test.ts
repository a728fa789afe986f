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
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

const PAGE = pageSize();
const WINDOW = windowFor(1024n);
const { from } = WINDOW;

/** A program with two threads that has files of tables as its descriptors 3 and up. */
async function targetWith(count: number) {
  const files = Array.from({ length: count }, () => UnsealedFile.create('x86-64', PAGE));
  const descriptors = files.map((file) => file.openForReading());
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

describe('a sweep', () => {
  test('keeps what the creator has open in the window, and lets go of what is closed', async () => {
    const { program, processId, tables } = await targetWith(3);
    await using _ = program;
    for (const index of [0, 1, 2]) await program.ask(`main dup2 ${3 + index} ${from + index}`);
    tables.sweep();
    assert.equal(tables.size, 3);
    await program.ask(`main close ${from + 1}`);
    // The other thread took its copy of the numbers before these were given.
    tables.sweep();
    assert.equal(tables.size, 2);
    assert.equal(typeof tables.find(processId, from), 'object');
    assert.equal(tables.find(processId, 4), undefined);
    assert.equal(typeof tables.find(processId, from + 2), 'object');
  });

  test("keeps what only another thread's own descriptor table holds", async () => {
    const { program, processId, threadId, tables } = await targetWith(1);
    await using _ = program;
    await program.ask(`thread dup2 3 ${from + 5}`);
    for (const number of [3]) await program.ask(`main close ${number}`);
    tables.sweep();
    assert.equal(tables.size, 1);
    assert.equal(typeof tables.find(threadId, from + 5), 'object');
    assert.equal(tables.find(processId, from + 5), undefined);
    await program.ask(`thread close ${from + 5}`);
    tables.sweep();
    assert.equal(tables.size, 0);
  });

  test('keeps what a process holds whose first thread has ended', async () => {
    const { program, tables } = await targetWith(1);
    await using _ = program;
    await program.ask(`thread dup2 3 ${from + 5}`);
    await program.ask('main leave');
    tables.sweep();
    assert.equal(tables.size, 1);
  });

  test('lets go of all tables of a process that is gone, and leaves no descriptor here', async () => {
    const before = openDescriptors('self').length;
    const { program, tables } = await targetWith(10);
    for (let index = 0; index < 10; index++) await program.ask(`main dup2 ${3 + index} ${from + index}`);
    tables.sweep();
    assert.equal(tables.size, 10);
    await program.kill();
    tables.sweep();
    assert.equal(tables.size, 0);
    assert.ok(openDescriptors('self').length <= before);
  });

  test('happens by itself: tables that nobody holds do not pile up', () => {
    const before = openDescriptors('self').length;
    const tables = new Tables(WINDOW);
    let most = 0;
    for (let index = 0; index < 2000; index++) {
      tables.adopt(UnsealedFile.create('x86-64', PAGE), createTable('x86-64', PAGE), process.pid);
      most = Math.max(most, tables.size);
    }
    assert.ok(most <= 128, `${most} at once`);
    tables.sweep();
    assert.equal(tables.size, 0);
    assert.equal(openDescriptors('self').length, before);
  });
});
