/**
 * Files of a start that a run may have made something else: named pipes that nobody writes to, links, devices, files without
 * end, folders. A start waits for none of them; it does without, or says in one sentence what is wrong.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, Running, run, SharedFolder } from './command.js';

/** Makes each kind at a path, as the user of the run could. */
const KINDS: Readonly<Record<string, (path: string) => void>> = {
  'a named pipe': (path) => execFileSync('mkfifo', ['-m', '666', path]),
  'a link to a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a link to nothing': (path) => symlinkSync('/nonexistent', path),
  'a folder': (path) => mkdirSync(path),
  'a file of 600 MB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 600 * 2 ** 20);
    chmodSync(path, 0o666);
  },
};

let command = '';
const home = mkdtempSync(join(tmpdir(), 'trampfd-home-'));
chmodSync(home, 0o777);
const installed = new SharedFolder();
before(() => {
  command = copyCommand(installed.path);
});
after(() => {
  rmSync(home, { recursive: true, force: true });
  installed[Symbol.dispose]();
});

/** Starts a program as an ordinary user with a home of its own. */
function start(options: readonly string[]): Ended {
  const PATH = `${join(installed.path, 'node')}:/usr/bin:/bin`;
  const words = [...asOrdinaryUser, command, 'run', ...options, '--', 'echo', 'ran'];
  return run(words, { env: { PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache') }, cwd: '/' });
}

const CACHE = join('cache', 'trampfd', 'executables.json');

describe('the listing of executable files that is', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${kind} is done without`, () => {
      for (const place of [CACHE, dirname(CACHE), dirname(dirname(CACHE))]) {
        rmSync(join(home, 'cache'), { recursive: true, force: true });
        mkdirSync(dirname(join(home, place)), { recursive: true, mode: 0o777 });
        for (const folder of [dirname(join(home, place)), join(home, 'cache')]) {
          if (place !== 'cache') chmodSync(folder, 0o777);
        }
        make(join(home, place));
        const { status, output, errors } = start(['--policy', 'strict']);
        assert.deepEqual([status, output], [0, 'ran\n'], `${place}: ${errors}`);
      }
      rmSync(join(home, 'cache'), { recursive: true, force: true });
    });
  }
});

describe('the policy file that is', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${kind} is refused in one sentence`, () => {
      const path = join(home, 'policy.json');
      make(path);
      const { status, output, errors } = start(['--policy-file', path]);
      rmSync(path, { recursive: true });
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: \S+policy\.json: the policy file cannot be read \(E[A-Z]+\); [^\n]+\n$/);
    });
  }

  const text = '{ "programs": { "echo": { "policy": "off" } } }';

  test('a link of its user to a file, or what a shell gives as a descriptor, is read', () => {
    const path = join(home, 'linked.json');
    writeFileSync(join(home, 'real.json'), text);
    symlinkSync('real.json', path);
    assert.deepEqual(start(['--policy-file', path]).output, 'ran\n');
    const script = `"$@" --policy-file <(sleep 0.3; echo '${text}') -- echo ran`;
    const words = ['bash', '-c', script, 'bash', command, 'run'];
    const { output, errors } = run(words);
    assert.deepEqual([output, errors], ['ran\n', '']);
  });
});

describe('the log that is', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${kind} is written or refused, and nobody is waited for`, () => {
      const path = join(home, 'log');
      make(path);
      const { status, output, errors } = start(['--log', path]);
      rmSync(path, { recursive: true });
      if (kind === 'a file of 600 MB') assert.deepEqual([status, output, errors], [0, 'ran\n', '']);
      else assert.match(errors, /^trampfd: \S+log: the log cannot be written \(E[A-Z]+\); [^\n]+\n$/);
    });
  }
});

describe('a start that waits for somebody', () => {
  test('is ended by the signals that end a process', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const pipe = join(home, `pipe-${signal}`);
      execFileSync('mkfifo', ['-m', '666', pipe]);
      // The writer is there, and writes nothing.
      const words = [
        'bash',
        '-c',
        `exec 5<>"$0"; exec "$@"`,
        pipe,
        command,
        'run',
        '--policy-file',
        '/dev/fd/5',
        '--',
        'echo',
      ];
      await using running = new Running(words);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const sent = Date.now();
      running.signal(signal);
      const ended = await running.ended;
      assert.deepEqual([ended.signal, running.errors], [signal, '']);
      assert.ok(Date.now() - sent < 10_000);
    }
  });
});
