/**
 * A running program that answers lines with lines.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program with which a test talks over its standard input and output. */
export class Dialogue implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  /** @param descriptors - what the program has as descriptors 3 and up */
  constructor(command: string, args: readonly string[] = [], descriptors: readonly number[] = []) {
    const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', ...descriptors];
    this.#child = spawn(command, args, { stdio });
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** Its process id. */
  get processId(): number {
    const { pid } = this.#child;
    assert.ok(pid !== undefined);
    return pid;
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    assert.ok(done !== true, 'the program ended early');
    return value;
  }

  /** Sends a line; the line that answers it. */
  async ask(command: string): Promise<string> {
    this.#child.stdin?.write(`${command}\n`);
    return this.line();
  }

  /** Kills it, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Ends its input, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
