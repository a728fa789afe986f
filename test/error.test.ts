import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrampfdError } from '../src/error.js';

test('an error carries code, system call, path, errno and cause', () => {
  const cause = new Error('below');
  const error = new TrampfdError('EACCES', 'mmap: refused', { syscall: 'mmap', path: '/x', errno: 13, cause });
  assert.equal(error.name, 'TrampfdError');
  assert.deepEqual(
    [error.code, error.syscall, error.path, error.errno, error.cause],
    ['EACCES', 'mmap', '/x', 13, cause],
  );
});

test('details that are not given are absent, not undefined', () => {
  assert.deepEqual(Object.keys(new TrampfdError('EINVAL', 'm')).sort(), ['code', 'name']);
});
