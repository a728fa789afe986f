/**
 * The rules of W^X as a table: what each refuses, what stands just beside it and is allowed, and what the trampoline
 * service adds. Every line is asked of the reference and of the compiled filter.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { errnoNumbers } from '../../src/abi/errno.js';
import {
  type Entry,
  FIRST_UNKNOWN_SYSCALL,
  type SyscallName,
  syscallNumber,
  unusedNumbers,
} from '../../src/abi/syscalls.js';
import { compileFilter } from '../../src/policy/compile.js';
import { evaluate, firstMatch } from '../../src/policy/evaluate.js';
import { allows, levelNames, type Policy, policyOf } from '../../src/policy/kinds.js';
import type { RuleSet, Verdict } from '../../src/policy/rule.js';
import { executionRules, isEmulated, policyRules, wxRules } from '../../src/policy/wx.js';
import { serviceRules } from '../../src/supervisor/notified_calls.js';
import { windowFor } from '../../src/supervisor/window.js';
import { execute, verify } from './bpf.js';

const WINDOW = windowFor(1024n);
const ARCHITECTURES: Readonly<Record<Entry, number>> = { 'x86-64': 0xc000003e, i386: 0x40000003 };

/** All rules of a policy. */
function rulesOf(policy: Policy): RuleSet {
  return policyRules(policy, serviceRules(policy, WINDOW));
}

/** One call: entry, name (or number), arguments. */
type Sample = readonly [Entry, SyscallName | number, ...(number | bigint)[]];

function name(verdict: Verdict): string {
  return verdict.kind === 'errno' ? verdict.errno : verdict.kind;
}

/** What a rule set makes of a call, said by the reference and by its filter alike. */
function verdictOf(set: RuleSet, [entry, call, ...values]: Sample): string {
  const number = typeof call === 'number' ? call : (syscallNumber(entry, call) as number);
  assert.notEqual(number, undefined, `${entry} ${call}`);
  const given = Array.from({ length: 6 }, (_, index) => BigInt.asUintN(64, BigInt(values[index] ?? 0)));
  const verdict = evaluate(set, { entry, number, arguments: given });
  const { value } = execute(compileFilter(set), { number, architecture: ARCHITECTURES[entry], arguments: given });
  const expected = {
    allow: 0x7fff0000,
    notify: 0x7fc00000,
    errno: 0x00050000 + (verdict.kind === 'errno' ? errnoNumbers[verdict.errno] : 0),
  }[verdict.kind];
  assert.equal(value, expected);
  return name(verdict);
}

const BOTH: readonly Entry[] = ['x86-64', 'i386'];
const each = (sample: (entry: Entry) => readonly Sample[]): readonly Sample[] => BOTH.flatMap(sample);
const MMAP = { 'x86-64': 'mmap', i386: 'mmap2' } as const;

/** Arguments of mmap around its protection: anonymous and private. */
const anonymous = (entry: Entry, protection: number | bigint): Sample => [
  entry,
  MMAP[entry],
  0,
  4096,
  protection,
  0x22,
  -1,
];

/** Requests for memory that is writable and executable, or becomes executable: where trampolines are emulated, the supervisor decides. */
const REQUESTED: readonly Sample[] = [
  ...each((entry) => [6, 7, 0xe, 0x0100_0007, 0xffff_ffff_0000_0006n, -1].map((bits) => anonymous(entry, bits))),
  // Of a file, shared or private, at a fixed address, growing downwards: the same.
  ...each((entry) => [1, 2, 0x12, 0x0100].map((flags): Sample => [entry, MMAP[entry], 0, 4096, 7, flags, 5])),
  // Of a table's descriptor too.
  ...each((entry): readonly Sample[] => [[entry, MMAP[entry], 0, 4096, 7, 2, WINDOW.from]]),
  ...each((entry) =>
    [4, 5, 6, 7, 0x0100_0004, 0x0100_0007, 0x1_0000_0004n].flatMap((bits): Sample[] => [
      [entry, 'mprotect', 0x1000, 4096, bits],
      [entry, 'pkey_mprotect', 0x1000, 4096, bits, -1],
      [entry, 'pkey_mprotect', 0x1000, 4096, bits, 3],
    ]),
  ),
];

/** What no trampoline needs: refused whether they are emulated or not. */
const NEVER_GRANTED: readonly Sample[] = [
  // Shared, without a file, and executable alone: it could be had a second time.
  ...each((entry) => [0x21, 0x31, 0x8021].map((flags): Sample => [entry, MMAP[entry], 0, 4096, 5, flags, -1])),
  ...each((entry) => [0o100000, 0o110000, 0o177777].map((flags): Sample => [entry, 'shmat', 1, 0, flags])),
  ...each((entry) => [0x0400000, 0x0400008, 0x0440000, 0xfffffffe].map((bits): Sample => [entry, 'personality', bits])),
  ['i386', 'ipc', 21, 1, 0o100000, 0x1000, 0],
  ['i386', 'ipc', 0x10015, 1, 0o110000, 0x1000, 0],
  ['i386', 'ipc', 0xffff0015, 1, 0o100000, 0x1000, 0],
  ['x86-64', 0x40000001],
  ['x86-64', 0x40000009, 0, 4096, 7, 0x22, -1],
  ['x86-64', 0xfffffffe],
];

const REFUSED: readonly Sample[] = [...REQUESTED, ...NEVER_GRANTED];

const ALLOWED: readonly Sample[] = [
  ...each((entry) => [0, 1, 2, 3, 4, 5, 0x0100_0003].map((bits) => anonymous(entry, bits))),
  // Executable files, as the dynamic loader maps them: MAP_DENYWRITE.
  ...each((entry) => [0x802, 0x812].map((flags): Sample => [entry, MMAP[entry], 0, 4096, 5, flags, 3, 0x1000])),
  // Files that are not executed.
  ...each((entry) => [0, 1, 3].map((bits): Sample => [entry, MMAP[entry], 0, 4096, bits, 2, 3, 0])),
  // Reads and writes that are no structure of the interface: elsewhere, or larger.
  ...(['pread64', 'pwrite64'] as const).flatMap((call): Sample[] => [
    ...[4, 64, 4096, 0x1_0000_0000n, 0x1_0000_0001n, -1].map((at): Sample => ['x86-64', call, 3, 0x1000, 16, at]),
    ...[649, 4096, 0x1_0000_0010n, -1].map((count): Sample => ['x86-64', call, 3, 0x1000, count, 0]),
    ...[4, 64, 0xffffffff].map((at): Sample => ['i386', call, 3, 0x1000, 16, at, 0]),
    ['i386', call, 3, 0x1000, 16, 0, 1],
    ['i386', call, 3, 0x1000, 649, 0, 0],
    // Nor the extension's.
    ...each((entry) => [15, 17, 4096].map((count): Sample => [entry, call, 3, 0x1000, count, 0x10000, 0])),
    ['i386', call, 3, 0x1000, 16, 0x10000, 1],
    ['x86-64', call, 3, 0x1000, 16, 0x1_0001_0000n],
  ]),
  ...each((entry) =>
    [0, 1, 2, 3, 0x0100_0003, 0x0200_0002].flatMap((bits): Sample[] => [
      [entry, 'mprotect', 0x1000, 4096, bits],
      [entry, 'pkey_mprotect', 0x1000, 4096, bits, -1],
    ]),
  ),
  // Addresses and lengths that look like protections.
  ...each((entry): readonly Sample[] => [[entry, 'mprotect', 7, 7, 0, 7, 7, 7]]),
  ...each((entry) => [0, 0o10000, 0o20000, 0o40000].map((flags): Sample => [entry, 'shmat', 1, 0, flags])),
  // The question what it is now has all bits set; a tracer's and emulators' values without the bit.
  ...each((entry) => [0xffffffff, -1n, 0, 8, 0x0040000, 0x0020000].map((bits): Sample => [entry, 'personality', bits])),
  ['i386', 'ipc', 21, 1, 0o10000, 0x1000, 0],
  ['i386', 'ipc', 22, 0, 0o100000, 0, 0x1000],
  ['i386', 'ipc', 23, 0, 0o100000, 0o100000],
  ['x86-64', 0xffffffff],
  ...each((entry): readonly Sample[] => [
    [entry, 'read', 0, 0x1000, 1],
    [entry, 'write', 1, 0x1000, 1],
    [entry, 'write', 255, 0x1000, 1],
    [entry, 'write', WINDOW.from - 1, 0x1000, 1],
    [entry, 'write', WINDOW.below, 0x1000, 1],
    [entry, 'write', -1, 0x1000, 1],
    [entry, 'lseek', 3, 0, 0],
    [entry, 'dup', 1],
    [entry, 'dup2', 1, WINDOW.from],
    [entry, 'fcntl', WINDOW.from, 1],
    [entry, 'fcntl', WINDOW.from, 3],
    [entry, 'process_madvise', 3, 0x1000, 1, 20, 0],
    [entry, 'process_madvise', 65535, 0x1000, 1, 20, 0],
  ]),
  // Of an i386 call only the lower halves count, whatever a 64-bit program has in the upper ones.
  ['i386', 'process_madvise', 0x1_0000_0003n, 0x1000, 1, 20, 0],
  ['i386', 'process_madvise', 0xdead_0000_0000n, 0x1_0000_1000n, 1, 20, 0],
  ['x86-64', 'process_madvise', -10000, 0x10000, 1, 20, 0],
  ['x86-64', 'process_madvise', 0xffffd8f0, 0x10000, 1, 20, 0],
  // getppid, getpid, brk, munmap, clone, exit_group.
  ...[110, 39, 12, 11, 56, 231].map((number): Sample => ['x86-64', number]),
  ...[64, 20, 45, 91, 120, 252].map((number): Sample => ['i386', number]),
  // Handlers of other signals, and the question which handler SIGSEGV has.
  ...each((entry): readonly Sample[] => [
    [entry, 'rt_sigaction', 14, 0x1000, 0, 8],
    [entry, 'rt_sigaction', 11, 0, 0x1000, 8],
  ]),
];

/** Programs whose file may ask for an executable stack. */
const EXECUTED: readonly Sample[] = each((entry): readonly Sample[] => [
  [entry, 'execve', 0x1000, 0x2000, 0x3000],
  [entry, 'execveat', -100, 0x1000, 0x2000, 0x3000, 0],
]);

/** Where trampolines are emulated: handlers of SIGSEGV. */
const WATCHED: readonly Sample[] = each((entry): readonly Sample[] => [[entry, 'rt_sigaction', 11, 0x1000, 0, 8]]);

const NOTIFIED: readonly Sample[] = each((entry): readonly Sample[] => [
  // Whatever the descriptor is: a table's may have any number.
  ...[0, 3, WINDOW.from - 1, WINDOW.below, -1].flatMap((descriptor): Sample[] => [
    ...[1, 2, 0x12, 0x8002].map((flags): Sample => [entry, MMAP[entry], 0, 4096, 5, flags, descriptor, 0]),
    [entry, MMAP[entry], 0, 4096, 4, 1, descriptor, 0],
    ...[0, 1, 2, 3].flatMap((at): Sample[] => [
      [entry, 'pread64', descriptor, 0x1000, 16, at, 0],
      [entry, 'pwrite64', descriptor, 0x1000, 648, at, 0],
      [entry, 'pwrite64', descriptor, 0, 0, at, 0],
    ]),
    [entry, 'pwrite64', descriptor, 0x1000, 16, 0x10000, 0],
  ]),
  [entry, 'process_madvise', 65536],
  [entry, 'process_madvise', 0xbffff000],
  ...[WINDOW.from, WINDOW.below - 1].flatMap((descriptor): Sample[] => [
    [entry, 'write', descriptor, 0x1000, 16],
    // The kernel takes the lower half of the register.
    [entry, 'write', BigInt(descriptor) + 2n ** 32n, 0x1000, 16],
    [entry, 'read', descriptor, 0x1000, 16],
    [entry, 'pwrite64', descriptor, 0x1000, 16, 0],
    [entry, 'pread64', descriptor, 0x1000, 16, 0],
    [entry, 'lseek', descriptor, 0, 0],
    [entry, 'dup', descriptor],
    [entry, 'dup2', descriptor, 5],
    [entry, 'dup3', descriptor, 5, 0],
    [entry, 'fcntl', descriptor, 0, 0],
    [entry, 'fcntl', descriptor, 1030, 0],
    [entry, MMAP[entry], 0, 4096, 5, 2, descriptor],
    [entry, MMAP[entry], 0, 4096, 5, 1, descriptor],
  ]),
]);

const say = ([entry, call, ...values]: Sample): string => `${entry} ${call}(${values.join(', ')})`;

describe('wx without emulation', () => {
  const wx = rulesOf(policyOf('wx', [], 'none'));
  test('refuses with EACCES', () => {
    for (const sample of REFUSED) assert.equal(verdictOf(wx, sample), 'EACCES', say(sample));
  });
  test('allows what stands beside it', () => {
    for (const sample of [...ALLOWED, ...WATCHED, ...EXECUTED])
      assert.equal(verdictOf(wx, sample), 'allow', say(sample));
  });
  test('has the service notified of what is about tables', () => {
    for (const sample of NOTIFIED) assert.equal(verdictOf(wx, sample), 'notify', say(sample));
  });
  test('does not notify of a mapping that ignores its descriptor', () => {
    for (const entry of BOTH) {
      assert.equal(verdictOf(wx, [entry, MMAP[entry], 0, 4096, 3, 0x22, WINDOW.from]), 'allow');
    }
  });
  test('has the service notified of the form of the first version', () => {
    for (const entry of BOTH) assert.equal(verdictOf(wx, [entry, 'process_madvise', 0, 65536, 0]), 'notify');
    assert.equal(verdictOf(wx, ['i386', 'process_madvise', 0xdead_0000_0000n, 0x1_0001_0000n, 0]), 'notify');
  });

  test('every rule refuses, has a sentence, and is met by a sample', () => {
    const met = new Set(
      REFUSED.map(([entry, call, ...values]) =>
        firstMatch(wxRules, {
          entry,
          number: typeof call === 'number' ? call : (syscallNumber(entry, call) as number),
          arguments: Array.from({ length: 6 }, (_, index) => BigInt.asUintN(64, BigInt(values[index] ?? 0))),
        }),
      ),
    );
    for (const rule of wxRules) {
      assert.deepEqual(rule.verdict, { kind: 'errno', errno: 'EACCES' });
      assert.ok(rule.sentence.length > 20);
      assert.ok(met.has(rule), `${rule.entry} ${rule.call}: no sample`);
    }
  });

  test('no rule of the service stands before one of W^X, and none allows but pidfds and what was judged before', () => {
    assert.deepEqual(
      wx.rules.slice(0, wxRules.length).map(({ verdict }) => name(verdict)),
      wxRules.map(() => 'EACCES'),
    );
    for (const { call, verdict } of wx.rules.slice(wxRules.length)) {
      if (verdict.kind === 'allow') assert.ok(call === 'process_madvise' || call === 'mmap2', call);
      if (verdict.kind === 'errno') assert.ok(call === 'uselib' || call === 'ioctl', call);
    }
  });

  test('whatever else a request says, W and X together are refused, and so is X that is added', () => {
    const register = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const six = fc.tuple(register, register, register, register, register, register);
    const program = compileFilter(wx);
    fc.assert(
      fc.property(fc.constantFrom(...BOTH), six, (entry, values) => {
        const answer = (call: SyscallName, bits: bigint): number =>
          execute(program, {
            number: syscallNumber(entry, call) as number,
            architecture: ARCHITECTURES[entry],
            arguments: values.map((value, index) => (index === 2 ? value | bits : value)),
          }).value;
        assert.equal(answer(MMAP[entry], 6n), 0x5000d);
        assert.equal(answer('mprotect', 4n), 0x5000d);
        assert.equal(answer('pkey_mprotect', 4n), 0x5000d);
        assert.equal(answer('shmat', 0o100000n), 0x5000d);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('wx', () => {
  const wx = rulesOf(policyOf('wx'));
  test('has the supervisor asked about what may be granted without X, and refuses the rest', () => {
    for (const sample of REQUESTED) assert.equal(verdictOf(wx, sample), 'notify', say(sample));
    for (const sample of NEVER_GRANTED) assert.equal(verdictOf(wx, sample), 'EACCES', say(sample));
  });
  test('lets go on what it lets go on without emulation, but for what emulation has to know', () => {
    for (const sample of ALLOWED) assert.equal(verdictOf(wx, sample), 'allow', say(sample));
    for (const sample of [...NOTIFIED, ...WATCHED]) assert.equal(verdictOf(wx, sample), 'notify', say(sample));
  });
  test('asks about executions in a run whose program asks for an executable stack, and in no other', () => {
    const looking = policyRules(policyOf('wx'), [...executionRules, ...serviceRules(policyOf('wx'), WINDOW)]);
    for (const sample of EXECUTED) {
      assert.equal(verdictOf(wx, sample), 'allow', say(sample));
      assert.equal(verdictOf(looking, sample), 'notify', say(sample));
    }
  });
  test('whatever else a request says, the kernel never grants by itself what a rule is about', () => {
    const register = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const six = fc.tuple(register, register, register, register, register, register);
    const program = compileFilter(wx);
    fc.assert(
      fc.property(fc.constantFrom(...BOTH), fc.constantFrom(...wxRules), six, (entry, { call }, values) => {
        const number = syscallNumber(entry, call);
        if (number === undefined) return;
        const asked = { entry, number, arguments: values };
        if (firstMatch(wxRules, asked) === undefined) return;
        const { value } = execute(program, { number, architecture: ARCHITECTURES[entry], arguments: values });
        assert.ok(value === 0x5000d || value === 0x7fc00000, `${entry} ${call} ${values.join(', ')}: ${value}`);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('which rules are emulated', () => {
  const emulated = (policy: Policy): string[] =>
    wxRules.filter((rule) => isEmulated(policy, rule)).map(({ entry, call }) => `${entry} ${call}`);

  test('those of memory that is asked for writable and executable, or made executable', () => {
    const calls = ['x86-64 mmap', 'x86-64 mprotect', 'x86-64 pkey_mprotect', 'i386 mmap2', 'i386 mprotect'];
    for (const level of ['wx', 'strict'] as const) {
      assert.deepEqual(emulated(policyOf(level)), [...calls, 'i386 pkey_mprotect'], level);
    }
  });
  test('none where nothing is emulated', () => {
    for (const level of levelNames) assert.deepEqual(emulated(policyOf(level, [], 'none')), [], level);
    for (const level of ['off', 'log'] as const) assert.deepEqual(emulated(policyOf(level)), [], level);
    assert.deepEqual(emulated(policyOf('wx', [{ verb: 'deny', kind: 'exectramp' }])), []);
    assert.deepEqual(emulated(policyOf('strict', [{ verb: 'allow', kind: 'execheap' }])), []);
  });
});

describe('the other policies', () => {
  test('log: notified of all that wx refuses, and denies nothing', () => {
    const log = rulesOf(policyOf('log'));
    for (const sample of REFUSED) assert.equal(verdictOf(log, sample), 'notify', say(sample));
    for (const sample of ALLOWED) assert.equal(verdictOf(log, sample), 'allow', say(sample));
    for (const sample of NOTIFIED) assert.equal(verdictOf(log, sample), 'notify', say(sample));
  });

  test('off: only the service is left', () => {
    const off = rulesOf(policyOf('off'));
    for (const sample of NOTIFIED) assert.equal(verdictOf(off, sample), 'notify', say(sample));
    for (const sample of REFUSED) {
      const verdict = verdictOf(off, sample);
      // An executable mapping of a file is the service's to judge, for it may be a table.
      const ofFile = sample[1] === MMAP[sample[0]] && (Number(sample[5]) & 0x820) === 0;
      assert.equal(verdict, ofFile ? 'notify' : 'allow', say(sample));
    }
  });
});

describe('the filter', () => {
  const limits = [0n, 1n, 2n, 3n, 4n, 16n, 64n, 256n, 1024n, 4096n, 65536n, 1048576n, 2n ** 64n - 1n];
  for (const level of levelNames) {
    const policy = policyOf(level);
    test(`${level}: is a program that the kernel takes, and short, for every limit of open files`, () => {
      for (const limit of limits) {
        const length = verify(compileFilter(policyRules(policy, serviceRules(policy, windowFor(limit)))));
        assert.ok(length < (allows(policy, 'execfile') ? 600 : 1152), `${length} instructions at a limit of ${limit}`);
      }
    });
  }

  test('a call without a rule is let go after a few instructions, in every policy', () => {
    for (const level of levelNames) {
      const program = compileFilter(rulesOf(policyOf(level)));
      for (const entry of BOTH) {
        const { rules } = rulesOf(policyOf(level));
        const named = new Set(
          rules.filter((rule) => rule.entry === entry).map((rule) => syscallNumber(entry, rule.call)),
        );
        for (let number = 0; number < FIRST_UNKNOWN_SYSCALL; number++) {
          if (named.has(number) || unusedNumbers[entry].some(({ from, to }) => from <= number && number <= to))
            continue;
          const { value, steps } = execute(program, { number, architecture: ARCHITECTURES[entry], arguments: [] });
          assert.equal(value, 0x7fff0000);
          assert.ok(steps <= 18, `${entry} ${number}: ${steps}`);
        }
      }
    }
  });
});
