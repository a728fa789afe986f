/**
 * What is kept of compiling the command's files (build.mjs): it is taken where it is of the very text and of this Node.js,
 * and nothing depends on it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { copyCommand, run, SharedFolder } from './command.js';

const FILES = ['trampfd', 'receive', 'trace'] as const;
const code = fileURLToPath(new URL('../../bin/code', import.meta.url));

for (const file of FILES) {
  test(`what is kept of ${file} is taken`, () => {
    const source = readFileSync(join(code, `${file}.cjs`));
    const kept = readFileSync(join(code, `${file}.cache`));
    const end = kept.length - source.length;
    assert.ok(kept.subarray(end).equals(source), 'of this text');
    assert.equal(
      new Script(source.toString('latin1'), { cachedData: kept.subarray(0, end) }).cachedDataRejected,
      false,
    );
  });
}

describe('the command works', () => {
  const ways: readonly (readonly [string, (cache: string) => void])[] = [
    ['without what was kept', (cache) => rmSync(cache)],
    ['with nothing in it', (cache) => truncateSync(cache)],
    ['with a part of it', (cache) => truncateSync(cache, readFileSync(cache).length >> 1)],
    [
      'with that of another version',
      (cache) => {
        const bytes = readFileSync(cache);
        // The version is the second word of what V8 keeps (code-serializer.h: SerializedCodeData).
        bytes.writeUInt32LE(bytes.readUInt32LE(4) ^ 1, 4);
        writeFileSync(cache, bytes);
      },
    ],
  ];
  for (const [how, change] of ways) {
    test(how, () => {
      using folder = new SharedFolder();
      const command = copyCommand(folder.path);
      for (const file of FILES) change(join(folder.path, 'dist', 'bin', 'code', `${file}.cache`));
      const { status, output, errors } = run([command, 'run', '--', 'echo', 'started']);
      assert.deepEqual([status, output, errors], [0, 'started\n', '']);
    });
  }

  test('as its text says, where that was changed since', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const path = join(folder.path, 'dist', 'bin', 'code', 'trampfd.cjs');
    writeFileSync(path, readFileSync(path, 'latin1').replace('usage: trampfd', 'USAGE: trampfd'), 'latin1');
    assert.match(run([command, '--help']).output, /^USAGE: /);
  });
});
