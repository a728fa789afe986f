/**
 * What /proc says of processes and threads.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { close, fileIdentity, fileIdentityOf } from '../../src/linux/descriptor.js';
import { MappedFile } from '../../src/linux/mapped_file.js';
import { mappedInodes, mappings } from '../../src/linux/maps.js';
import { createMemoryFile } from '../../src/linux/memfd.js';
import {
  commandName,
  hasEnded,
  openDescriptors,
  processOf,
  threadsOf,
  tracedBy,
  tracerOf,
} from '../../src/linux/proc.js';
import { isThreadOf } from '../../src/linux/signal.js';
import { patience } from '../patience.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

const threads = (): string => compileProgram('linux/threads.c', { flags: ['-pthread'] });
const NOBODY = 2 ** 22 - 1;

test('what a thread traces is found by its id', async () => {
  await using program = new Dialogue(threads());
  const [processId = 0] = (await program.line()).split(' ').map(Number);
  const tracer = spawn('strace', ['-o', '/dev/null', '-p', String(processId)], { stdio: 'ignore' });
  try {
    const until = performance.now() + patience(20_000);
    while (tracerOf(processId) === 0 && performance.now() < until) await new Promise((wake) => setTimeout(wake, 10));
    assert.deepEqual(tracedBy(tracer.pid ?? 0), [processId]);
    assert.deepEqual(tracedBy(process.pid), []);
  } finally {
    tracer.kill('SIGKILL');
  }
});

describe('a process and its threads', () => {
  test('every thread belongs to its process, also when the first one has ended', async () => {
    await using program = new Dialogue(threads());
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    assert.notEqual(processId, threadId);
    assert.equal(processId, program.processId);
    assert.deepEqual([...threadsOf(processId)].sort(), [processId, threadId].sort());
    for (let times = 0; times < 2; times++) {
      assert.equal(processOf(threadId), processId);
      assert.equal(processOf(processId), processId);
      assert.equal(isThreadOf(processId, threadId), true);
      assert.equal(isThreadOf(process.pid, threadId), false);
      assert.equal(isThreadOf(threadId, threadId), false);
      if (times === 0) assert.equal(await program.ask('main leave'), '0');
    }
  });

  test('its descriptors are those of each thread', async () => {
    await using program = new Dialogue(threads());
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    assert.equal(await program.ask('thread dup2 1 200'), '200');
    assert.ok(openDescriptors(threadId).includes(200));
    assert.ok(!openDescriptors(processId).includes(200));
    assert.ok(openDescriptors('self').includes(0));
  });

  test('of what is gone there is nothing', async () => {
    const program = new Dialogue(threads());
    const [processId = 0, threadId = 0] = (await program.line()).split(' ').map(Number);
    await program.kill();
    for (const id of [processId, threadId, NOBODY]) {
      assert.equal(processOf(id), undefined);
      assert.equal(commandName(id), '');
      assert.equal(mappings(id), undefined);
      assert.equal(mappedInodes(id, 1), undefined);
      assert.deepEqual(threadsOf(id), []);
      assert.deepEqual(openDescriptors(id), []);
      assert.equal(isThreadOf(id, id), false);
      assert.equal(hasEnded(id), true);
    }
  });
});

describe('names and mappings', () => {
  test('a mapped file has the identity that statx(2) gives it', () => {
    const file = createMemoryFile('identity', 4096);
    const mapping = MappedFile.map(file, 4096);
    assert.ok(typeof mapping !== 'number');
    const line = mappings(process.pid)?.find(({ name }) => name.includes('memfd:identity'));
    assert.deepEqual({ inode: line?.inode, device: line?.device }, fileIdentityOf(file));
    mapping[Symbol.dispose]();
    close(file);
    const library = mappings(process.pid)?.find(({ name }) => /\/libc[.-]/.test(name));
    assert.deepEqual({ inode: library?.inode, device: library?.device }, fileIdentity(library?.name ?? ''));
  });

  test('the mapped inodes of a device are those of its lines', () => {
    const file = createMemoryFile('inodes', 4096);
    const identity = fileIdentityOf(file);
    assert.ok(typeof identity !== 'number');
    const has = (device: number): boolean => mappedInodes(process.pid, device)?.has(identity.inode) ?? false;
    assert.equal(has(identity.device), false);
    const mapping = MappedFile.map(file, 4096);
    assert.ok(typeof mapping !== 'number');
    assert.equal(has(identity.device), true);
    assert.equal(has(identity.device + 2 ** 32), false);
    const devices = new Set((mappings(process.pid) ?? []).map(({ device }) => device));
    assert.ok(devices.size > 2);
    for (const device of devices) {
      const inodes = (mappings(process.pid) ?? []).filter((line) => line.device === device && line.name !== '');
      const named = inodes.filter(({ inode }) => inode !== 0n).map(({ inode }) => inode);
      for (const inode of named) assert.ok(mappedInodes(process.pid, device)?.has(inode), `${device} ${inode}`);
    }
    mapping[Symbol.dispose]();
    assert.equal(has(identity.device), false);
    close(file);
  });

  test('the name of a program', async () => {
    const program = threads();
    await using running = new Dialogue(program);
    await running.line();
    assert.equal(commandName(running.processId), program.slice(program.lastIndexOf('/') + 1).slice(0, 15));
  });

  test('every line of maps is taken apart and can be put together again', async () => {
    await using program = new Dialogue(compileProgram('linux/pages.c'));
    const [first = '0', size = '0'] = (await program.line()).split(' ');
    const lines = mappings(program.processId) ?? [];
    const text = readFileSync(`/proc/${program.processId}/maps`, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.text),
      text,
    );
    const untouchable = lines.find(({ start }) => start === BigInt(first) + BigInt(size));
    assert.equal(untouchable?.permissions, '---p');
    assert.equal(untouchable?.end, BigInt(first) + 2n * BigInt(size));
    assert.equal(untouchable?.name, '');
    assert.equal(untouchable?.inode, 0n);
    assert.ok(lines.some(({ name }) => name === '[stack]'));
    for (const { start, end, permissions, text: line } of lines) {
      assert.ok(start < end);
      assert.match(permissions, /^[r-][w-][x-][ps]$/);
      assert.ok(line.startsWith(`${start.toString(16).padStart(8, '0')}-${end.toString(16).padStart(8, '0')} `));
    }
  });

  test('a file name with spaces, a line break and more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trampfd-maps-'));
    try {
      mkdirSync(join(folder, 'a folder'));
      const odd = join(folder, 'a folder', 'x 12 r-xp\nname ');
      copyFileSync(compileProgram('linux/pages.c'), odd);
      await using program = new Dialogue(odd);
      await program.line();
      const lines = mappings(program.processId)?.filter(({ name }) => name.startsWith(folder)) ?? [];
      assert.ok(lines.length >= 2);
      // The kernel writes a line break as \012.
      for (const { name } of lines) assert.equal(name.trimEnd(), odd.replace('\n', '\\012').trimEnd());
      assert.ok(lines.some(({ permissions }) => permissions === 'r-xp'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
