/**
 * From rules to a seccomp filter: a classic BPF program over struct seccomp_data (seccomp(2), linux/filter.h).
 *
 * The program is made of blocks. A block is a list of instructions that begins with no assumption about the accumulator
 * and ends in a return on every path, so that blocks can be put behind one another and be jumped over. A conditional
 * jump reaches 255 instructions; a longer way goes through an unconditional one.
 *
 * First the entry is looked at, for a number means another call in each; then the number, by halving the ranges, so that
 * a hot call that no rule names is let go after a handful of comparisons (and, where the kernel can see that no argument
 * matters, without running the program at all: Linux 5.11 remembers such numbers).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { BPF, SOCK_FILTER_SIZE } from '../abi/filter.js';
import { AUDIT_ARCH, SECCOMP, SECCOMP_DATA, X32_SYSCALL_BIT } from '../abi/seccomp.js';
import { type Entry, FIRST_UNKNOWN_SYSCALL, syscallNumber, unusedNumbers } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import { type ArgumentIndex, allow, type Condition, type Rule, type RuleSet, type Verdict } from './rule.js';

/** One struct sock_filter. */
interface Instruction {
  readonly code: number;
  /** Instructions to skip where the condition holds, and where it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

type Block = readonly Instruction[];

const LONGEST_JUMP = 255;

function statement(code: number, k: number): Instruction {
  return { code, jt: 0, jf: 0, k };
}

/** Loads a 32-bit word of struct seccomp_data into the accumulator. */
function load(offset: number): Instruction {
  return statement(BPF.BPF_LD | BPF.BPF_W | BPF.BPF_ABS, offset);
}

/** Compares the accumulator with a constant by `test`; skips `jt` or `jf` instructions. */
function jump(test: 'BPF_JEQ' | 'BPF_JGE' | 'BPF_JGT' | 'BPF_JSET', k: number, jt: number, jf: number): Instruction {
  if (jt > LONGEST_JUMP || jf > LONGEST_JUMP) throw new RangeError('filter: a jump over more than 255 instructions');
  return { code: BPF.BPF_JMP | BPF[test] | BPF.BPF_K, jt, jf, k: k >>> 0 };
}

/** `test` chooses between two blocks; the accumulator is what it was before. */
function choose(test: 'BPF_JEQ' | 'BPF_JGE', k: number, yes: Block, no: Block): Block {
  // By concat, which copies blocks at once: a filter is compiled in each start, before any of this is fast.
  if (yes.length <= LONGEST_JUMP) return [jump(test, k, 0, yes.length)].concat(yes, no);
  return [jump(test, k, 1, 0), statement(BPF.BPF_JMP | BPF.BPF_JA, yes.length)].concat(yes, no);
}

/** Ends the program with a verdict. */
function end(verdict: Verdict): Block {
  const value = {
    allow: SECCOMP.SECCOMP_RET_ALLOW,
    notify: SECCOMP.SECCOMP_RET_USER_NOTIF,
    errno: SECCOMP.SECCOMP_RET_ERRNO | (verdict.kind === 'errno' ? errnoNumbers[verdict.errno] : 0),
  }[verdict.kind];
  return [statement(BPF.BPF_RET | BPF.BPF_K, value)];
}

/** Offset of an argument's lower 32 bits (both architectures are little-endian), and of the upper ones. */
function lowWord(argument: ArgumentIndex): number {
  return SECCOMP_DATA.args + argument * 8;
}
function highWord(argument: ArgumentIndex): number {
  return lowWord(argument) + 4;
}

/**
 * Instructions that go on behind themselves where a condition holds, and else skip `otherwise` further instructions,
 * counted from their own end.
 */
function test(condition: Condition, otherwise: number): Block {
  const low = load(lowWord(condition.argument));
  const high = load(highWord(condition.argument));
  switch (condition.is) {
    case 'any-bit':
      return [low, jump('BPF_JSET', condition.mask, 0, otherwise)];
    case 'no-bit':
      return [low, jump('BPF_JSET', condition.mask, otherwise, 0)];
    case 'equal':
      return [low, jump('BPF_JEQ', condition.value, 0, otherwise)];
    case 'not-equal':
      return [low, jump('BPF_JEQ', condition.value, otherwise, 0)];
    case 'masked-equal':
      return [
        low,
        statement(BPF.BPF_ALU | BPF.BPF_AND | BPF.BPF_K, condition.mask),
        jump('BPF_JEQ', condition.value, 0, otherwise),
      ];
    case 'one-of':
      return [
        low,
        ...condition.values.map((value, index) => {
          const left = condition.values.length - 1 - index;
          return jump('BPF_JEQ', value, left, left === 0 ? otherwise : 0);
        }),
      ];
    case 'none-of':
      return [
        low,
        ...condition.values.map((value, index) =>
          jump('BPF_JEQ', value, condition.values.length - 1 - index + otherwise, 0),
        ),
      ];
    case 'within':
      return [low, jump('BPF_JGE', condition.from, 0, otherwise + 1), jump('BPF_JGE', condition.below, otherwise, 0)];
    case 'equal-64':
      return [
        high,
        jump('BPF_JEQ', Number(condition.value >> 32n), 0, otherwise + 2),
        low,
        jump('BPF_JEQ', Number(condition.value & 0xffffffffn), 0, otherwise),
      ];
    case 'above-64':
      return [
        high,
        jump('BPF_JGT', Number(condition.value >> 32n), 3, 0),
        jump('BPF_JEQ', Number(condition.value >> 32n), 0, otherwise + 2),
        low,
        jump('BPF_JGT', Number(condition.value & 0xffffffffn), 0, otherwise),
      ];
    case 'at-most-64':
      return [
        high,
        jump('BPF_JGT', Number(condition.value >> 32n), otherwise + 3, 0),
        jump('BPF_JEQ', Number(condition.value >> 32n), 0, 2),
        low,
        jump('BPF_JGT', Number(condition.value & 0xffffffffn), otherwise, 0),
      ];
  }
}

/** The rules of one call, tried in order. */
function chain(rules: readonly Rule[]): Block {
  let block: Block = end(allow);
  for (const rule of [...rules].reverse()) {
    let taken: Block = end(rule.verdict);
    for (const condition of [...rule.when].reverse()) taken = test(condition, taken.length).concat(taken);
    // What stands behind a rule without conditions is never reached.
    block = rule.when.length === 0 ? taken : taken.concat(block);
  }
  return block;
}

/** What is decided of a number, or of all from one to another. */
interface NumberedRules {
  readonly number: number;
  /** The last number that it is decided of. */
  readonly to: number;
  readonly block: Block;
}

function lone({ number, to, block }: NumberedRules): Block {
  if (number === to) return choose('BPF_JEQ', number, block, end(allow));
  return choose('BPF_JGE', number, choose('BPF_JGE', to + 1, end(allow), block), end(allow));
}

/** Whether a block is the same verdict as another, whatever the arguments are. */
function isSameEnd(one: Block, other: Block): boolean {
  return one.length === 1 && other.length === 1 && one[0]?.code === other[0]?.code && one[0]?.k === other[0]?.k;
}

/** Neighbours of which the same is decided, whatever the arguments are, as one. */
function merged(calls: readonly NumberedRules[]): readonly NumberedRules[] {
  const result: NumberedRules[] = [];
  for (const call of calls) {
    const before = result.at(-1);
    if (before !== undefined && before.to + 1 === call.number && isSameEnd(before.block, call.block)) {
      result[result.length - 1] = { ...before, to: call.to };
    } else {
      result.push(call);
    }
  }
  return result;
}

/** Finds a number by halving; the accumulator holds the number. */
function search(calls: readonly NumberedRules[]): Block {
  const [first] = calls;
  if (first === undefined) return end(allow);
  if (calls.length === 1) return lone(first);
  const middle = calls.length >> 1;
  const pivot = calls[middle] as NumberedRules;
  return choose('BPF_JGE', pivot.number, search(calls.slice(middle)), search(calls.slice(0, middle)));
}

/** A verdict on a number, but for -1, which is how a tracer skips a call. */
function skipped(verdict: Verdict): Block {
  return choose('BPF_JEQ', 0xffffffff, end(allow), end(verdict));
}

/** All that is decided of one entry's calls. */
function entryBlock(entry: Entry, set: RuleSet): Block {
  const byNumber = new Map<number, Rule[]>();
  for (const rule of set.rules) {
    if (rule.entry !== entry) continue;
    const number = syscallNumber(entry, rule.call);
    if (number === undefined) {
      throw new TrampfdError('EINVAL', `policy: ${entry} has no system call ${rule.call}; name one that it has`);
    }
    byNumber.set(number, [...(byNumber.get(number) ?? []), rule]);
  }
  const { unknown } = set;
  const unused = unknown === undefined ? [] : unusedNumbers[entry];
  const calls = [
    ...[...byNumber].map(([number, rules]) => ({ number, to: number, block: chain(rules) })),
    ...unused.map(({ from, to }) => ({ number: from, to, block: end(unknown ?? allow) })),
  ].sort((left, right) => left.number - right.number);
  const found =
    set.unknown === undefined
      ? search(merged(calls))
      : choose('BPF_JGE', FIRST_UNKNOWN_SYSCALL, skipped(set.unknown), search(merged(calls)));
  if (entry !== 'x86-64') return [load(SECCOMP_DATA.nr), ...found];
  const x32 = skipped(set.x32);
  return [load(SECCOMP_DATA.nr), ...choose('BPF_JGE', X32_SYSCALL_BIT, x32, found)];
}

/**
 * Compiles rules into a filter.
 *
 * @returns struct sock_filter instructions, as seccomp(2) takes them
 * @throws TrampfdError EINVAL where a rule names a call that its entry does not have, or where the program would be
 * longer than the kernel takes (4096 instructions)
 */
export function compileFilter(set: RuleSet): Uint8Array {
  const program: Block = [
    load(SECCOMP_DATA.arch),
    ...choose(
      'BPF_JEQ',
      AUDIT_ARCH.AUDIT_ARCH_X86_64,
      entryBlock('x86-64', set),
      choose('BPF_JEQ', AUDIT_ARCH.AUDIT_ARCH_I386, entryBlock('i386', set), end(set.otherEntry)),
    ),
  ];
  if (program.length > BPF.BPF_MAXINSNS) {
    throw new TrampfdError('EINVAL', `policy: the filter has ${program.length} instructions; the kernel takes 4096`);
  }
  const bytes = new Uint8Array(program.length * SOCK_FILTER_SIZE);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = index * SOCK_FILTER_SIZE;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k >>> 0, true);
  });
  return bytes;
}
