/**
 * A lock says whether an open file lives: whoever has it, and however.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FCNTL } from '../../src/abi/fcntl.js';
import { close, fcntl, open } from '../../src/linux/descriptor.js';
import { isHeldElsewhere, lock } from '../../src/linux/lock.js';
import { MappedFile } from '../../src/linux/mapped_file.js';
import { createMemoryFile } from '../../src/linux/memfd.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

/** A file of ours, and another open file of it that is locked. */
function locked(): { readonly file: number; readonly given: number } {
  const file = createMemoryFile('locked', 4096);
  const given = open(`/proc/self/fd/${file}`, 2 | FCNTL.O_CLOEXEC);
  assert.equal(lock(given), 0);
  return { file, given };
}

describe('an open file that was locked', () => {
  test('is held elsewhere until it is closed, however often that is asked', () => {
    const { file, given } = locked();
    for (let times = 0; times < 3; times++) assert.equal(isHeldElsewhere(file), true);
    close(given);
    for (let times = 0; times < 3; times++) assert.equal(isHeldElsewhere(file), false);
    // To ask leaves no lock behind.
    const another = open(`/proc/self/fd/${file}`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    assert.equal(lock(another), 0);
    assert.equal(isHeldElsewhere(file), true);
    close(another);
    close(file);
  });

  test('lives on in a copy, and in a mapping', () => {
    const { file, given } = locked();
    const copy = fcntl(given, FCNTL.F_DUPFD_CLOEXEC, 0);
    close(given);
    assert.equal(isHeldElsewhere(file), true);
    const mapping = MappedFile.map(copy, 4096);
    assert.ok(typeof mapping !== 'number');
    close(copy);
    assert.equal(isHeldElsewhere(file), true);
    mapping[Symbol.dispose]();
    assert.equal(isHeldElsewhere(file), false);
    close(file);
  });

  test("lives on in another process, in a socket's queue, and ends with the process", async () => {
    const { file, given } = locked();
    const program = new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }), [], [given]);
    await program.line();
    close(given);
    assert.equal(isHeldElsewhere(file), true);
    await program.ask('main queue 3');
    for (const who of ['main', 'thread']) assert.equal(await program.ask(`${who} close 3`), '0');
    assert.equal(isHeldElsewhere(file), true);
    await program.kill();
    assert.equal(isHeldElsewhere(file), false);
    close(file);
  });

  test('is not the file: opened again, it has no part in the lock', () => {
    const { file, given } = locked();
    const again = open(`/proc/self/fd/${given}`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    close(given);
    assert.equal(isHeldElsewhere(file), false);
    close(again);
    close(file);
  });

  test('is taken to be gone when whoever has it unlocks it', async () => {
    const { file, given } = locked();
    await using program = new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }), [], [given]);
    await program.line();
    close(given);
    assert.equal(await program.ask('main unlock 3'), '0');
    assert.equal(isHeldElsewhere(file), false);
    close(file);
  });
});
