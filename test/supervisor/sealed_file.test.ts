/**
 * The file behind a table: from the moment that a target can have it, nobody but the supervisor changes its page, and
 * after it is sealed nobody does. A real program that holds its descriptor tries every way.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { FCNTL } from '../../src/abi/fcntl.js';
import { TrampfdError } from '../../src/error.js';
import { close, fcntl, fileIdentityOf, fileSizeOf, open, readAt } from '../../src/linux/descriptor.js';
import { mappings } from '../../src/linux/maps.js';
import { addSeals, getSeals } from '../../src/linux/memfd.js';
import { openDescriptors } from '../../src/linux/proc.js';
import { pageSize, resourceLimit, setResourceLimit } from '../../src/linux/process.js';
import { UnsealedFile } from '../../src/supervisor/sealed_file.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { codeLength, partsOf } from '../../src/trampoline/parts.js';
import { assemblePage, type Table } from '../../src/trampoline/table.js';
import { compileProgram } from '../programs/compile.js';

const PAGE = pageSize();

/** What fills a hole. */
const ZEROS = new Uint8Array(PAGE);

/** 100,000 trampolines: 1,465 pages. */
const LARGE_COUNT = 100_000;

const TABLE: Table = {
  architecture: 'x86-64',
  count: 68,
  codeRegister: 'r11',
  dataRegister: 'r10',
  codeTable: 0x7000_0000_1000n,
  dataTable: 0x7000_0000_2000n,
};

const LARGE: Table = { ...TABLE, count: LARGE_COUNT, dataTable: 0x7100_0000_2000n };

/** A page of the traps of x86-64: int3. */
const TRAPS = new Uint8Array(PAGE).fill(0xcc);

const HANDED_OUT = FCNTL.F_SEAL_SHRINK | FCNTL.F_SEAL_FUTURE_WRITE;
const COMPLETE = HANDED_OUT | FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL;
/** F_SEAL_EXEC, from Linux 6.3. */
const F_SEAL_EXEC = 0x20;

const EBADF = 9;
const EPERM = 1;
const EACCES = 13;
const EFAULT = 14;
const EINVAL = 22;
const EIO = 5;
const EOPNOTSUPP = 95;

/** What each way must fail with, by the end of its name; the first that fits counts. */
const EXPECTED: readonly (readonly [RegExp, readonly number[]])[] = [
  // Through a shared mapping that was readable at first.
  [/-(readable|executable)-(mprotect|pkey-mprotect|mremap-mprotect|madvise-remove)/, [EACCES]],
  [/-proc-mem$/, [EIO]],
  [/-process-vm-writev$/, [EFAULT]],
  [/-ptrace-poke$/, [EIO]],
  [/^truncat/, [EPERM]],
  // A descriptor that is not open for writing.
  [/^given-(truncate|shrink|grow)$/, [EINVAL, EBADF]],
  [/^given-beyond-map/, [EACCES]],
  [/^write-only-beyond-map/, [EACCES]],
  [/^given-map-/, [EACCES]],
  [
    /^given-(write|pwrite|writev|pwritev|append|splice|sendfile|copy-file-range|punch-hole|allocate|zero-range|beyond-write)$/,
    [EBADF],
  ],
  [/^write-only-map-/, [EACCES]],
  [/-zero-range$/, [EOPNOTSUPP]],
  // The kernel does not splice into a file that is open for appending.
  [/^append-(splice|sendfile)$/, [EINVAL, EPERM]],
  [/^append-copy-file-range$/, [EBADF]],
  [/-(write|pwrite|writev|pwritev|append|splice|sendfile|copy-file-range)$/, [EPERM]],
  [/-(truncate|shrink|punch-hole)$/, [EPERM]],
  [/-map-(shared|validate)-writable$/, [EPERM]],
  [/-beyond-write$/, [EPERM]],
];

/** The program that tries, with a descriptor of the file as its number 3. */
class Target implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(descriptor: number) {
    const program = compileProgram('supervisor/rewrite.c');
    this.#child = spawn(program, ['3'], { stdio: ['pipe', 'pipe', 'inherit', descriptor] });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** One command, and the lines that answer it. */
  async ask(command: string): Promise<readonly string[]> {
    this.#child.stdin?.write(`${command}\n`);
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      assert.ok(done !== true, `the program ended after ${lines.join('; ')}`);
      if (value === '.') return lines;
      lines.push(value);
    }
  }

  /** Tries every way: each must fail as it must; returns the start of the page as the program sees it. */
  async tryAll(): Promise<Readonly<Record<string, string>>> {
    const lines = await this.ask('try');
    const seen: Record<string, string> = {};
    let ways = 0;
    for (const line of lines) {
      const [way = '', answer = '', changed] = line.split(' ');
      if (['read', 'shared', 'private'].includes(way)) {
        seen[way] = answer;
        continue;
      }
      ways++;
      assert.equal(changed, undefined, line);
      const errors = EXPECTED.find(([pattern]) => pattern.test(way))?.[1] ?? [];
      assert.ok(errors.includes(Number(answer)), `${line}: expected ${errors}`);
    }
    assert.ok(ways >= 90, `${ways} ways`);
    return seen;
  }

  /** Tries to make the file larger, and to write there: the first must end with one of `errors`, the second must fail. */
  async grow(errors: readonly number[]): Promise<void> {
    const lines = await this.ask('grow');
    assert.equal(lines.length, 16);
    for (const line of lines) {
      const [way = '', answer = '', changed] = line.split(' ');
      assert.equal(changed, undefined, line);
      const mayGrow = /^(read-write|write-only|append)-(grow|allocate)$/.test(way);
      const expected = mayGrow ? errors : (EXPECTED.find(([pattern]) => pattern.test(way))?.[1] ?? []);
      assert.ok(expected.includes(Number(answer)), `${line}: expected ${expected}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin?.end();
    await ended;
  }
}

const start = (page: Uint8Array): string => Buffer.from(page.subarray(0, 128)).toString('hex');

/** A new file, and a descriptor of it as a target gets it. */
function handOut(): { readonly file: UnsealedFile; readonly descriptor: number } & Disposable {
  const file = UnsealedFile.create('x86-64', PAGE);
  const descriptor = file.handOut();
  return {
    file,
    descriptor,
    [Symbol.dispose]() {
      close(descriptor);
      file[Symbol.dispose]();
    },
  };
}

describe('a file that was handed out', () => {
  test('cannot be changed before it is sealed, nor after; the target sees traps, then the trampolines', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    const before = await target.tryAll();
    assert.deepEqual(before, { read: start(TRAPS), shared: start(TRAPS), private: start(TRAPS) });
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), TRAPS);

    given.file.seal(TABLE);
    const page = assemblePage(TABLE, PAGE);
    const after = await target.tryAll();
    assert.deepEqual(after, { read: start(page), shared: start(page), private: start(page) });
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), page);
    // Once more: nothing of the first attempts has opened a way.
    await target.grow([EPERM]);
    await target.tryAll();
  });

  test('that the target has made larger is of no use: it is not sealed, and has nothing of its choice', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    await target.grow([0]);
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), TRAPS);
    assert.deepEqual(readAt(given.descriptor, 2 * PAGE, PAGE), ZEROS);
    assert.throws(() => given.file.seal(TABLE), { code: 'EIO', message: /another size/ });
    const page = assemblePage(TABLE, PAGE);
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), page);
    assert.deepEqual(readAt(given.descriptor, 2 * PAGE, PAGE), ZEROS);
    assert.deepEqual(await target.tryAll(), { read: start(page), shared: start(page), private: start(page) });
    await target.grow([EPERM]);
  });

  test('becomes as large as its table, and nobody changes any of it then', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    given.file.seal(LARGE);
    const length = codeLength('x86-64', LARGE_COUNT, PAGE);
    assert.equal(fileSizeOf(given.descriptor), PAGE + length);
    assert.equal(readAt(given.descriptor, PAGE, length + 1), undefined);
    for (const part of partsOf(LARGE, PAGE)) {
      const code = readAt(given.descriptor, PAGE + part.offset, part.length);
      assert.deepEqual(code, assemblePage(part.table, part.length));
    }
    await target.tryAll();
    await target.grow([EPERM]);
    assert.equal(getSeals(given.descriptor) & COMPLETE, COMPLETE);
  });

  test('that the target has made larger than its large table is of no use', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    await target.grow([0]);
    assert.throws(() => given.file.seal({ ...TABLE, count: 200 }), { code: 'EIO', message: /another size/ });
  });

  test('that the target has made larger, but not as large as its table, has the size of the table', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    await target.grow([0]);
    given.file.seal(LARGE);
    await target.tryAll();
  });

  test('where there is no memory for a large table nothing is changed, and it may be tried again', () => {
    using given = handOut();
    const limit = resourceLimit('RLIMIT_FSIZE');
    setResourceLimit('RLIMIT_FSIZE', { ...limit, soft: 100_000n });
    try {
      assert.throws(() => given.file.seal(LARGE), { code: 'ENOMEM' });
    } finally {
      setResourceLimit('RLIMIT_FSIZE', limit);
    }
    assert.equal(fileSizeOf(given.descriptor), 2 * PAGE);
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), TRAPS);
    given.file.seal(LARGE);
  });

  const games: readonly { readonly title: string; readonly seals: number; readonly errors: readonly number[] }[] = [
    // The kernel refuses while the supervisor's mapping is there.
    { title: 'no writing at all', seals: FCNTL.F_SEAL_WRITE, errors: [16] },
    { title: 'no writing at all, and no further seals', seals: FCNTL.F_SEAL_WRITE | FCNTL.F_SEAL_SEAL, errors: [16] },
    { title: 'what is sealed already', seals: HANDED_OUT, errors: [0] },
    { title: 'no growing', seals: FCNTL.F_SEAL_GROW, errors: [0] },
    { title: 'no growing, and no further seals', seals: FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL, errors: [0] },
    { title: 'no execution as a program', seals: F_SEAL_EXEC, errors: [0, EINVAL] },
  ];
  for (const { title, seals, errors } of games) {
    test(`is sealed all the same when the target asks for its own seal first: ${title}`, async () => {
      using given = handOut();
      await using target = new Target(given.descriptor);
      const [answer = ''] = await target.ask(`seal ${seals}`);
      assert.ok(errors.includes(Number(answer.split(' ')[1])), answer);
      given.file.seal(TABLE);
      const page = start(assemblePage(TABLE, PAGE));
      assert.deepEqual(await target.tryAll(), { read: page, shared: page, private: page });
      assert.equal(getSeals(given.descriptor) & COMPLETE, COMPLETE);
    });
  }

  test('that the target lets no seal be added to is of no use: it could still be made larger', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    assert.deepEqual(await target.ask(`seal ${FCNTL.F_SEAL_SEAL}`), ['seal 0']);
    assert.throws(() => given.file.seal(TABLE), { code: 'EIO', message: /seals/ });
  });

  for (const seals of [FCNTL.F_SEAL_GROW, FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL]) {
    test(`that the target lets not become larger has no large table: ${seals}`, async () => {
      using given = handOut();
      await using target = new Target(given.descriptor);
      assert.deepEqual(await target.ask(`seal ${seals}`), ['seal 0']);
      assert.throws(() => given.file.seal(LARGE), { code: 'EIO', message: /growing/ });
      assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), TRAPS);
      assert.equal(fileSizeOf(given.descriptor), 2 * PAGE);
    });
  }

  test('once sealed takes no further seal', async () => {
    using given = handOut();
    await using target = new Target(given.descriptor);
    given.file.seal(TABLE);
    assert.deepEqual(await target.ask(`seal ${FCNTL.F_SEAL_WRITE}`), [`seal ${EPERM}`]);
    assert.equal(addSeals(given.descriptor, FCNTL.F_SEAL_WRITE), -EPERM);
  });

  test('is open for reading only, and closes on exec', () => {
    using given = handOut();
    assert.equal(fcntl(given.descriptor, 3, 0) & 3, FCNTL.O_RDONLY);
    assert.equal(fcntl(given.descriptor, FCNTL.F_GETFD, 0), FCNTL.FD_CLOEXEC);
  });

  test('has the seals from the moment on that it exists', () => {
    using given = handOut();
    assert.equal(getSeals(given.descriptor) & (COMPLETE | FCNTL.F_SEAL_WRITE), HANDED_OUT);
  });
});

describe('the file itself', () => {
  for (const [
    name,
    {
      trap: { bytes: trap },
    },
  ] of Object.entries(architectures)) {
    test(`${name}: holds the traps of its architecture`, () => {
      using file = UnsealedFile.create(name as keyof typeof architectures, PAGE);
      const descriptor = file.handOut();
      const page = readAt(descriptor, PAGE, PAGE);
      close(descriptor);
      assert.ok(page !== undefined);
      for (let at = 0; at < PAGE; at += trap.length)
        assert.deepEqual(page.slice(at, at + trap.length), Uint8Array.from(trap));
    });
  }

  test('has one identity for all of its descriptors, and no two files have the same', () => {
    using one = handOut();
    using other = handOut();
    const identity = { inode: one.file.inode, device: one.file.device };
    assert.deepEqual(fileIdentityOf(one.descriptor), identity);
    const second = open(`/proc/self/fd/${one.descriptor}`, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC);
    assert.deepEqual(fileIdentityOf(second), identity);
    close(second);
    assert.notEqual(other.file.inode, one.file.inode);
    assert.equal(other.file.device, one.file.device);
  });

  test('a table that cannot be assembled leaves the traps as they are', () => {
    using given = handOut();
    assert.throws(() => given.file.seal({ ...TABLE, count: 0 }), TrampfdError);
    assert.throws(() => given.file.seal({ ...TABLE, dataRegister: 'r11' }), TrampfdError);
    assert.deepEqual(readAt(given.descriptor, PAGE, PAGE), TRAPS);
  });

  test('a thousand files leave no descriptor and no mapping behind, sealed or not', () => {
    const before = openDescriptors('self').length;
    for (let index = 0; index < 1000; index++) {
      const file = UnsealedFile.create('x86-64', PAGE);
      const descriptor = file.handOut();
      if (index % 2 === 0) file.seal(TABLE);
      file[Symbol.dispose]();
      file[Symbol.dispose]();
      close(descriptor);
    }
    assert.equal(openDescriptors('self').length, before);
  });

  test('large files leave nothing behind either, sealed or not', () => {
    const before = openDescriptors('self').length;
    for (let index = 0; index < 20; index++) {
      const file = UnsealedFile.create('x86-64', PAGE);
      const descriptor = file.handOut();
      if (index % 2 === 0) file.seal(LARGE);
      file[Symbol.dispose]();
      close(descriptor);
    }
    assert.equal(openDescriptors('self').length, before);
    assert.deepEqual(
      (mappings(process.pid) ?? []).filter(({ name }) => name.includes('memfd:trampfd')),
      [],
    );
  });

  test('where descriptors have run out the error is EMFILE, and none is lost', () => {
    const limit = resourceLimit('RLIMIT_NOFILE');
    const before = openDescriptors('self').length;
    const file = UnsealedFile.create('x86-64', PAGE);
    setResourceLimit('RLIMIT_NOFILE', { ...limit, soft: 3n });
    try {
      assert.throws(() => UnsealedFile.create('x86-64', PAGE), { code: 'EMFILE' });
      assert.throws(() => file.handOut(), { code: 'EMFILE' });
    } finally {
      setResourceLimit('RLIMIT_NOFILE', limit);
      file[Symbol.dispose]();
    }
    assert.equal(openDescriptors('self').length, before);
  });
});
