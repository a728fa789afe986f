/**
 * The interface as programs see it: every C program of test/programs/interface under `trampfd run`, as 64-bit and as
 * 32-bit program, with the real kernel. The programs print TAP and judge for themselves.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { copyCommand, SharedFolder } from '../cli/command.js';
import { compileProgram, root } from '../programs/compile.js';

const TRAMPFD = join(root, 'bin', 'trampfd');

type Width = 'x86-64' | 'i386';
const WIDTHS: readonly Width[] = ['x86-64', 'i386'];

/** A 32-bit program finds the kernel's headers where the 64-bit ones are; only the libraries are apart. */
const FLAGS: Readonly<Record<Width, readonly string[]>> = {
  'x86-64': ['-m64', '-std=gnu11', '-pthread'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
};

/** Runs a program under a policy; its output, once it has ended well. */
function runUnder(policy: string, program: string, width: Width, words: readonly string[] = []): string {
  const binary = compileProgram(`interface/${program}.c`, { flags: FLAGS[width] });
  const done = spawnSync(TRAMPFD, ['run', '--policy', policy, '--', binary, ...words], {
    encoding: 'utf8',
    timeout: 240_000,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  const said = `${program} ${words.join(' ')}: status ${done.status}, signal ${done.signal}\n${done.stdout}${done.stderr}`;
  assert.equal(done.stderr, '', said);
  assert.deepEqual([done.status, done.signal], [0, null], said);
  return done.stdout;
}

/** Holds TAP to itself: a plan, as many points as it says, none of them bad. */
function assertTap(text: string): void {
  const lines = text.trimEnd().split('\n');
  const plan = lines.map((line) => /^1\.\.(\d+)$/.exec(line)?.[1]).find((count) => count !== undefined);
  assert.ok(plan !== undefined && Number(plan) > 0, `there is no plan in\n${text}`);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('not ok')),
    [],
    text,
  );
  assert.equal(lines.filter((line) => line.startsWith('ok ')).length, Number(plan), text);
}

for (const width of WIDTHS) {
  suite(`the interface for ${width} programs`, () => {
    for (const [what, program, words] of [
      ['tables are created, configured, mapped, called and dropped', 'tables', []],
      ['every bad argument gets its errno', 'errors', []],
      ['copies of a descriptor, and what a fork has of it', 'copies', []],
      ['threads share tables', 'threads', ['200']],
    ] as const) {
      test(what, () => assertTap(runUnder('wx', program, width, words)));
    }

    for (const policy of ['off', 'log']) {
      test(`the policy ${policy} serves the same`, () => assertTap(runUnder(policy, 'tables', width)));
    }

    for (const mode of ['restart', 'interrupt']) {
      test(`a signal every millisecond (${mode}) spoils nothing`, () => {
        assertTap(runUnder('wx', 'signals', width, [mode, '1500']));
      });
    }

    test('200 processes with 8 threads each lose nothing', () => {
      const output = runUnder('wx', 'processes', width, ['200', '8', '2']);
      assert.match(output, /^tables=3200$/m);
    });

    test('100,000 calls at random get the errno that the interface names', () => {
      const seed = String(1 + (process.pid % 1000));
      const output = runUnder('wx', 'fuzz', width, [seed, '100000']);
      assertTap(output);
      // A call may be a pair of them, so the last can pass the number asked for.
      assert.match(output, /^calls=\d{6,} unexpected=0$/m, `seed ${seed}`);
    });
  });
}

suite('the interface on a kernel that cannot keep signals away from a call that was received', () => {
  for (const mode of ['restart', 'interrupt']) {
    test(`a signal every millisecond (${mode}): a call that is made again does not meet its own work`, () => {
      using folder = new SharedFolder();
      const words = [
        copyCommand(folder.path),
        'run',
        '--',
        compileProgram('interface/signals.c', { flags: FLAGS['x86-64'] }),
      ];
      const older = compileProgram('linux/older_kernel.c');
      const done = spawnSync(older, [...words, mode, '6000'], {
        encoding: 'utf8',
        timeout: 120_000,
        killSignal: 'SIGKILL',
      });
      assert.deepEqual([done.status, done.stderr], [0, ''], done.stdout);
      assertTap(done.stdout);
    });
  }
});
