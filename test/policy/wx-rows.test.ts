/**
 * Every way to execute self-written bytes that the policy `wx` closes, tried for real: without a supervisor (there the
 * bytes run, which is the proof that the test can fail), and under each policy, with trampolines emulated and without.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

type Width = 'x86-64' | 'i386';

/** One program of test/programs/wx; its file says which way it tries. */
interface Row {
  readonly program: string;
  readonly widths: readonly Width[];
  /** What the kernel alone answers to a variant (all of them: `*`), where it does not let the bytes run. */
  readonly kernel?: Readonly<Record<string, string>>;
  /** The variants whose request is granted without X, where trampolines are emulated: all others are refused then too. */
  readonly granted?: (variant: string) => boolean;
}

const BOTH: readonly Width[] = ['x86-64', 'i386'];

/** All variants but those of some names. */
function but(...names: readonly string[]): (variant: string) => boolean {
  return (variant) => !names.includes(variant);
}

const ROWS: readonly Row[] = [
  { program: 'row-01-anonymous', widths: BOTH, granted: () => true },
  { program: 'row-02-mprotect', widths: BOTH, granted: but('shared') },
  { program: 'row-03-rewritten', widths: BOTH, granted: but('file-text', 'vdso') },
  // No stack of an x86 machine grows upwards, and the two bits contradict each other.
  {
    program: 'row-04-stack',
    widths: BOTH,
    kernel: { 'grows-up': 'EINVAL', 'grows-both': 'EINVAL' },
    granted: () => true,
  },
  { program: 'row-05-own-text', widths: BOTH },
  { program: 'row-06-private-file', widths: BOTH },
  { program: 'row-10-mremap', widths: BOTH },
  { program: 'row-12-shmat', widths: BOTH },
  { program: 'row-13-shmat-twice', widths: BOTH },
  { program: 'row-20-personality', widths: BOTH },
  {
    program: 'row-21-i386-entry',
    widths: ['x86-64'],
    granted: but('ipc', 'ipc-twice', 'ipc-version', 'shmat', 'shmat-twice', 'personality'),
  },
  { program: 'row-21-x86-64-entry', widths: ['i386'], granted: but('shmat', 'shmat-twice', 'personality') },
  // Only a kernel with CONFIG_X86_X32_ABI has these numbers.
  { program: 'row-22-x32-numbers', widths: ['x86-64'], kernel: { '*': 'ENOSYS' } },
  { program: 'row-27-device-zero', widths: BOTH },
];

/** An i386 program finds the kernel's headers where the 64-bit ones are; only the libraries are apart. */
const FLAGS: Readonly<Record<Width, readonly string[]>> = {
  'x86-64': ['-m64', '-O2', '-z', 'noexecstack'],
  i386: ['-m32', '-O2', '-z', 'noexecstack', '-idirafter', '/usr/include/x86_64-linux-gnu'],
};

const TRAMPFD = join(root, 'bin', 'trampfd');
const scratch = mkdtempSync(join(tmpdir(), 'trampfd-wx-rows-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function output(command: readonly string[]): string {
  const [file = '', ...args] = command;
  const done = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
  const said = `${command.join(' ')}\n${done.error ?? ''}${done.stdout}${done.stderr}`;
  assert.deepEqual([done.status, done.signal], [0, null], said);
  return done.stdout;
}

/** The command that runs every variant of a program in a process of its own. */
function everyVariant(binary: string, variants: readonly string[]): string[] {
  const script = 'program=$1; shift; for variant; do "$program" "$variant" || exit; done';
  return ['/bin/sh', '-c', script, 'sh', binary, ...variants];
}

function outcomes(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ') as [string, string]),
  );
}

function supervised(policy: string, ...options: readonly string[]): string[] {
  return [TRAMPFD, 'run', '--policy', policy, ...options, '--'];
}

for (const { program, widths, kernel = {}, granted = () => false } of ROWS) {
  for (const width of widths) {
    suite(`${program}, ${width}`, () => {
      const binary = compileProgram(`wx/${program}.c`, { flags: FLAGS[width] });
      const variants = output([binary, '--list']).trimEnd().split('\n');
      const command = everyVariant(binary, variants);
      const bare = Object.fromEntries(
        variants.map((variant) => [variant, kernel[variant] ?? kernel['*'] ?? 'EXEC'] as const),
      );
      const refused = Object.fromEntries(variants.map((variant) => [variant, 'EACCES'] as const));
      // What is granted is not executable: a call faults, for the bytes are no trampoline. Or the kernel refuses it.
      const emulated = Object.fromEntries(
        variants.map((variant) => [variant, granted(variant) ? (kernel[variant] ?? 'SIGSEGV') : 'EACCES'] as const),
      );

      test('the bytes run without us', () => {
        assert.deepEqual(outcomes(output(command)), bare);
      });
      test('wx without emulation refuses every variant', () => {
        assert.deepEqual(outcomes(output([...supervised('wx', '--no-emulation'), ...command])), refused);
      });
      test('wx runs the bytes of none: what is granted is not executable', () => {
        assert.deepEqual(outcomes(output([...supervised('wx'), ...command])), emulated);
      });
      test('off changes nothing', () => {
        assert.deepEqual(outcomes(output([...supervised('off'), ...command])), bare);
      });
      test('log changes nothing', () => {
        const log = join(scratch, `${program}-${width}.jsonl`);
        assert.deepEqual(outcomes(output([...supervised('log', '--log', log), ...command])), bare);
      });
    });
  }
}

test('wx is the policy of a run that names none', () => {
  const binary = compileProgram('wx/row-01-anonymous.c', { flags: FLAGS['x86-64'] });
  assert.equal(output([TRAMPFD, 'run', '--', binary, 'private']), 'private: SIGSEGV\n');
  assert.equal(output([TRAMPFD, 'run', '--no-emulation', '--', binary, 'private']), 'private: EACCES\n');
});

for (const width of BOTH) {
  suite(`what ordinary programs do, ${width}`, () => {
    const binary = compileProgram('wx/combination.c', { flags: FLAGS[width] });

    function passes(...before: readonly string[]): void {
      const lines = output([...before, binary])
        .trimEnd()
        .split('\n');
      const points = lines.filter((line) => /^(not )?ok /.test(line));
      assert.deepEqual(
        points.filter((line) => line.startsWith('not ')),
        [],
        lines.join('\n'),
      );
      assert.equal(lines.at(-1), `1..${points.length}`, lines.join('\n'));
    }

    test('without us', () => passes());
    for (const policy of ['wx', 'off']) test(`under ${policy}`, () => passes(...supervised(policy)));
    test('under log', () => passes(...supervised('log', '--log', join(scratch, `combination-${width}.jsonl`))));
  });
}
