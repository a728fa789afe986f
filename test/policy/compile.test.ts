/**
 * A compiled filter answers what evaluate.ts says, for any rules and any call; and it is a program that the kernel takes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { errnoNumbers } from '../../src/abi/errno.js';
import { type Entry, type SyscallName, syscallNumber, syscallNumbers } from '../../src/abi/syscalls.js';
import { compileFilter } from '../../src/policy/compile.js';
import { type Call, evaluate } from '../../src/policy/evaluate.js';
import {
  type ArgumentIndex,
  allow,
  type Condition,
  failWith,
  notify,
  type Rule,
  type RuleSet,
  type Verdict,
} from '../../src/policy/rule.js';
import { execute, verify } from './bpf.js';

const ARCHITECTURES: Readonly<Record<Entry, number>> = { 'x86-64': 0xc000003e, i386: 0x40000003 };

/** The return value that seccomp(2) gives a verdict. */
function returnValue(verdict: Verdict): number {
  if (verdict.kind === 'errno') return 0x00050000 + errnoNumbers[verdict.errno];
  return verdict.kind === 'notify' ? 0x7fc00000 : 0x7fff0000;
}

/** Holds one call's answer against the reference. */
function agree(set: RuleSet, program: Uint8Array, call: Call, architecture: number): void {
  const { value } = execute(program, { number: call.number, architecture, arguments: call.arguments });
  assert.equal(
    value,
    returnValue(evaluate(set, call)),
    JSON.stringify(call, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  );
}

// Few different values, so that conditions and calls meet; and those where signs, carries and halves go wrong.
const WORDS: readonly number[] = [
  0, 1, 2, 4, 5, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 64512, 65535,
];
const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);
const register = fc
  .tuple(fc.oneof(fc.constant(0), word), word)
  .map(([high, low]) => (BigInt(high) << 32n) | BigInt(low));
const argument = fc.constantFrom<ArgumentIndex>(0, 1, 2, 3, 4, 5);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ argument, is: fc.constantFrom('any-bit' as const, 'no-bit' as const), mask: word }),
  fc.record({ argument, is: fc.constantFrom('equal' as const, 'not-equal' as const), value: word }),
  fc.record({ argument, is: fc.constant('masked-equal' as const), mask: word, value: word }),
  fc.record({
    argument,
    is: fc.constantFrom('one-of' as const, 'none-of' as const),
    values: fc.array(word, { minLength: 1, maxLength: 6 }),
  }),
  fc.record({ argument, is: fc.constant('within' as const), from: word, below: word }),
  fc.record({
    argument,
    is: fc.constantFrom('equal-64' as const, 'above-64' as const, 'at-most-64' as const),
    value: register,
  }),
);

const errnoNames = Object.keys(errnoNumbers) as (keyof typeof errnoNumbers)[];
const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom(allow, notify),
  fc.constantFrom(...errnoNames).map((name) => failWith(name)),
);

const entry = fc.constantFrom<Entry>('x86-64', 'i386');

function rule(most: number): fc.Arbitrary<Rule> {
  return entry.chain((from) =>
    fc.record({
      entry: fc.constant(from),
      call: fc.constantFrom(...(Object.keys(syscallNumbers[from]) as SyscallName[])),
      when: fc.array(condition, { maxLength: most }),
      verdict,
    }),
  );
}

function ruleSet(mostRules: number, mostConditions: number): fc.Arbitrary<RuleSet> {
  return fc.record({
    rules: fc.array(rule(mostConditions), { maxLength: mostRules }),
    otherEntry: verdict,
    x32: verdict,
  });
}

/** A call: mostly one that the rules name, by either entry; else any number. */
function callFor(set: RuleSet): fc.Arbitrary<Call> {
  const named = set.rules.map((one) => syscallNumber(one.entry, one.call) as number);
  const edges = [0, 0x3fffffff, 0x40000000, 0x400001b8, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
  const near = named.flatMap((number) => [
    number,
    number,
    number,
    Math.max(number - 1, 0),
    number + 1,
    number + 2 ** 30,
  ]);
  return fc.record({
    entry,
    number: fc.constantFrom(...edges, ...near),
    arguments: fc.array(register, { minLength: 6, maxLength: 6 }),
  });
}

describe('compiled filters equal the reference', () => {
  test('any rules, any calls', () => {
    const cases = ruleSet(12, 3).chain((set) => fc.tuple(fc.constant(set), fc.array(callFor(set), { minLength: 8 })));
    fc.assert(
      fc.property(cases, ([set, calls]) => {
        const program = compileFilter(set);
        verify(program);
        for (const call of calls) agree(set, program, call, ARCHITECTURES[call.entry as Entry]);
      }),
      { numRuns: 1500 },
    );
  });

  test('every condition alone, both ways', () => {
    fc.assert(
      fc.property(condition, fc.array(register, { minLength: 6, maxLength: 6 }), entry, (one, values, from) => {
        const set: RuleSet = {
          rules: [{ entry: from, call: 'write', when: [one], verdict: failWith('ELIBBAD') }],
          otherEntry: allow,
          x32: allow,
        };
        const call: Call = { entry: from, number: syscallNumber(from, 'write') as number, arguments: values };
        agree(set, compileFilter(set), call, ARCHITECTURES[from]);
      }),
      { numRuns: 20_000 },
    );
  });

  test('many rules: blocks that no conditional jump reaches over', () => {
    const cases = fc
      .record({ rules: fc.array(rule(4), { minLength: 150, maxLength: 250 }), otherEntry: verdict, x32: verdict })
      .chain((set) => fc.tuple(fc.constant(set), fc.array(callFor(set), { minLength: 50, maxLength: 80 })));
    let longest = 0;
    fc.assert(
      fc.property(cases, ([set, calls]) => {
        const program = compileFilter(set);
        longest = Math.max(longest, verify(program));
        for (const call of calls) agree(set, program, call, ARCHITECTURES[call.entry as Entry]);
      }),
      { numRuns: 60 },
    );
    assert.ok(longest > 1000, `the longest program had ${longest} instructions`);
  });

  test('one call with a chain of more than 255 instructions, the first and the last rule of it', () => {
    const rules = Array.from(
      { length: 200 },
      (_, index): Rule => ({
        entry: 'x86-64',
        call: 'dup',
        when: [{ argument: 0, is: 'equal-64', value: BigInt(index) }],
        verdict: failWith(index % 2 === 0 ? 'ENOTTY' : 'E2BIG'),
      }),
    );
    for (const others of [[], [{ entry: 'x86-64', call: 'read', when: [], verdict: notify }] as const]) {
      const set: RuleSet = { rules: [...rules, ...others], otherEntry: failWith('EIO'), x32: failWith('EIO') };
      const program = compileFilter(set);
      assert.ok(verify(program) > 5 * 200);
      for (const number of [0, 31, 32, 33, 1000, 0x40000020]) {
        for (let value = 0n; value < 203n; value++) {
          const call: Call = { entry: 'x86-64', number, arguments: [value, 0n, 0n, 0n, 0n, 0n] };
          agree(set, program, call, ARCHITECTURES['x86-64']);
        }
      }
    }
  });

  test('other architectures get the verdict for them, whatever the number', () => {
    fc.assert(
      fc.property(ruleSet(10, 2), fc.integer({ min: 0, max: 0xffffffff }), fc.nat(500), (set, architecture, number) => {
        fc.pre(!Object.values(ARCHITECTURES).includes(architecture));
        agree(set, compileFilter(set), { entry: undefined, number, arguments: [] }, architecture);
      }),
    );
    const set: RuleSet = { rules: [], otherEntry: failWith('EIO'), x32: allow };
    // arm64, arm, riscv64, x86-64 without its 64-bit mark, and i386 with it.
    for (const architecture of [0xc00000b7, 0x40000028, 0xc00000f3, 0x4000003e, 0xc0000003, 0]) {
      const { value } = execute(compileFilter(set), { number: 1, architecture, arguments: [] });
      assert.equal(value, 0x00050000 + 5);
    }
  });

  test('x32 numbers: from bit 30 on, but for -1, and only of x86-64', () => {
    const set: RuleSet = { rules: [], otherEntry: failWith('EIO'), x32: failWith('EACCES') };
    const program = compileFilter(set);
    const value = (number: number, from: Entry): number =>
      execute(program, { number, architecture: ARCHITECTURES[from], arguments: [] }).value;
    for (const number of [0x40000000, 0x40000009, 0x7fffffff, 0x80000000, 0xfffffffe]) {
      assert.equal(value(number, 'x86-64'), 0x00050000 + 13, `0x${number.toString(16)}`);
      assert.equal(value(number, 'i386'), 0x7fff0000, `0x${number.toString(16)}`);
    }
    for (const number of [0, 9, 0x3fffffff, 0xffffffff]) assert.equal(value(number, 'x86-64'), 0x7fff0000);
  });
});

describe('what cannot be compiled', () => {
  const allowed = { otherEntry: allow, x32: allow } as const;

  test('a call that its entry does not have is EINVAL, and named', () => {
    const rules: Rule[] = [{ entry: 'x86-64', call: 'mmap2', when: [], verdict: notify }];
    assert.throws(() => compileFilter({ rules, ...allowed }), { code: 'EINVAL', message: /x86-64 has no.*mmap2/ });
  });

  test('a program of more than 4096 instructions is EINVAL; one of 4096 is compiled', () => {
    const rules = (count: number): Rule[] =>
      Array.from({ length: count }, () => ({
        entry: 'i386',
        call: 'dup',
        when: [{ argument: 0, is: 'equal', value: 1 }],
        verdict: notify,
      }));
    const length = (count: number): number => verify(compileFilter({ rules: rules(count), ...allowed }));
    const fixed = length(1000) - 3000;
    const most = Math.floor((4096 - fixed) / 3);
    assert.equal(length(most), fixed + 3 * most);
    assert.throws(() => length(most + 1), { code: 'EINVAL', message: /instructions/ });
  });

  test('a rule with more conditions than a jump can skip is refused, never compiled wrong', () => {
    const when = Array.from({ length: 200 }, (): Condition => ({ argument: 0, is: 'not-equal', value: 1 }));
    assert.throws(() => compileFilter({ rules: [{ entry: 'i386', call: 'dup', when, verdict: notify }], ...allowed }));
  });

  test('no rules at all are a program that allows', () => {
    const program = compileFilter({ rules: [], ...allowed });
    assert.ok(verify(program) < 16);
    for (const architecture of Object.values(ARCHITECTURES)) {
      assert.equal(execute(program, { number: 1, architecture, arguments: [] }).value, 0x7fff0000);
    }
  });
});
