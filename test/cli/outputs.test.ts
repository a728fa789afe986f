/**
 * Standard error and a log that cannot be written, or that nobody reads: a run starts, goes on and ends as it does otherwise, and
 * what was lost is said where it can be.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { program, Running, run, SharedFolder, trampfd } from './command.js';

const POLICIES = ['log', 'wx', 'strict'];
const flood = program('flood');

/** A named pipe that is full, and whose reader, this process, does not read until it is told to. */
class FullPipe implements Disposable {
  readonly path: string;
  readonly #folder = new SharedFolder();
  readonly #reader: number;
  /** For a program to inherit. */
  readonly writer: number;

  constructor(isFull = true) {
    this.path = join(this.#folder.path, 'pipe');
    execFileSync('mkfifo', [this.path]);
    this.#reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(this.path, 'w');
    if (isFull) this.#fill();
  }

  #fill(): void {
    const filling = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      for (const piece of [4096, 1]) {
        for (;;) writeSync(filling, Buffer.alloc(piece, '-'));
      }
    } catch {
      // It is full.
    } finally {
      closeSync(filling);
    }
  }

  /** What is in it. */
  read(): string {
    const parts: Buffer[] = [];
    const buffer = Buffer.alloc(65_536);
    try {
      for (;;) {
        const count = readSync(this.#reader, buffer);
        if (count === 0) break;
        parts.push(Buffer.from(buffer.subarray(0, count)));
      }
    } catch {
      // It is empty.
    }
    return Buffer.concat(parts).toString();
  }

  [Symbol.dispose](): void {
    closeSync(this.#reader);
    closeSync(this.writer);
    this.#folder[Symbol.dispose]();
  }
}

/** Programs, and the status that each ends with. */
const ENDS: readonly (readonly [readonly string[], number])[] = [
  [[flood, '3'], 7],
  [['sh', '-c', 'kill -TERM $$'], 143],
  [['/nonexistent/program'], 127],
  [['/etc/passwd'], 126],
];

/** Standard errors that cannot be written, as a shell's redirections. */
const BROKEN: Readonly<Record<string, string>> = {
  'a full disk': '2>/dev/full',
  'nothing, for it is closed': '2>&-',
  'a file that is open for reading': '2</dev/null',
  'a pipe whose reader has ended': '2>&9',
};

describe('a run whose standard error is', () => {
  for (const [name, redirection] of Object.entries(BROKEN)) {
    test(`${name} ends as any other`, () => {
      for (const policy of POLICIES) {
        for (const [words, expected] of ENDS) {
          const script = `{ "$@" ${redirection}; echo "$?" >&8; } 8>&1 9>&1 >/dev/null`;
          const piped = `{ trap '' PIPE; sleep 0.2; { "$@" 2>&1 >/dev/null; echo "$?" >&8; } | true; } 8>&1`;
          const command = ['sh', '-c', redirection === '2>&9' ? piped : script, 'sh'];
          const { output } = run([...command, trampfd, 'run', '--policy', policy, '--', ...words]);
          assert.equal(output, `${expected}\n`, `${policy} ${words.join(' ')}`);
        }
      }
    });
  }

  test('a full pipe that nobody reads ends as any other', async () => {
    for (const policy of POLICIES) {
      for (const [words, expected] of ENDS) {
        using pipe = new FullPipe();
        const command = [trampfd, 'run', '--policy', policy, '--', ...words];
        await using running = new Running(command, { stdio: ['ignore', 'pipe', pipe.writer] });
        const { status, signal } = await running.ended;
        assert.equal(signal === 'SIGTERM' ? 143 : status, expected, `${policy} ${words.join(' ')}`);
      }
    }
  });

  test('a socket that nobody reads ends as any other', async () => {
    // More than a socket and what waits for room take.
    await using running = new Running([
      'sh',
      '-c',
      'exec "$@" 3>&2',
      'sh',
      trampfd,
      'run',
      '--policy',
      'log',
      '--',
      flood,
      '3000',
    ]);
    running.child.stderr?.pause();
    await running.until(/done/);
    running.child.stderr?.resume();
    assert.equal((await running.ended).status, 7);
  });

  test('a full pipe that is read in the end gets all that there is room for, and how much there was none for', async () => {
    using pipe = new FullPipe();
    const command = [trampfd, 'run', '--policy', 'log', '--', 'sh', '-c', `${flood} 1000; read line; exit 5`];
    await using running = new Running(command, { stdio: ['pipe', 'pipe', pipe.writer] });
    await running.until(/done/);
    let text = pipe.read();
    running.type('\n');
    const { status } = await running.ended;
    text += pipe.read();
    assert.equal(status, 5);
    const lines = text.replace(/^-+/, '').trimEnd().split('\n');
    const said = lines.filter((line) => /^trampfd: flood[-\w]*\[\d+\]: .*mmap\(/.test(line));
    const lost = lines.flatMap((line) => /^trampfd: (\d+) lines before this one were lost$/.exec(line)?.[1] ?? []);
    assert.ok(said.length > 50, `${said.length}`);
    assert.equal(said.length + lost.reduce((sum, count) => sum + Number(count), 0), 1000);
    assert.equal(said.length + lost.length, lines.length);
  });
});

describe('a log', () => {
  test('that nobody reads stops nothing, and the end says how many events were lost', async () => {
    for (const policy of POLICIES) {
      using pipe = new FullPipe(false);
      const { status, output, errors } = run([
        trampfd,
        'run',
        '--policy',
        policy,
        '--log',
        pipe.path,
        '--',
        flood,
        '4000',
      ]);
      assert.deepEqual([status, output], [7, 'done\n'], errors);
      const lines = pipe.read().split('\n');
      const lost = /^trampfd: (\d+) events of this run have not come into the log: its reader does not read/.exec(
        errors,
      )?.[1];
      const whole = lines.slice(0, -1).map((line) => JSON.parse(line) as { readonly event: string });
      assert.equal(whole[0]?.event === 'started' || whole.some(({ event }) => event === 'started'), true);
      assert.ok(Number(lost) > 100, errors);
      if (policy === 'log') assert.equal(whole.length + Number(lost), 4001);
    }
  });

  test('whose reader comes late has every event, in order', async () => {
    using pipe = new FullPipe(false);
    const script = `${flood} 500; read line`;
    await using running = new Running([
      trampfd,
      'run',
      '--policy',
      'log',
      '--log',
      pipe.path,
      '--',
      'sh',
      '-c',
      script,
    ]);
    await running.until(/done/);
    let text = pipe.read();
    running.type('\n');
    const end = running.ended;
    for (let over = false; !over; text += pipe.read()) {
      over = await Promise.race([
        end.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 10, false)),
      ]);
    }
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly event: string }).event);
    assert.equal(events.filter((event) => event === 'would-refuse').length, 500);
    assert.equal(running.errors, '');
  });

  test('that a disk has no room for loses events, which the end says', () => {
    const { status, errors } = run([trampfd, 'run', '--policy', 'log', '--log', '/dev/full', '--', flood, '20']);
    assert.equal(status, 7);
    assert.match(
      errors,
      /^trampfd: 21 events of this run have not come into the log: the disk is full \(ENOSPC\); .*\n$/,
    );
  });

  test('that becomes longer than a file may be loses events, and the program gets no signal of that', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    const script = `ulimit -f 8; exec "$@"`;
    const words = [trampfd, 'run', '--policy', 'log', '--log', log, '--', flood, '200'];
    const { status, output, errors } = run(['sh', '-c', script, 'sh', ...words]);
    assert.deepEqual([status, output], [7, 'done\n'], errors);
    const lines = readFileSync(log, 'utf8').split('\n').length;
    assert.ok(
      errors === '' ? lines > 200 : /events of this run have not come into the log: it cannot be written/.test(errors),
    );
  });

  test('that is a descriptor of a pipe whose reader has ended is no reason to wait', () => {
    using folder = new SharedFolder();
    const anonymous = `trap '' PIPE; { sleep 0.2; "$@" 3>&1 >&2; echo "$?" >&2; } | true`;
    const named = `trap '' PIPE; mkfifo "$0"; : <"$0" & exec 3>"$0"; wait; "$@" >&2; echo "$?" >&2`;
    for (const script of [anonymous, named]) {
      const words = [trampfd, 'run', '--log', '/dev/fd/3', '--', 'echo', 'ran'];
      const { errors } = run(['bash', '-c', script, join(folder.path, 'fifo'), ...words]);
      assert.match(
        errors,
        /^ran\ntrampfd: 1 event of this run has not come into the log: its reader has ended .*\n0\n$/,
      );
    }
  });
});
