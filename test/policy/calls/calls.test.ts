/**
 * The list of system calls is complete, the page that is made of it is current, and what it says is refused is refused in a
 * run, by both entries.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../../src/abi/errno.js';
import { CONSOLE, DEMUX, DMA_HEAP, NVIDIA_EXPORT, TERMINAL, UDMABUF, VIDEO } from '../../../src/abi/ioctl.js';
import { KEYCTL } from '../../../src/abi/keys.js';
import { type Entry, FIRST_UNKNOWN_SYSCALL, unusedNumbers } from '../../../src/abi/syscalls.js';
import { callClasses, everyCall } from '../../../src/policy/calls_allowed.js';
import { evaluate } from '../../../src/policy/evaluate.js';
import { policyOf } from '../../../src/policy/kinds.js';
import { everyGround } from '../../../src/policy/strict.js';
import { policyRules } from '../../../src/policy/wx.js';
import { compileProgram, root } from '../../programs/compile.js';
import { entries, rulesAbout, saidOf, withTable } from './table.js';

const TRAMPFD = join(root, 'bin', 'trampfd');
const LEVELS = ['wx', 'strict'] as const;

describe('the list of system calls', () => {
  test('has every call of both entries once', () => {
    const listed = callClasses.flatMap(({ calls }) => calls);
    const all = new Set(entries.flatMap((entry) => Object.keys(everyCall[entry])));
    assert.deepEqual([...listed].sort(), [...all].sort());
  });

  test('says why in a sentence of its own for each class', () => {
    assert.equal(new Set(callClasses.map(({ why }) => why)).size, callClasses.length);
    for (const { why } of callClasses) assert.match(why, /^[^.]{15,}$/);
  });

  test('is on the page as it is', () => {
    const page = readFileSync(join(root, 'docs', 'system-calls.md'), 'utf8');
    assert.equal(page, withTable(page), 'node dist/test/policy/calls/write.js writes it anew');
  });

  test('under strict, numbers without a call do not exist', () => {
    const strict = policyRules(policyOf('strict'), []);
    for (const entry of entries) {
      const unused = unusedNumbers[entry].flatMap(({ from, to }) => [from, to]);
      for (const number of [...unused, FIRST_UNKNOWN_SYSCALL, 511, 600]) {
        const said = evaluate(strict, { entry, number, arguments: [] });
        assert.deepEqual(said, { kind: 'errno', errno: 'ENOSYS' }, `${entry} ${number}`);
      }
    }
  });
});

/** A call that is to be made, with the lower halves of its arguments. */
interface Made {
  readonly entry: Entry;
  readonly call: string;
  readonly values: readonly number[];
}

const NOWHERE = 0xffffffff;

/** What is refused by its arguments. No descriptor is open, and no address is one. */
const byArguments: Readonly<Record<(typeof LEVELS)[number], readonly (readonly [string, ...number[]])[]>> = {
  wx: [
    ...(['TIOCSTI', 'TIOCLINUX'] as const).map((name) => ['ioctl', NOWHERE, TERMINAL[name]] as const),
    ...(['KDSKBENT', 'KDSKBSENT', 'KDSKBDIACR', 'KDSKBDIACRUC', 'KDSETKEYCODE'] as const).map(
      (name) => ['ioctl', NOWHERE, CONSOLE[name]] as const,
    ),
  ],
  strict: [
    ...Object.values(TERMINAL).map((command) => ['ioctl', NOWHERE, command] as const),
    ...Object.values(CONSOLE).map((command) => ['ioctl', NOWHERE, command] as const),
    ...[...Object.values(VIDEO), ...Object.values(DEMUX), ...Object.values(UDMABUF), ...Object.values(DMA_HEAP)].map(
      (command) => ['ioctl', NOWHERE, command] as const,
    ),
    ['ioctl', NOWHERE, 0xc0204600 + NVIDIA_EXPORT],
    ['ioctl', NOWHERE, 0xc018aa3f],
    ['request_key', NOWHERE, NOWHERE, 1, 0],
    ...Object.values(KEYCTL).map((operation) => ['keyctl', operation, NOWHERE] as const),
    ...[0x20000, 0x10000000, 0x80, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000].map(
      (flag) => ['unshare', flag] as const,
    ),
    ['clone', 0x20011],
    ['clone', 0x10000011],
    ['prctl', 35, NOWHERE, 0, 0, 0],
    ['fanotify_init', 0, NOWHERE],
    // AF_ALG, AF_CAN, AF_VSOCK, AF_XDP, AF_RXRPC, AF_KEY, and one that does not exist.
    ...[38, 29, 40, 44, 33, 15, 99].map((family) => ['socket', family, 0x7fff, 0] as const),
    ['socketpair', 38, 0x7fff, 0, NOWHERE],
  ],
};

/** All that a policy refuses, each by every entry that has it. */
function refusedUnder(level: (typeof LEVELS)[number]): readonly Made[] {
  const rules = rulesAbout(level);
  return entries.flatMap((entry) => [
    ...Object.keys(everyCall[entry])
      .filter((call) => /^E/.test(saidOf(rules, entry, call)))
      .map((call) => ({ entry, call, values: [NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE] })),
    ...byArguments[level].map(([call, ...values]) => ({ entry, call, values })),
  ]);
}

const WIDTHS = ['x86-64', 'i386'] as const;
const programs = {
  'x86-64': compileProgram('policy/calls.c', { flags: ['-O2'] }),
  i386: compileProgram('policy/calls.c', {
    flags: ['-m32', '-O2', '-fomit-frame-pointer', '-idirafter', '/usr/include/x86_64-linux-gnu'],
  }),
};

/** Makes calls in one process and gives their results, error numbers negated. */
function results(before: readonly string[], width: (typeof WIDTHS)[number], calls: readonly Made[]): readonly number[] {
  const input = calls.map(({ entry, call, values }) => {
    const words = [everyCall[entry][call] as number, ...Array.from({ length: 6 }, (_, at) => values[at] ?? 0)];
    return `${entry === 'i386' ? 'i' : ''}${words.map((word) => word.toString(16)).join(' ')}\n`;
  });
  const [program = '', ...rest] = [...before, programs[width], '-'];
  const done = spawnSync(program, rest, { input: input.join(''), encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([done.status, done.signal], [0, null], done.stderr);
  return done.stdout.trimEnd().split('\n').map(Number);
}

test('commands of terminals, interfaces and files that programs need are let through', () => {
  // TCGETS, TCSETSF2, TIOCSPGRP, TIOCSWINSZ, TIOCSCTTY, FIONREAD, TUNSETIFF, TUNSETQUEUE, SIOCGIFCONF, FICLONE, TIOCMGET, TIOCMBIC, VIDIOC_QBUF.
  const commands = [
    ...[
      0x5401, 0x402c542d, 0x5410, 0x5414, 0x540e, 0x541b, 0x400454ca, 0x400454d9, 0x8912, 0x40049409, 0x5415, 0x5417,
      0xc058560f,
    ],
  ];
  for (const level of LEVELS) {
    const rules = policyRules(policyOf(level), [], everyGround);
    for (const entry of entries) {
      for (const command of commands) {
        const said = evaluate(rules, {
          entry,
          number: everyCall[entry]['ioctl'] as number,
          arguments: [0n, BigInt(command), 0n, 0n, 0n, 0n],
        });
        assert.equal(said.kind, 'allow', `${level} ${entry} 0x${command.toString(16)}`);
      }
    }
  }
});

describe('what is refused', () => {
  for (const level of LEVELS) {
    for (const width of WIDTHS) {
      // A 32-bit program has no other entry than its own here.
      const calls = refusedUnder(level).filter(({ entry }) => width === 'x86-64' || entry === 'i386');
      const rules = policyRules(policyOf(level), [], everyGround);
      const expected = calls.map(({ entry, call, values }) => {
        const words = Array.from({ length: 6 }, (_, at) => BigInt(values[at] ?? 0));
        const verdict = evaluate(rules, { entry, number: everyCall[entry][call] as number, arguments: words });
        assert.ok(verdict.kind === 'errno', `${entry} ${call} ${values}`);
        return -errnoNumbers[verdict.errno];
      });

      test(`${level}: is refused in a run, from a program of ${width}`, () => {
        const answers = results([TRAMPFD, 'run', '--policy', level, '--'], width, calls);
        const wrong = calls.flatMap((call, index) =>
          answers[index] === expected[index] ? [] : [`${call.entry} ${call.call} ${call.values}: ${answers[index]}`],
        );
        assert.deepEqual(wrong, []);
        assert.ok(calls.length > (level === 'strict' ? 80 : 6));
      });

      test(`${level}: is answered otherwise without us, from a program of ${width}`, () => {
        const bare = results([], width, calls);
        const different = calls.filter((_, index) => bare[index] !== expected[index]);
        assert.ok(different.length > calls.length / 2, `${different.length} of ${calls.length}`);
      });
    }
  }
});
