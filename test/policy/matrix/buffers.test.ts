/** What kernels answer stands in the table of buffers, each in its column. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../programs/compile.js';
import { bufferCell, bufferKinds, withBuffers } from './buffers.js';
import type { Result } from './outcome.js';

const page = readFileSync(join(root, 'docs', 'system-calls.md'), 'utf8');

function result(variant: string, outcome: string): Result {
  return { width: 'x86-64', program: 'row-28-rings', variant, outcome };
}

const all = [...bufferKinds].map((kind) => result(`${kind}-twice`, 'EPERM'));

test('bytes that ran come first, and what a kernel has not is not there', () => {
  const results = [result('bpf-mprotect', 'EACCES'), result('bpf-twice', 'EXEC'), result('udmabuf-twice', 'ENOENT')];
  assert.equal(bufferCell('bpf', results), 'EXEC, EACCES');
  assert.equal(bufferCell('udmabuf', results), 'not there');
  assert.throws(() => bufferCell('aio', results), /nothing of aio was tried/);
});

test('a kernel that stands in the table is written anew, the others stay', () => {
  const written = withBuffers(page, '6.12', all);
  assert.match(written, /^\| ring of AF_PACKET \| root \| EXEC \| EPERM \| /m);
  assert.equal(withBuffers(written, '6.12', all), written);
});

test('another kernel gets a column at its place', () => {
  const head = withBuffers(page, '6.2', all)
    .split('\n')
    .find((line) => line.startsWith('| descriptor | who'));
  assert.match(head ?? '', /\| 6\.1 \| 6\.2 \| 6\.12 \|/);
});

test('each attempt of the row is of a kind that the table has', () => {
  const source = readFileSync(join(root, 'test', 'programs', 'wx', 'row-28-rings.c'), 'utf8');
  const names = [...source.matchAll(/\{"([a-z_]+)(?:-[a-z-]+)?", /g)].map(([, name = '']) => name);
  assert.ok(names.length >= bufferKinds.size);
  assert.deepEqual([...new Set(names)].sort(), [...bufferKinds].sort());
});
