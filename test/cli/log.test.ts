/** What a run tells: events as JSON in a file, or as sentences on standard error. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compileProgram } from '../programs/compile.js';
import { program, run, SharedFolder, trampfd } from './command.js';

interface Event {
  readonly time: string;
  readonly event: string;
  readonly processId: number;
  readonly threadId: number;
  readonly command: string;
  readonly call: string;
  readonly entry: string;
  readonly policy: string;
  readonly window: string;
  readonly arguments: readonly string[];
  readonly reason: string;
  readonly errno: string;
  readonly descriptor: number;
  readonly caller: { address: string; maps: string; file: string; stack: readonly string[] };
}

/** What events about trampolines have that a program writes itself. */
interface EmulationMembers {
  readonly memory: string;
  readonly kind: string;
  readonly address: string;
  readonly bytes: string;
  readonly counts: readonly { kind: string; emulated: number; promoted: number; hint: string | null }[];
}

/** Runs words with a log, and gives the log's events. */
function events(policy: string, words: readonly string[], status = 0): Event[] {
  using folder = new SharedFolder();
  const file = join(folder.path, 'log');
  const ended = run([trampfd, 'run', '--policy', policy, '--log', file, '--', ...words]);
  assert.equal(ended.status, status, ended.errors);
  assert.equal(ended.errors, '');
  return parse(readFileSync(file, 'utf8'));
}

function parse(text: string): Event[] {
  assert.ok(text === '' || text.endsWith('\n'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
}

/** The requests of test/programs/cli/requests.c that are refused, in their order. */
const REFUSED = [
  ['mmap', 'x86-64', /mmap asks for memory that is writable and executable/],
  ['mprotect', 'x86-64', /mprotect makes memory executable/],
  ['pkey_mprotect', 'x86-64', /pkey_mprotect makes memory executable/],
  ['shmat', 'x86-64', /shmat attaches shared memory as executable/],
  ['personality', 'x86-64', /READ_IMPLIES_EXEC/],
  ['mmap2', 'i386', /mmap2 asks for memory that is writable and executable/],
  ['mprotect', 'i386', /mprotect makes memory executable/],
  ['mmap', 'i386', /mmap2 asks for memory that is writable and executable/],
] as const;

describe('under the policy log', () => {
  const requests = program('requests');

  test('nothing is refused that is not without trampfd', () => {
    const bare = run([requests]);
    const logged = run([trampfd, 'run', '--policy', 'log', '--', requests]);
    assert.equal(logged.output, bare.output);
    assert.equal(logged.status, bare.status);
    // And under wx without emulation, all of it is.
    const refused = run([trampfd, 'run', '--no-emulation', '--', requests]).output.match(/^\S+ 13$/gm) ?? [];
    assert.deepEqual(
      refused.map((line) => line.split(' ')[0]),
      'mmap mprotect pkey_mprotect shmat personality i386-mmap2 i386-mprotect i386-mmap x32'.split(' '),
    );
  });

  test('each request that wx refuses is an event that says who, what, why and from where', () => {
    // A quick program makes its first request before its start is noted.
    const all = events('log', [requests]);
    const started = all.find(({ event }) => event === 'started');
    const found = all.filter(({ event }) => event === 'would-refuse');
    assert.ok(started !== undefined);
    assert.equal(all.length, found.length + 1);
    assert.equal(found.length, REFUSED.length + 1);
    REFUSED.forEach(([call, entry, reason], index) => {
      const event = found[index];
      assert.ok(event !== undefined);
      assert.equal(event.call, call);
      assert.equal(event.entry, entry);
      assert.match(event.reason, reason);
      assert.equal(event.processId, started.processId);
      assert.equal(event.threadId, started.processId);
      assert.match(requests, new RegExp(`/${event.command}`));
      assert.ok(event.arguments.length === 6 && event.arguments.every((text) => /^0x[0-9a-f]+$/.test(text)));
      assert.match(event.caller.address, /^0x[0-9a-f]+$/);
      assert.match(event.caller.maps, /^[0-9a-f]+-[0-9a-f]+ r-xp /);
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(event.caller.maps) ?? [];
      const address = BigInt(event.caller.address);
      assert.ok(address > BigInt(`0x${from}`) && address <= BigInt(`0x${to}`));
      assert.match(event.caller.file, /^\/.*\+0x[0-9a-f]+$/);
    });
    assert.match(found.at(-1)?.reason ?? '', /x32/);
    assert.match(found.at(-1)?.call ?? '', /^system call /);
  });

  test('a call through the C library names who called it', () => {
    const [mmap] = events('log', [requests]).filter(({ event }) => event === 'would-refuse');
    assert.match(mmap?.caller.file ?? '', /\/libc\.so\.6\+0x/);
    assert.ok(
      mmap?.caller.stack.some((place) => place.startsWith(`${requests}+0x`)),
      `${mmap?.caller.stack}`,
    );
  });

  test('without --log, each event is a sentence on standard error', () => {
    const { errors } = run([trampfd, 'run', '--policy', 'log', '--', requests]);
    const lines = errors.trimEnd().split('\n');
    assert.equal(lines.length, REFUSED.length + 1);
    REFUSED.forEach(([call, , reason], index) => {
      const line = lines[index] ?? '';
      assert.match(line, new RegExp(`^trampfd: requests-\\w+\\[\\d+\\]: .*${call}\\(0x.* from /`));
      assert.match(line, reason);
    });
  });

  test('a library that asks for such memory is named', () => {
    // Debian's libffi makes the closure of a ctypes callback in such memory; the C library carries its request out.
    const script = 'import ctypes; ctypes.CFUNCTYPE(None)(print)()';
    const [event] = events('log', ['/usr/bin/python3', '-c', script]).filter((entry) => entry.event === 'would-refuse');
    assert.match(event?.caller.file ?? '', /\/libc\.so\.6\+0x/);
    assert.match(event?.caller.stack[0] ?? '', /\/libffi\.so\.\S+\+0x/);
    assert.equal(event?.command, 'python3');
  });
});

describe('the log', () => {
  test('has the life of a table', () => {
    const all = events('wx', [program('create')]);
    const started = all.find(({ event }) => event === 'started');
    const rest = all.filter((event) => event !== started);
    assert.equal(started?.policy, 'wx');
    assert.deepEqual(
      rest.map(({ event, call, entry }) => [event, call, entry]),
      [
        ['table-created', 'process_madvise', 'x86-64'],
        ['table-sealed', 'pwrite64', 'x86-64'],
        ['table-mapped', 'mmap', 'x86-64'],
      ],
    );
    const [from = 0, to = 0] = (started?.window ?? '').split(' to ').map(Number);
    for (const { descriptor, time } of rest) {
      assert.ok(descriptor >= from && descriptor <= to, `${descriptor}`);
      assert.equal(new Date(time).toISOString(), time);
    }
  });

  describe('of a program that writes trampolines', () => {
    const callback = 'import ctypes; call = ctypes.CFUNCTYPE(None)(lambda: None); [call() for _ in range(3)]';
    const python = ['/usr/bin/python3', '-c', callback];
    const without = (name: string) => (event: Event) => event.event !== name;

    test('has what it asked for and got, the first call of a kind, and counts at the end', () => {
      const all = events('wx', python).filter(without('started'));
      assert.deepEqual(
        all.map(({ event }) => event),
        ['refused', 'attached', 'granted-without-execution', 'emulated', 'promoted', 'emulation-summary'],
      );
      const [refused, attached, granted, emulated, promoted, summary] = all as (Event & EmulationMembers)[];
      assert.match(refused?.reason ?? '', /^the caller has another way: /);
      assert.deepEqual(
        [refused?.errno, refused?.call, attached?.call, granted?.call],
        ['EACCES', 'mmap', 'mmap', 'mmap'],
      );
      assert.match(granted?.memory ?? '', /a view of pages that the supervisor writes/);
      assert.match(String(granted?.caller), /libc\.so\.6\S+ <- .*libffi/);
      for (const event of [emulated, promoted]) {
        assert.equal(event?.kind, 'libffi');
        assert.match(event?.address ?? '', /^0x[0-9a-f]+$/);
      }
      assert.equal(emulated?.address, promoted?.address);
      assert.deepEqual(
        summary?.counts.map(({ kind, emulated: times, promoted: places, hint }) => [kind, times, places, hint]),
        [['libffi', 1, 1, null]],
      );
    });

    test('has nothing of it without emulation', () => {
      using folder = new SharedFolder();
      const file = join(folder.path, 'log');
      const ended = run([trampfd, 'run', '--no-emulation', '--log', file, '--', ...python]);
      assert.deepEqual([ended.status, ended.errors], [0, '']);
      assert.deepEqual(
        parse(readFileSync(file, 'utf8')).map(({ event, policy }) => [event, policy]),
        [['started', 'wx --no-emulation']],
      );
    });

    test('has code that is no trampoline, and so has standard error', () => {
      using folder = new SharedFolder();
      const file = join(folder.path, 'log');
      const words = [compileProgram('wx/row-01-anonymous.c', { flags: ['-m64'] }), 'private'];
      const ended = run([trampfd, 'run', '--log', file, '--', ...words]);
      assert.equal(ended.output, 'private: SIGSEGV\n');
      const said =
        /^trampfd: row-01-\S+\[\d+\]: \S+ has called (0x[0-9a-f]+), .*; it gets SIGSEGV; with --no-emulation .* \(bytes (b8551eed5ec3[0-9a-f]*)\)\n$/;
      const [, address, bytes] = said.exec(ended.errors) ?? [];
      assert.ok(address !== undefined, ended.errors);
      const found = parse(readFileSync(file, 'utf8')).filter(({ event }) => event === 'not-emulated');
      assert.deepEqual(
        (found as (Event & EmulationMembers)[]).map((event) => [event.address, event.bytes]),
        [[address, bytes]],
      );
      assert.match(found[0]?.reason ?? '', /trampoline/);
    });
  });

  test('is appended to', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'log');
    writeFileSync(file, '{"event":"earlier"}\n');
    for (const status of [1, 2]) {
      assert.equal(run([trampfd, 'run', '--log', file, '--', 'sh', '-c', `exit ${status}`]).status, status);
    }
    assert.deepEqual(
      parse(readFileSync(file, 'utf8')).map(({ event }) => event),
      ['earlier', 'started', 'started'],
    );
  });

  test('is shared by runs at the same time, line by line', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'log');
    const one = `${trampfd} run --log ${file} -- ${program('create')} >/dev/null`;
    assert.equal(run(['sh', '-c', `${one} & ${one} & ${one} & wait`]).status, 0);
    assert.equal(parse(readFileSync(file, 'utf8')).length, 12);
  });

  test('is no descriptor of the program', () => {
    using folder = new SharedFolder();
    const script = 'ls -l /proc/self/fd | grep -c "/log$"';
    const log = join(folder.path, 'log');
    assert.equal(run([trampfd, 'run', '--log', log, '--', 'sh', '-c', script]).output, '0\n');
  });

  test('may be full without harm to the run', () => {
    const words = [trampfd, 'run', '--policy', 'log', '--log', '/dev/full', '--', program('create')];
    const { status, output } = run(words);
    assert.deepEqual([status, output], [0, 'created\n']);
  });

  test('may have a name that is not UTF-8', () => {
    using folder = new SharedFolder();
    const script = `name=$(printf '\\377log'); cd "$0" && ${trampfd} run --log "$name" -- true && wc -l <"$name"`;
    assert.equal(run(['sh', '-c', script, folder.path]).output.trim(), '1');
  });
});
