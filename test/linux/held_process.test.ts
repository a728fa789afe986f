/**
 * A held process: makes the calls that it is told to, becomes a program, and leaves nothing behind in who holds it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { close, copyDescriptor, openPidfd } from '../../src/linux/descriptor.js';
import { HeldProcess } from '../../src/linux/held_process.js';
import { allocate, allocateString, allocateStrings } from '../../src/linux/libc.js';
import { readMemory } from '../../src/linux/memory.js';
import { hasEnded, openDescriptors } from '../../src/linux/proc.js';
import { nextChildChange } from '../../src/linux/wait.js';

const { ENOENT, EBADF } = errnoNumbers;

function hold(): HeldProcess {
  const held = HeldProcess.start(0);
  assert.ok(typeof held !== 'number');
  return held;
}

/** What of this process's state a held one could change. */
function state(): string {
  const status = readFileSync('/proc/thread-self/status', 'latin1');
  return (status.match(/^(?:Sig(?!Q)\w+|NoNewPrivs|Seccomp|Umask|Cap\w+):.*$/gm) ?? []).join('\n');
}

/** Lets a program that a held process has become run to its end, and gives its status. */
function statusOf(held: HeldProcess): number {
  held.release();
  for (;;) {
    const change = nextChildChange(held.processId);
    if (change?.kind === 'exited') return change.status;
    if (change?.kind === 'killed') return 128 + change.signal;
  }
}

describe('a held process', () => {
  test('makes calls one after the other, whatever their results, with its own process id', () => {
    using held = hold();
    const results = held.callAll([
      { call: 'close', arguments: [100_000] },
      { call: 'dup3', arguments: [0, 77, 0] },
      { call: 'close', arguments: [77] },
      { call: 'close', arguments: [77] },
      { call: 'openat', arguments: [-100, 0, 0] },
    ]);
    assert.deepEqual(results.slice(0, 4), [BigInt(-EBADF), 77n, 0n, BigInt(-EBADF)]);
    assert.ok((results[4] ?? 0n) < 0n);
    assert.deepEqual(held.callAll([]), []);
    assert.equal(held.call('close', 100_000), BigInt(-EBADF));
    assert.notEqual(held.processId, process.pid);
  });

  test('goes through more calls than a list has room for', () => {
    using held = hold();
    const calls = Array.from({ length: 40_000 }, (_, index) => ({
      call: 'dup3' as const,
      arguments: [0, index % 3 === 0 ? 60 + (index % 20) : 0, 0],
    }));
    const results = held.callAll(calls);
    assert.equal(results.length, calls.length);
    for (const [index, result] of results.entries()) {
      assert.equal(result, index % 3 === 0 ? BigInt(60 + (index % 20)) : BigInt(-errnoNumbers.EINVAL));
    }
  });

  test('makes a few calls many times, with other values each time', () => {
    using held = hold();
    const times = 20_000;
    const results = held.callRepeatedly(
      [
        { call: 'dup3', arguments: [0, 50, 0] },
        { call: 'close', arguments: [50] },
      ],
      times,
      (time, put) => {
        const number = BigInt(50 + (time % 40));
        put(0, 1, number);
        // Every seventh is left open.
        put(1, 0, time % 7 === 0 ? 100_000n : number);
      },
    );
    assert.equal(results.length, 2 * times);
    for (let time = 0; time < times; time++) {
      assert.equal(results[2 * time], 50 + (time % 40));
      assert.equal(results[2 * time + 1], time % 7 === 0 ? -EBADF : 0);
    }
    // What is not put is as it was given: the values of one time are not those of the next.
    const again = held.callRepeatedly([{ call: 'dup3', arguments: [0, 45, 0] }], 3, (time, put) => {
      if (time === 1) put(0, 1, 46n);
    });
    assert.deepEqual([...again], [45, 46, 45]);
    assert.deepEqual([...held.callRepeatedly([{ call: 'close', arguments: [45] }], 0, () => undefined)], []);
  });

  test('finds what was allocated before, and has memory of its own', () => {
    const memory = allocate(16);
    memory.bytes.fill(7);
    using held = hold();
    held.write(memory.address, Uint8Array.of(1, 2, 3));
    assert.deepEqual(readMemory(held.processId, memory.address, 4), Uint8Array.of(1, 2, 3, 7));
    assert.deepEqual([...memory.bytes.subarray(0, 4)], [7, 7, 7, 7]);
  });

  test('becomes a program at last, where a path before was none', () => {
    const paths = ['/nowhere', '/usr', '/bin/sh'].map((path) => allocateString(path));
    const words = allocateStrings(['sh', '-c', 'exit "$STATUS"']);
    const environment = allocateStrings(['STATUS=9']);
    const held = hold();
    const results = paths.map(({ address }) => held.execute(address, words.address, environment.address, 0n));
    assert.deepEqual(results, [-ENOENT, -errnoNumbers.EACCES, 0]);
    assert.equal(statusOf(held), 9);
  });

  test('makes calls after an execution that has failed', () => {
    const path = allocateString('/nowhere');
    const words = allocateStrings(['nowhere']);
    using held = hold();
    for (let times = 0; times < 3; times++) {
      assert.equal(held.execute(path.address, words.address, words.address, 0n), -ENOENT);
      assert.equal(held.call('dup3', 0, 60 + times, 0), BigInt(60 + times));
    }
  });

  test('gives its program the blocked signals that it is told to', () => {
    const path = allocateString('/bin/grep');
    const words = allocateStrings(['grep', '-q', '^SigBlk:\t0000000000004002$', '/proc/self/status']);
    const environment = allocateStrings([]);
    for (const [blocked, status] of [
      [0x4002n, 0],
      [0n, 1],
    ] as const) {
      const held = hold();
      assert.equal(held.execute(path.address, words.address, environment.address, blocked), 0);
      assert.equal(statusOf(held), status);
    }
  });

  test('is ended where it was not let go, and is a child no more', () => {
    const held = hold();
    const { processId } = held;
    assert.equal(hasEnded(processId), false);
    held[Symbol.dispose]();
    assert.equal(hasEnded(processId), true);
    assert.throws(() => readFileSync(`/proc/${processId}/stat`), { code: 'ENOENT' });
    held[Symbol.dispose]();
    assert.throws(() => held.write(0n, Uint8Array.of(1)), { code: 'ERR_TRAMPFD_HELD' });
    assert.throws(() => held.call('close', 0), { code: 'ERR_TRAMPFD_HELD' });
  });

  test('shares its descriptors with nobody: a copy of one can be had', () => {
    using held = hold();
    const number = Number(held.call('dup3', 0, 88, 0));
    const pidfd = openPidfd(held.processId);
    const copy = copyDescriptor(pidfd, number);
    assert.ok(copy >= 0);
    for (const descriptor of [copy, pidfd]) close(descriptor);
    assert.ok(!openDescriptors('self').includes(88));
  });

  test('changes nothing of who holds it: signals, privileges, descriptors', () => {
    const before = state();
    const descriptors = openDescriptors('self').length;
    assert.match(before, /^SigBlk:/m);
    for (let times = 0; times < 5; times++) {
      using held = hold();
      held.call('prctl', 38, 1, 0, 0, 0);
      assert.match(readFileSync(`/proc/${held.processId}/status`, 'latin1'), /^NoNewPrivs:\t1$/m);
    }
    assert.equal(state(), before);
    assert.equal(openDescriptors('self').length, descriptors);
  });

  test('is not had where the kernel refuses its flags: the error is given', () => {
    const CLONE_THREAD = 0x10000;
    assert.equal(HeldProcess.start(CLONE_THREAD), -errnoNumbers.EINVAL, 'without CLONE_SIGHAND the kernel gives none');
  });
});
