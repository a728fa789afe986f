/**
 * Fields of what /proc tells, beside text that a program has chosen.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fieldOf, statusField, statusOf } from '../../src/linux/status.js';

describe('a field', () => {
  const text = 'Name:\tsh\nUmask:\t0022\nUid:\t1\t2\t3\t4\nNothing:\t\nflags:   02\nLast:\t7';

  test('is what stands behind its name in a line', () => {
    assert.deepEqual(
      ['Name', 'Umask', 'Uid', 'Nothing', 'flags', 'Last'].map((name) => fieldOf(text, name)),
      ['sh', '0022', '1\t2\t3\t4', '', '02', '7'],
    );
  });

  test('is not there under another name, or in the middle of a line', () => {
    for (const name of ['mask', 'Na', 'name', 'sh', '']) assert.equal(fieldOf(text, name), undefined, name);
    assert.equal(fieldOf('', 'Name'), undefined);
  });

  test('is never a part of a name that a program has chosen, which the kernel prints with newlines escaped', () => {
    for (const end of ['\r', '\v', '\f', '\x85', '\u2028', '\u2029', '\t', ' ', '\\n']) {
      assert.equal(fieldOf(`Name:\ta${end}Tgid:\t1\nTgid:\t2\n`, 'Tgid'), '2', JSON.stringify(end));
      assert.equal(fieldOf(`Name:\ta${end}Tgid:\t1\n`, 'Tgid'), undefined, JSON.stringify(end));
    }
  });
});

describe('the status of a process', () => {
  test('has the fields of its file', () => {
    assert.equal(statusField('self', 'Tgid'), String(process.pid));
    assert.equal(statusField(process.pid, 'PPid'), String(process.ppid));
    assert.equal(statusField('self', 'Nonsense'), undefined);
    assert.equal(fieldOf(statusOf('self') ?? '', 'Name'), readFileSync('/proc/self/comm', 'latin1').trimEnd());
  });

  test('has none where it is gone', () => {
    assert.equal(statusOf(2 ** 22 - 1), undefined);
    assert.equal(statusField(2 ** 22 - 1, 'Tgid'), undefined);
  });
});
