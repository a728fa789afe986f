/**
 * What the supervisor writes lines to for people, standard error or a log: never waited for, so that nobody can stop a run by
 * not reading. What cannot be written at once is kept, up to a bound, and written when there is room; what is lost is
 * counted, and told when something can be written again. All threads write to it in turn.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { findWriteWay, WRITE_WAY, type WriteWay, writeNow } from '../linux/write_now.js';
import { OUTPUT_HEADER, OUTPUT_HEADER_BYTES, type OutputMemory } from './output_memory.js';

/** How long a thread waits for another that writes, in milliseconds: a file on a device that hangs takes as long as it takes. */
const TURN = 200;

/** How long the end of a run waits for a reader that takes nothing, and for one that takes something, in milliseconds. */
const STANDSTILL = 500;
const LONGEST_DRAIN = 5000;
const BETWEEN_LOOKS = 5;
const LINE_END = 0x0a;

/** Waits, in any thread. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** See the module. */
export class Output {
  readonly #descriptor: number;
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #kept: Uint8Array<SharedArrayBuffer>;
  readonly #lostLine: (lines: number) => string;

  /**
   * @param memory - what threads share about it
   * @param lostLine - what is written in place of lines that were lost
   */
  constructor(descriptor: number, memory: OutputMemory, lostLine: (lines: number) => string) {
    this.#descriptor = descriptor;
    this.#header = new Int32Array(memory, 0, OUTPUT_HEADER_BYTES / 4);
    this.#kept = new Uint8Array(memory, OUTPUT_HEADER_BYTES);
    this.#lostLine = lostLine;
  }

  /** Lines that were lost so far. */
  get lost(): number {
    return Atomics.load(this.#header, OUTPUT_HEADER.lost);
  }

  /** The error number of the last loss. */
  get errno(): number {
    return Atomics.load(this.#header, OUTPUT_HEADER.errno);
  }

  /** Writes a line, or keeps or loses it. */
  write(line: string): void {
    if (!this.#inTurn(() => this.#writeLine(line))) this.#lose(1, errnoNumbers.EAGAIN);
  }

  /** Writes what is kept, as far as possible; whether nothing is kept any more. */
  flush(): boolean {
    return this.#inTurn(() => this.#flushKept()) && this.#length === 0;
  }

  /** Settles when something is kept. */
  async untilKept(): Promise<void> {
    const waiting = Atomics.waitAsync(this.#header, OUTPUT_HEADER.length, 0);
    if (waiting.async) await waiting.value;
  }

  /**
   * Writes all that is kept, before the end; a reader that reads is waited for.
   *
   * @param beforeWaiting - called once where it is waited
   */
  drain(beforeWaiting: () => void): void {
    const start = Date.now();
    let [left, moved] = [this.#length, start];
    while (!this.flush()) {
      const now = Date.now();
      if (this.#length !== left) [left, moved] = [this.#length, now];
      else if (moved === start) beforeWaiting();
      if (now - moved > STANDSTILL || now - start > LONGEST_DRAIN) break;
      pause(BETWEEN_LOOKS);
    }
    this.#inTurn(() => {
      if (this.#length > 0) this.#loseKept(errnoNumbers.EAGAIN);
      else if (this.#get('untold') > 0) this.#send('');
    });
  }

  #get(field: keyof typeof OUTPUT_HEADER): number {
    return this.#header[OUTPUT_HEADER[field]] ?? 0;
  }

  #set(field: keyof typeof OUTPUT_HEADER, value: number): void {
    this.#header[OUTPUT_HEADER[field]] = value;
  }

  get #length(): number {
    return Atomics.load(this.#header, OUTPUT_HEADER.length);
  }

  /** Does something while no other thread does; false where another one does for too long. */
  #inTurn(act: () => void): boolean {
    while (Atomics.compareExchange(this.#header, OUTPUT_HEADER.lock, 0, 1) !== 0) {
      if (Atomics.wait(this.#header, OUTPUT_HEADER.lock, 1, TURN) === 'timed-out') return false;
    }
    try {
      act();
    } finally {
      Atomics.store(this.#header, OUTPUT_HEADER.lock, 0);
      Atomics.notify(this.#header, OUTPUT_HEADER.lock, 1);
    }
    return true;
  }

  #way(): WriteWay {
    if (this.#get('way') === WRITE_WAY.none) {
      const found = findWriteWay(this.#descriptor);
      this.#set('descriptor', found.descriptor);
      this.#set('way', found.way);
    }
    return { way: this.#get('way') as WriteWay['way'], descriptor: this.#get('descriptor') };
  }

  #lose(lines: number, errno: number): void {
    Atomics.add(this.#header, OUTPUT_HEADER.lost, lines);
    Atomics.add(this.#header, OUTPUT_HEADER.untold, lines);
    Atomics.store(this.#header, OUTPUT_HEADER.errno, errno);
  }

  #writeLine(line: string): void {
    this.#flushKept();
    if (this.#length === 0) this.#send(line);
    else if (!this.#keep(Buffer.from(`${line}\n`))) this.#lose(1, errnoNumbers.EAGAIN);
  }

  /** Writes a line, with how many were lost before it; without one, that alone. */
  #send(line: string): void {
    const untold = this.#get('untold');
    const [isTorn, told] = [this.#get('torn') !== 0, untold > 0 ? `${this.#lostLine(untold)}\n` : ''];
    const before = Buffer.byteLength(told) + (isTorn ? 1 : 0);
    const bytes = Buffer.from(`${isTorn ? '\n' : ''}${told}${line === '' ? '' : `${line}\n`}`);
    const way = this.#way();
    let [at, result] = [0, 0];
    while (at < bytes.length) {
      result = writeNow(way, bytes.subarray(at));
      if (result <= 0) break;
      at += result;
    }
    const isKept = at < bytes.length && result === -errnoNumbers.EAGAIN && this.#keep(bytes.subarray(at));
    if (at === bytes.length || isKept) {
      this.#set('torn', 0);
      Atomics.sub(this.#header, OUTPUT_HEADER.untold, untold);
      return;
    }
    if (at > 0) {
      this.#set('torn', 1);
      if (at >= before) Atomics.sub(this.#header, OUTPUT_HEADER.untold, untold);
    }
    if (line !== '') this.#lose(1, -result);
  }

  /** Keeps bytes behind those that are kept; false where there is no room. */
  #keep(bytes: Uint8Array): boolean {
    const size = this.#kept.length;
    const length = this.#length;
    if (bytes.length > size - length) return false;
    const at = (this.#get('from') + length) % size;
    const first = Math.min(bytes.length, size - at);
    this.#kept.set(bytes.subarray(0, first), at);
    this.#kept.set(bytes.subarray(first), 0);
    Atomics.store(this.#header, OUTPUT_HEADER.length, length + bytes.length);
    // The main thread may wait for it.
    if (length === 0) Atomics.notify(this.#header, OUTPUT_HEADER.length);
    return true;
  }

  #flushKept(): void {
    const size = this.#kept.length;
    while (this.#length > 0) {
      const from = this.#get('from');
      const written = writeNow(this.#way(), this.#kept.slice(from, Math.min(from + this.#length, size)));
      if (written === -errnoNumbers.EAGAIN) return;
      if (written <= 0) {
        this.#loseKept(-written);
        return;
      }
      this.#set('from', (from + written) % size);
      Atomics.sub(this.#header, OUTPUT_HEADER.length, written);
    }
  }

  /** Gives up all that is kept. */
  #loseKept(errno: number): void {
    const { length: size } = this.#kept;
    let lines = 0;
    for (let index = 0; index < this.#length; index += 1) {
      if (this.#kept[(this.#get('from') + index) % size] === LINE_END) lines += 1;
    }
    Atomics.store(this.#header, OUTPUT_HEADER.length, 0);
    this.#set('torn', 1);
    this.#lose(lines, errno);
  }
}
