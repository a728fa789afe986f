/** Calls that are made in a process beside this one, and what becomes of those that take long. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoNumbers } from '../../src/abi/errno.js';
import { AT_FDCWD, FCNTL } from '../../src/abi/fcntl.js';
import type { ApartProcess } from '../../src/linux/apart.js';
import { ApartSession, type Demand, giveFiles, makeApart } from '../../src/linux/apart_pool.js';
import { readHanded, writeByFile, writeHanded } from '../../src/linux/handed_memory.js';
import { Attempt, isTooMany, Late, promptly } from '../../src/linux/late_call.js';
import { mappings } from '../../src/linux/maps.js';
import { readMemory, writeMemory } from '../../src/linux/memory.js';
import { childrenOf } from '../../src/linux/proc.js';
import { askServed } from '../../src/linux/served.js';
import { patience } from '../patience.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-apart-'));
const children: ChildProcess[] = [];
let fifos = 0;

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process to be read: it sleeps. */
function sleeper(): number {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(child);
  return child.pid ?? 0;
}

function apartProcesses(): readonly number[] {
  return childrenOf(process.pid).filter((id) => /\(trampfd-apart\)/.test(readFileSync(`/proc/${id}/stat`, 'latin1')));
}

function opening(path: string, threadId: number): Demand<number> {
  return {
    key: () => `opening ${path}`,
    threadId,
    calls(apart: ApartProcess) {
      apart.data.set(Buffer.from(`${path}\0`));
      const flags = FCNTL.O_RDONLY | FCNTL.O_CLOEXEC;
      return [
        { call: 'openat', arguments: [AT_FDCWD, apart.dataAddress, flags, 0] },
        { call: 'close_range', arguments: [0, 0xffffffff, 0] },
      ];
    },
    collect: (apart) => apart.result(0),
  };
}

/** A pipe with a name that nobody writes to: who opens it waits until somebody does. */
function makeFifo(): { readonly path: string; readonly end: () => void } {
  const path = join(folder, `fifo-${fifos++}`);
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return { path, end: () => closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)) };
}

async function untilReady(attempt: Attempt): Promise<void> {
  for (const until = Date.now() + patience(10_000); !attempt.isReady; await sleep(1)) assert.ok(Date.now() < until);
}

describe('a call made apart', () => {
  test('gives its result, and its error number', () => {
    assert.equal(makeApart(opening('/dev/null', process.pid)), 0);
    assert.equal(makeApart(opening('/nowhere', process.pid)), -errnoNumbers.ENOENT);
  });

  test('is made by a process that holds nothing of this one', () => {
    const [id] = apartProcesses();
    assert.deepEqual(readdirSync(`/proc/${id}/fd`), []);
    assert.equal(readlinkSync(`/proc/${id}/cwd`), '/');
    const [, group, session] = /\) . \d+ (\d+) (\d+) /.exec(readFileSync(`/proc/${id}/stat`, 'latin1')) ?? [];
    assert.deepEqual([group, session], [String(id), String(id)]);
  });

  test('is made by another process where that one was ended', () => {
    for (const id of apartProcesses()) process.kill(id, 'SIGKILL');
    assert.equal(makeApart(opening('/dev/null', process.pid)), 0);
  });
});

describe('a call that takes long', () => {
  test('is thrown, and its result is there when it is done; others are made meanwhile', async () => {
    const fifo = makeFifo();
    const attempt = new Attempt();
    let tries = 0;
    const trial = (): number =>
      attempt.run(() => {
        tries += 1;
        return makeApart(opening(fifo.path, sleeper()));
      });
    assert.throws(trial, Late);
    assert.equal(attempt.isReady, false);
    assert.equal(makeApart(opening('/dev/null', process.pid)), 0);
    fifo.end();
    await untilReady(attempt);
    // Nobody would open it now: this is what came of it.
    assert.equal(trial(), 0);
    assert.equal(tries, 2);
  });

  test('is made anew where its process was ended meanwhile', async () => {
    const fifo = makeFifo();
    const attempt = new Attempt();
    const known = apartProcesses();
    const threadId = sleeper();
    assert.throws(() => attempt.run(() => makeApart(opening(fifo.path, threadId))), Late);
    for (const id of new Set([...known, ...apartProcesses()])) process.kill(id, 'SIGKILL');
    await untilReady(attempt);
    assert.throws(() => attempt.run(() => makeApart(opening(fifo.path, threadId))), Late);
    attempt.forget();
  });

  test('can be done without', () => {
    assert.equal(
      promptly<number | string>(() => makeApart(opening(makeFifo().path, sleeper())), 'nothing'),
      'nothing',
    );
  });

  test('is one of two of a process; a third is refused, and not of another process', () => {
    const threadId = sleeper();
    const attempts = [new Attempt(), new Attempt()];
    for (const attempt of attempts) {
      assert.throws(() => attempt.run(() => makeApart(opening(makeFifo().path, threadId))), Late);
    }
    assert.throws(() => makeApart(opening(makeFifo().path, threadId)), isTooMany);
    const other = new Attempt();
    assert.throws(() => other.run(() => makeApart(opening(makeFifo().path, sleeper()))), Late);
    for (const attempt of [...attempts, other]) attempt.forget();
  });

  test('is of a bounded number, and leaves no process when it is not wanted any more', async () => {
    const attempts: Attempt[] = [];
    for (let tries = 0; tries < 100; tries++) {
      const attempt = new Attempt();
      attempts.push(attempt);
      assert.throws(
        () => attempt.run(() => makeApart(opening(makeFifo().path, sleeper()))),
        (error) => error instanceof Late || isTooMany(error),
      );
    }
    assert.ok(apartProcesses().length < 80);
    for (const attempt of attempts) attempt.forget();
    for (const until = Date.now() + patience(10_000); apartProcesses().length > 8; await sleep(10)) {
      // Their ends are taken when processes are needed.
      promptly(() => makeApart(opening(makeFifo().path, process.pid)), undefined);
      assert.ok(Date.now() < until, `${apartProcesses().length} are left`);
    }
  });
});

test('a session keeps what it opens until its end', () => {
  const opened = (session: ApartSession): number =>
    session.make(
      'opening',
      (apart) => {
        apart.data.set(Buffer.from('/dev/null\0'));
        return [{ call: 'openat', arguments: [AT_FDCWD, apart.dataAddress, 0, 0] }];
      },
      (apart) => apart.result(0),
    );
  {
    using session = new ApartSession(process.pid);
    assert.deepEqual([opened(session), opened(session)], [0, 1]);
  }
  using session = new ApartSession(process.pid);
  assert.equal(opened(session), 0);
});

describe('memory of another process', () => {
  let threadId = 0;
  let writable = 0n;
  let constant = 0n;

  before(async () => {
    askServed(() => true);
    threadId = sleeper();
    for (const until = Date.now() + patience(10_000); ; await sleep(5)) {
      const lines = mappings(threadId) ?? [];
      const [stack, code] = [
        lines.find(({ name }) => name === '[stack]'),
        lines.find(({ name, permissions }) => name.endsWith('/sleep') && permissions === 'r-xp'),
      ];
      assert.ok(Date.now() < until);
      if (stack === undefined || code === undefined) continue;
      [writable, constant] = [stack.end - 4096n, code.start];
      break;
    }
  });
  after(() => askServed(() => false));

  for (const [way, read, write] of [
    ['read and written apart', readMemory, writeMemory],
    [
      'through a file that is handed over',
      readHanded,
      (id: number, at: bigint, bytes: Uint8Array) => writeHanded(id, at, bytes) === bytes.length,
    ],
  ] as const) {
    test(`${way} is what it is`, () => {
      if (read === readHanded) giveFiles();
      if (read === readHanded) {
        // Before it is said that the program could do so itself: under strict it could not, and might have code in its place.
        assert.equal(writeHanded(threadId, writable, Buffer.alloc(16)), -errnoNumbers.EPERM);
        writeByFile();
      }
      const bytes = Buffer.from(`bytes of a test, ${way}`);
      assert.ok(write(threadId, writable, bytes));
      const found = read(threadId, writable, bytes.length);
      assert.ok(typeof found === 'object');
      assert.deepEqual(Buffer.from(found), bytes);
    });

    test(`${way} is not written where the program may not write`, () => {
      const before = read(threadId, constant, 16);
      assert.equal(write(threadId, constant, Buffer.alloc(16, 0xcc)), false);
      assert.ok(typeof before === 'object');
      assert.deepEqual(read(threadId, constant, 16), before);
    });

    test(`${way} is none where nothing is mapped`, () => {
      assert.ok([undefined, -errnoNumbers.EFAULT].includes(read(threadId, 4096n, 16) as number | undefined));
      assert.equal(write(threadId, 4096n, Buffer.alloc(16)), false);
    });
  }
});
