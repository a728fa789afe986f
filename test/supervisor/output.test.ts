/** Lines for people: kept where there is no room for them, within a bound, in order, and counted where they are lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { errnoNumbers } from '../../src/abi/errno.js';
import { Output } from '../../src/supervisor/output.js';
import { outputMemory } from '../../src/supervisor/output_memory.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-output-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const lostLine = (lines: number): string => `lost ${lines}`;
let pipes = 0;

/** A named pipe of which this process has both ends. */
class Pipe implements Disposable {
  readonly #reader: number;
  readonly writer: number;

  constructor() {
    pipes += 1;
    const path = join(folder, `pipe-${pipes}`);
    execFileSync('mkfifo', [path]);
    this.#reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(path, 'w');
  }

  /** Fills it to the last byte; gives how much that took. */
  fill(): number {
    const filling = openSync(`/proc/self/fd/${this.writer}`, constants.O_WRONLY | constants.O_NONBLOCK);
    let filled = 0;
    for (const size of [4096, 1]) {
      try {
        for (;;) filled += writeSync(filling, Buffer.alloc(size, '-'));
      } catch {
        // It is full.
      }
    }
    closeSync(filling);
    return filled;
  }

  /** Reads so many bytes, or all. */
  read(most = 2 ** 20): string {
    const bytes = Buffer.alloc(most);
    let at = 0;
    try {
      for (let count = 1; count > 0 && at < most; at += count)
        count = readSync(this.#reader, bytes, at, most - at, null);
    } catch {
      // It is empty.
    }
    return bytes.toString('latin1', 0, at);
  }

  [Symbol.dispose](): void {
    closeSync(this.#reader);
    closeSync(this.writer);
  }
}

const never = (): void => assert.fail('there was nobody to wait for');

describe('an output', () => {
  test('of a pipe with room is written at once', () => {
    using pipe = new Pipe();
    const output = new Output(pipe.writer, outputMemory(64), lostLine);
    for (const line of ['one', 'two']) output.write(line);
    output.drain(never);
    assert.deepEqual([pipe.read(), output.lost], ['one\ntwo\n', 0]);
  });

  test('keeps lines of a full pipe, again and again, across the end of its memory', () => {
    using pipe = new Pipe();
    const output = new Output(pipe.writer, outputMemory(64), lostLine);
    for (let time = 0; time < 20; time += 1) {
      const filled = pipe.fill();
      const lines = [`first ${time}`, `second ${time}`, `third ${time}`];
      for (const line of lines) output.write(line);
      assert.equal(output.flush(), false);
      assert.equal(pipe.read(filled).length, filled);
      assert.equal(output.flush(), true);
      assert.equal(pipe.read(), `${lines.join('\n')}\n`);
    }
    assert.equal(output.lost, 0);
  });

  test('loses what there is no room for, and tells that before the next line', () => {
    using pipe = new Pipe();
    const output = new Output(pipe.writer, outputMemory(64), lostLine);
    const filled = pipe.fill();
    for (let line = 0; line < 10; line += 1) output.write(`line number ${line}`);
    assert.deepEqual([output.lost, output.errno], [6, errnoNumbers.EAGAIN]);
    pipe.read(filled);
    output.write('after');
    assert.equal(pipe.read(), `${[0, 1, 2, 3].map((line) => `line number ${line}\n`).join('')}lost 6\nafter\n`);
    output.drain(never);
    assert.equal(pipe.read(), '');
  });

  test('gives up a reader that does not read, and does not wait for it for long', () => {
    using pipe = new Pipe();
    const output = new Output(pipe.writer, outputMemory(64), lostLine);
    pipe.fill();
    output.write('kept');
    let waited = 0;
    const start = Date.now();
    output.drain(() => {
      waited += 1;
    });
    assert.deepEqual([output.lost, waited > 0, Date.now() - start < 10_000], [1, true, true]);
  });

  test('of a full device counts, with the reason', () => {
    const full = openSync('/dev/full', 'w');
    const output = new Output(full, outputMemory(64), lostLine);
    for (const line of ['one', 'two', 'three']) output.write(line);
    output.drain(never);
    assert.deepEqual([output.lost, output.errno], [3, errnoNumbers.ENOSPC]);
    closeSync(full);
  });

  test('leaves the flags of the open file as they are, for others have it too', () => {
    using pipe = new Pipe();
    const flags = (): string =>
      readFileSync(`/proc/self/fdinfo/${pipe.writer}`, 'latin1').match(/flags:\s*(\d+)/)?.[1] ?? '';
    const before = flags();
    new Output(pipe.writer, outputMemory(64), lostLine).write('line');
    assert.equal(flags(), before);
  });

  test('takes whole lines of many threads', async () => {
    const path = join(folder, 'threads');
    const descriptor = openSync(path, 'a');
    const memory = outputMemory(4096);
    const module = new URL('../../src/supervisor/output.js', import.meta.url).href;
    const work = `
      const { workerData: { descriptor, memory, module, name } } = require('node:worker_threads');
      import(module).then(({ Output }) => {
        const output = new Output(descriptor, memory, String);
        for (let line = 0; line < 300; line += 1) output.write(name.repeat(50) + line);
      });`;
    const names = ['a', 'b', 'c', 'd'];
    const ends = names.map((name) => {
      const worker = new Worker(work, {
        eval: true,
        workerData: { descriptor, memory, module, name },
        trackUnmanagedFds: false,
      });
      return new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    });
    await Promise.all(ends);
    closeSync(descriptor);
    const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
    assert.equal(lines.length, 1200);
    for (const name of names) {
      const own = lines.filter((line) => line.startsWith(name));
      assert.deepEqual(
        own,
        Array.from({ length: 300 }, (_, line) => `${name.repeat(50)}${line}`),
      );
    }
  });
});
