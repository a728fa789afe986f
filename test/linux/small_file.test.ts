/** What another program may have put in the place of a file of ours: it is looked at, and nobody is waited for. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readSmallFile } from '../../src/linux/small_file.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-small-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const LONGEST = 2 ** 20;

/** Makes each kind at a path. */
const KINDS: Readonly<Record<string, (path: string) => void>> = {
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
  'a link to a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a link to a file': (path) => symlinkSync('/etc/passwd', path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a folder': (path) => mkdirSync(path),
  'a file of 600 MB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 600 * 2 ** 20);
  },
  'a file that is a byte too long': (path) => writeFileSync(path, Buffer.alloc(LONGEST + 1)),
  nothing: () => undefined,
};

describe('a small file that is', () => {
  for (const [index, [kind, make]] of Object.entries(KINDS).entries()) {
    test(`${kind} is not read`, () => {
      const path = join(folder, `${index}`);
      make(path);
      const start = Date.now();
      assert.throws(() => readSmallFile(path, LONGEST));
      assert.ok(Date.now() - start < 5000);
    });
  }

  test('a socket is not read', async () => {
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    assert.throws(() => readSmallFile(path, LONGEST));
    server.close();
  });

  // Only root gives files away.
  if (process.geteuid?.() === 0) {
    test('a file of another user is not read', () => {
      const path = join(folder, 'foreign');
      writeFileSync(path, 'text');
      chownSync(path, 1234, 1234);
      assert.throws(() => readSmallFile(path, LONGEST));
    });
  }

  test('as long as it may be is read whole, byte for byte', () => {
    const path = join(folder, 'whole');
    const bytes = Buffer.alloc(LONGEST).map((_, index) => index);
    writeFileSync(path, bytes);
    assert.ok(Buffer.from(readSmallFile(path, LONGEST), 'latin1').equals(bytes));
  });

  test('growing while it is read is given up', async () => {
    const path = join(folder, 'growing');
    writeFileSync(path, '');
    const writer = spawn('sh', ['-c', 'exec cat /dev/zero >"$0"', path]);
    try {
      let read = 0;
      const end = Date.now() + 10_000;
      for (;;) {
        try {
          read = readSmallFile(path, LONGEST).length;
          if (Date.now() > end) break;
        } catch {
          break;
        }
      }
      assert.ok(read <= LONGEST);
    } finally {
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
  });
});
