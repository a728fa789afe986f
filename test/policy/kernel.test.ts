/**
 * The running kernel answers calls under a compiled filter as evaluate.ts says: by the 64-bit entry, by a 32-bit program,
 * and by a 64-bit program that enters as i386 with all 64 bits of its registers set.
 *
 * All calls are on descriptors that are not open, so whatever is let through does no harm; the error numbers of the
 * verdicts are ones that none of these calls has.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { errnoNumbers } from '../../src/abi/errno.js';
import { type Entry, syscallNumber } from '../../src/abi/syscalls.js';
import { compileFilter } from '../../src/policy/compile.js';
import { type Call, evaluate } from '../../src/policy/evaluate.js';
import { policyOf } from '../../src/policy/kinds.js';
import {
  type ArgumentIndex,
  allow,
  type Condition,
  failWith,
  notify,
  type Rule,
  type RuleSet,
} from '../../src/policy/rule.js';
import { policyRules } from '../../src/policy/wx.js';
import { compileProgram } from '../programs/compile.js';

const scratch = mkdtempSync(join(tmpdir(), 'trampfd-policy-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** How a call is made. */
interface Way {
  readonly title: string;
  readonly entry: Entry;
  readonly binary: string;
  /** What marks the calls in the program's input. */
  readonly prefix: string;
  /** Bits of an argument register that reach the kernel. */
  readonly bits: 32 | 64;
}

const wide = compileProgram('policy/calls.c', { flags: ['-O2'] });
const narrow = compileProgram('policy/calls.c', {
  flags: ['-m32', '-O2', '-fomit-frame-pointer', '-idirafter', '/usr/include/x86_64-linux-gnu'],
});
const WAYS: readonly Way[] = [
  { title: 'x86-64', entry: 'x86-64', binary: wide, prefix: '', bits: 64 },
  { title: 'i386', entry: 'i386', binary: narrow, prefix: '', bits: 32 },
  { title: 'i386 from a 64-bit program', entry: 'i386', binary: wide, prefix: 'i', bits: 64 },
];

/** Makes calls under a filter: their results, errors negated. */
function results(way: Way, filter: Uint8Array, calls: readonly Call[]): number[] {
  const file = join(scratch, 'filter');
  writeFileSync(file, filter);
  const input = calls.map(
    (call) => `${way.prefix}${[call.number, ...call.arguments].map((value) => value.toString(16)).join(' ')}\n`,
  );
  const done = spawnSync(way.binary, [file], { input: input.join(''), encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([done.status, done.signal, done.stderr], [0, null, '']);
  return done.stdout.trimEnd().split('\n').map(Number);
}

const VERDICTS = [
  allow,
  // Without a listener the kernel answers ENOSYS.
  notify,
  failWith('ELIBBAD'),
  failWith('EINPROGRESS'),
  failWith('ECHILD'),
  failWith('ETXTBSY'),
] as const;
const TELLING: readonly number[] = ['ELIBBAD', 'EINPROGRESS', 'ECHILD', 'ETXTBSY'].map(
  (name) => -errnoNumbers[name as keyof typeof errnoNumbers],
);

const CALLS = ['read', 'write', 'lseek', 'pread64', 'dup', 'dup2', 'fcntl'] as const;

/** The program's own input and output are let through first. */
const OWN: readonly Rule[] = (['x86-64', 'i386'] as const).flatMap((entry) =>
  CALLS.map(
    (call): Rule => ({ entry, call, when: [{ argument: 0, is: 'within', from: 0, below: 16 }], verdict: allow }),
  ),
);

/** Descriptors that are never open, as the lower 32 bits of the first argument. */
const descriptor = fc.constantFrom(0x10000000, 0x7ffffff0, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff);
const word = fc.constantFrom(0, 1, 2, 4, 0x7fffffff, 0x80000000, 0xffffffff);
const join64 = ([high, low]: readonly [number, number]): bigint => (BigInt(high) << 32n) | BigInt(low);
const first = fc.tuple(word, descriptor).map(join64);
const other = fc.tuple(fc.oneof(fc.constant(0), word), word).map(join64);
const low = fc.oneof(descriptor, word);
const argument = fc.constantFrom<ArgumentIndex>(0, 0, 1, 2, 3, 4, 5);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ argument, is: fc.constantFrom('any-bit' as const, 'no-bit' as const), mask: low }),
  fc.record({ argument, is: fc.constantFrom('equal' as const, 'not-equal' as const), value: low }),
  fc.record({ argument, is: fc.constant('masked-equal' as const), mask: low, value: low }),
  fc.record({
    argument,
    is: fc.constantFrom('one-of' as const, 'none-of' as const),
    values: fc.array(low, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ argument, is: fc.constant('within' as const), from: low, below: low }),
  fc.record({
    argument,
    is: fc.constantFrom('equal-64' as const, 'above-64' as const, 'at-most-64' as const),
    value: fc.oneof(first, other),
  }),
);

/** Rules of one entry, and calls that they may match. */
function cases(entry: Entry): fc.Arbitrary<readonly [RuleSet, readonly Call[]]> {
  const rule = fc.record({
    entry: fc.constant(entry),
    call: fc.constantFrom(...CALLS),
    when: fc.array(condition, { maxLength: 2 }),
    verdict: fc.constantFrom(...VERDICTS),
  });
  const set = fc.record({
    rules: fc.array(rule, { minLength: 5, maxLength: 40 }).map((rules) => [...OWN, ...rules]),
    otherEntry: fc.constant(failWith('ECHILD')),
    x32: fc.constantFrom(...VERDICTS),
  });
  const numbers = CALLS.map((call) => syscallNumber(entry, call) as number);
  const x32 = entry === 'x86-64' ? numbers.map((number) => number + 2 ** 30) : [];
  const call = fc
    .tuple(fc.constantFrom(...numbers, ...numbers, ...x32), first, fc.array(other, { minLength: 5, maxLength: 5 }))
    .map(([number, one, rest]): Call => ({ entry, number, arguments: [one, ...rest] }));
  return fc.tuple(set, fc.array(call, { minLength: 60, maxLength: 60 }));
}

describe('the kernel under a compiled filter', () => {
  for (const way of WAYS) {
    test(`${way.title}: answers as the reference says`, () => {
      fc.assert(
        fc.property(cases(way.entry), ([set, calls]) => {
          const answers = results(way, compileFilter(set), calls);
          assert.equal(answers.length, calls.length);
          calls.forEach((call, index) => {
            const seen = { ...call, arguments: call.arguments.map((value) => BigInt.asUintN(way.bits, value)) };
            const verdict = evaluate(set, seen);
            const answer = answers[index] as number;
            const said = `${way.title} ${call.number} ${call.arguments.map((value) => value.toString(16))} = ${answer}`;
            if (verdict.kind === 'errno') assert.equal(answer, -errnoNumbers[verdict.errno], said);
            else if (verdict.kind === 'notify') assert.equal(answer, -errnoNumbers.ENOSYS, said);
            else assert.ok(answer < 0 && !TELLING.includes(answer), said);
          });
        }),
        { numRuns: 40 },
      );
    });
  }

  test('a 64-bit program that enters as i386 is judged by the lower halves of its registers', () => {
    const rules: Rule[] = [
      {
        entry: 'i386',
        call: 'dup',
        when: [{ argument: 0, is: 'equal', value: 0x7ffffff0 }],
        verdict: failWith('ELIBBAD'),
      },
    ];
    const way = WAYS[2] as Way;
    const call = (value: bigint): Call => ({ entry: 'i386', number: 41, arguments: [value, 0n, 0n, 0n, 0n, 0n] });
    const filter = compileFilter({ rules, otherEntry: allow, x32: allow });
    const calls = [0x7ffffff0n, 0x12345678_7ffffff0n, 0x7ffffff0_7ffffff1n].map(call);
    assert.deepEqual(results(way, filter, calls), [-80, -80, -9]);
  });

  for (const way of WAYS) {
    const mapping = { 'x86-64': 'mmap', i386: 'mmap2' } as const;
    const number = syscallNumber(way.entry, mapping[way.entry]) as number;
    // No descriptor, so that what is let through fails with EBADF.
    const calls = [7n, 6n, 0xffffffff_00000007n, 5n, 3n, 1n, 0n].map(
      (protection): Call => ({
        entry: way.entry,
        number,
        arguments: [0n, 4096n, protection, 2n, 0xffffffffn, 0n],
      }),
    );
    test(`${way.title}: the filter of wx without emulation is taken, and refuses with EACCES`, () => {
      const filter = compileFilter(policyRules(policyOf('wx', [], 'none'), []));
      assert.deepEqual(results(way, filter, calls), [-13, -13, -13, -9, -9, -9, -9]);
    });
    test(`${way.title}: the filter of wx is taken, and refuses with ENOSYS where no supervisor is left to ask`, () => {
      const filter = compileFilter(policyRules(policyOf('wx'), []));
      assert.deepEqual(results(way, filter, calls), [-38, -38, -38, -9, -9, -9, -9]);
    });
  }
});
