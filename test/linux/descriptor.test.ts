/**
 * Descriptors of our own and of others: identity, position, copies.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { FCNTL } from '../../src/abi/fcntl.js';
import {
  close,
  copyDescriptor,
  descriptorPath,
  fcntl,
  fileIdentity,
  fileIdentityOf,
  filePosition,
  fileSizeOf,
  open,
  openPidfd,
  PIDFD_THREAD,
  readAt,
  readStart,
  sharesDescriptors,
} from '../../src/linux/descriptor.js';
import { MappedFile } from '../../src/linux/mapped_file.js';
import { createMemoryFile } from '../../src/linux/memfd.js';
import { openDescriptors } from '../../src/linux/proc.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-descriptor-'));
const path = join(folder, 'file');
writeFileSync(path, '0123456789');
after(() => rmSync(folder, { recursive: true, force: true }));

const { EBADF, EINVAL, ENOENT, ESRCH } = errnoNumbers;
const NOBODY = 2 ** 22 - 1;

const threads = (descriptors: readonly number[]): Dialogue =>
  new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }), [], descriptors);

describe('identity of a file', () => {
  test('is the same for copies and for every way to open it, and another for every other file', () => {
    const one = createMemoryFile('one', 4096);
    const other = createMemoryFile('one', 4096);
    const copy = fcntl(one, FCNTL.F_DUPFD_CLOEXEC, 0);
    const reopened = open(`/proc/self/fd/${one}`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    const identity = fileIdentityOf(one);
    assert.ok(typeof identity !== 'number');
    assert.deepEqual(fileIdentityOf(copy), identity);
    assert.deepEqual(fileIdentityOf(reopened), identity);
    const second = fileIdentityOf(other);
    assert.ok(typeof second !== 'number');
    assert.notEqual(second.inode, identity.inode);
    assert.equal(second.device, identity.device);
    for (const descriptor of [one, other, copy, reopened]) assert.equal(close(descriptor), 0);
    const closed = fileIdentityOf(one);
    assert.ok(closed === -ENOENT || closed === -EBADF);
  });

  test('is what stat(2) says', () => {
    const { ino, dev } = statSync(path, { bigint: true });
    const identity = fileIdentity(path);
    assert.ok(typeof identity !== 'number');
    assert.equal(identity.inode, ino);
    // makedev(3): 12 low bits of the major number from bit 8, 8 low bits of the minor, then the rest of it.
    const major = Math.floor(identity.device / 2 ** 32);
    const minor = identity.device % 2 ** 32;
    assert.equal(BigInt((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)), dev);
  });

  test('a path that is not there is ENOENT', () => {
    assert.equal(fileIdentity(join(folder, 'nothing')), -ENOENT);
    assert.equal(fileIdentity(descriptorPath(process.pid, 100_000)), -ENOENT);
    assert.equal(fileIdentity(descriptorPath(NOBODY, 0)), -ENOENT);
  });
});

describe('our own descriptors', () => {
  test('errors are negated error numbers', () => {
    assert.equal(close(100_000), -EBADF);
    assert.equal(fcntl(100_000, FCNTL.F_GETFD, 0), -EBADF);
    assert.equal(open(join(folder, 'nothing'), FCNTL.O_RDONLY), -ENOENT);
  });

  test('the start is read whatever the position is, and wholly or not at all', () => {
    const file = open(path, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    for (let times = 0; times < 2; times++) assert.deepEqual(readStart(file, 4), Uint8Array.from(Buffer.from('0123')));
    assert.equal(readStart(file, 11), undefined);
    close(file);
    assert.equal(readStart(file, 4), undefined);
  });

  test('any part is read, of any length, wholly or not at all; and the size is known', () => {
    const file = createMemoryFile('parts', 200_000);
    assert.equal(fileSizeOf(file), 200_000);
    assert.equal(fileSizeOf(100_000), -EBADF);
    const mapping = MappedFile.map(file, 200_000);
    assert.ok(typeof mapping !== 'number');
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 7) ^ (index >> 8));
    mapping.write(bytes);
    mapping[Symbol.dispose]();
    for (const [offset, length] of [
      [0, 200_000],
      [0, 65_536],
      [1, 65_537],
      [65_535, 131_073],
      [199_999, 1],
      [7, 0],
    ] as const) {
      assert.deepEqual(readAt(file, offset, length), bytes.subarray(offset, offset + length));
    }
    for (const [offset, length] of [
      [0, 200_001],
      [200_000, 1],
      [65_536, 150_000],
    ] as const) {
      assert.equal(readAt(file, offset, length), undefined);
    }
    close(file);
  });

  test('what was read once is not changed by the next read', () => {
    const file = open(path, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    const first = readStart(file, 10);
    const link = open('/proc/self/cmdline', FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    readStart(link, 4);
    assert.equal(Buffer.from(first ?? []).toString(), '0123456789');
    close(file);
    close(link);
  });
});

describe('descriptors of others', () => {
  test('the file position, also in a thread with a descriptor table of its own', async () => {
    const file = createMemoryFile('positions', 4096);
    await using program = threads([file]);
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    assert.equal(filePosition(processId, 3), 0n);
    await program.ask('main seek 3 7');
    assert.equal(filePosition(processId, 3), 7n);
    await program.ask('main seek 3 9007199254740993');
    assert.equal(filePosition(processId, 3), 9007199254740993n);
    assert.equal(await program.ask('main close 3'), '0');
    assert.equal(filePosition(processId, 3), -ENOENT);
    // The thread has the same open file still.
    assert.equal(filePosition(threadId, 3), 9007199254740993n);
    assert.equal(filePosition(NOBODY, 3), -ENOENT);
    close(file);
  });

  test('a copy is of the same open file: the position is shared', async () => {
    const file = open(path, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    await using program = threads([file]);
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    close(file);
    const pidfd = openPidfd(processId);
    assert.ok(pidfd >= 0);
    const copy = copyDescriptor(pidfd, 3);
    assert.ok(copy >= 0);
    assert.equal(fcntl(copy, FCNTL.F_GETFD, 0), FCNTL.FD_CLOEXEC);
    await program.ask('main seek 3 5');
    assert.equal(filePosition(process.pid, copy), 5n);
    assert.deepEqual(fileIdentityOf(copy), fileIdentity(path));
    assert.equal(copyDescriptor(pidfd, 99), -EBADF);
    close(copy);
    close(pidfd);
    assert.equal(copyDescriptor(pidfd, 3), -EBADF);

    // Of a thread's own table, where the kernel can open a thread (Linux 6.9).
    assert.equal(await program.ask('thread dup2 3 40'), '40');
    const thread = openPidfd(threadId, PIDFD_THREAD);
    if (thread === -EINVAL) return;
    const own = copyDescriptor(thread, 40);
    assert.deepEqual(fileIdentityOf(own), fileIdentity(path));
    close(own);
    close(thread);
  });

  test('whether two threads share them', async () => {
    await using program = threads([]);
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    assert.equal(sharesDescriptors(processId, processId), true);
    assert.equal(sharesDescriptors(processId, threadId), false);
    assert.equal(sharesDescriptors(processId, process.pid), false);
    assert.equal(sharesDescriptors(processId, NOBODY), false);
    for (const own of readdirSync('/proc/self/task').map(Number))
      assert.equal(sharesDescriptors(process.pid, own), true);
  });

  test('a process that is not there cannot be opened', () => {
    assert.equal(openPidfd(NOBODY), -ESRCH);
  });

  test('nothing of all this leaves a descriptor open', () => {
    const before = openDescriptors('self').length;
    for (let times = 0; times < 100; times++) {
      filePosition(process.pid, 0);
      filePosition(process.pid, 100_000);
      fileIdentityOf(0);
      close(copyDescriptor(-1, 0));
      openPidfd(NOBODY);
    }
    assert.equal(openDescriptors('self').length, before);
  });
});
