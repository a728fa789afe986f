/**
 * Statuses of wait(2), as the C library's macros make and read them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { signalName, signalNumbers } from '../../src/linux/signal.js';
import { decodeStatus } from '../../src/linux/wait.js';

describe('a status of wait(2)', () => {
  test('every exit status', () => {
    for (let status = 0; status < 256; status++) {
      assert.deepEqual(decodeStatus(7, status << 8), { kind: 'exited', processId: 7, status });
    }
  });
  test('every signal, with and without a core file', () => {
    for (let signal = 1; signal <= 64; signal++) {
      assert.deepEqual(decodeStatus(7, signal), { kind: 'killed', processId: 7, signal });
      assert.deepEqual(decodeStatus(7, signal | 0x80), { kind: 'killed', processId: 7, signal });
    }
  });
  test('every stop', () => {
    for (let signal = 1; signal <= 64; signal++) {
      assert.deepEqual(decodeStatus(7, (signal << 8) | 0x7f), { kind: 'stopped', processId: 7, signal });
    }
  });
  test('every stop between a tracer and its tracee', () => {
    for (const status of [(128 << 16) | (5 << 8) | 0x7f, (128 << 16) | (19 << 8) | 0x7f, (0x85 << 8) | 0x7f]) {
      assert.deepEqual(decodeStatus(7, status), { kind: 'traced', processId: 7 });
    }
  });
  test('continued', () => {
    assert.deepEqual(decodeStatus(7, 0xffff), { kind: 'continued', processId: 7 });
  });
});

describe('names of signals', () => {
  test('lead to their numbers and back', () => {
    for (const number of new Set(Object.values(signalNumbers))) assert.equal(signalNumbers[signalName(number)], number);
    assert.equal(signalName(9), 'SIGKILL');
    assert.equal(signalName(40), 'signal 40');
  });
});
