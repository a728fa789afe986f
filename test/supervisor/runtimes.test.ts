/**
 * Runtimes that write code, for real: under `strict` each is refused and named with what helps, and runs to its end with
 * that; one that writes trampolines alone runs where they are emulated. Those of the table that are large to install were tried by hand.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run, SharedFolder, trampfd } from '../cli/command.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());

interface Case {
  readonly runtime: string;
  /** A program that needs its code to be written, and what it prints where it may. */
  readonly words: readonly string[];
  readonly output: string;
  /** What the sentence says that helps. */
  readonly remedy: string;
  /** The same program with that, where there is something. */
  readonly without?: readonly string[];
  /** Whether what it writes are trampolines: they are refused where they are not emulated. */
  readonly writesTrampolines?: boolean;
}

const SUM_IN_LUA = 'local s = 0 for i = 1, 1e6 do s = s + i end print(s)';
const CALLBACK = 'import cffi; f = cffi.FFI(); c = f.callback("int(int)", lambda x: 2 * x); print(c(21))';
const SUM_IN_RUBY = 'def twice(x) = 2 * x; s = 0; 20000.times { |i| s += twice(i) }; puts s';

const CASES: readonly Case[] = [
  {
    runtime: 'V8 (Node.js)',
    words: [process.execPath, '-p', '6 * 7'],
    output: '42\n',
    remedy: 'this makes it run without: node --jitless',
    without: [process.execPath, '--jitless', '-p', '6 * 7'],
  },
  {
    runtime: 'LuaJIT',
    words: ['luajit', '-e', SUM_IN_LUA],
    output: '500000500000\n',
    remedy: 'this makes it run without: luajit -joff, or jit.off() in the program',
    without: ['luajit', '-joff', '-e', SUM_IN_LUA],
  },
  {
    runtime: 'Guile',
    words: ['guile', '-c', '(display (* 6 7))'],
    output: '42',
    remedy: 'this makes it run without: GUILE_JIT_THRESHOLD=-1 in the environment',
    without: ['env', 'GUILE_JIT_THRESHOLD=-1', 'guile', '-c', '(display (* 6 7))'],
  },
  {
    runtime: "Ruby's JIT (YJIT)",
    words: ['ruby', '--yjit', '-e', SUM_IN_RUBY],
    output: '399980000\n',
    remedy: 'this makes it run without: ruby --disable-yjit',
    without: ['env', 'RUBYOPT=--yjit', 'ruby', '--disable-yjit', '-e', SUM_IN_RUBY],
  },
  {
    runtime: 'Erlang (BEAM)',
    words: ['erl', '-noshell', '-eval', 'io:format("~p~n", [6 * 7]), halt().'],
    output: '42\n',
    remedy: 'no switch makes it run without',
  },
  {
    runtime: 'Chez Scheme',
    words: ['sh', '-c', 'echo "(display (* 6 7))" | chezscheme -q'],
    output: '42',
    remedy: 'no switch makes it run without',
  },
  {
    runtime: 'cffi, for a callback of ffi.callback()',
    words: ['/usr/bin/python3', '-c', CALLBACK],
    output: '42\n',
    remedy: 'this makes it run without: extern "Python" in place of ffi.callback()',
    writesTrampolines: true,
  },
];

describe('a runtime that writes code', () => {
  for (const { runtime, words, output, remedy, without, writesTrampolines = false } of CASES) {
    const policy = writesTrampolines ? 'strict --no-emulation' : 'strict';
    test(`${runtime}: is refused under ${policy}, and named once`, () => {
      const ended = run([trampfd, 'run', '--policy', ...policy.split(' '), '--', ...words]);
      assert.notEqual(ended.output, output);
      const sentences = ended.errors.split('\n').filter((line) => line.startsWith('trampfd: '));
      assert.equal(sentences.length, 1, ended.errors);
      const [sentence = ''] = sentences;
      assert.ok(sentence.startsWith(`trampfd: ${runtime} wanted to run code `), sentence);
      const grant = remedy.startsWith('no switch') ? 'let it' : 'or let it';
      assert.ok(sentence.includes(`, which ${policy} denies; ${remedy}; ${grant}: --allow execmem`), sentence);
    });

    test(`${runtime}: runs where it is allowed, and nothing is said`, () => {
      const ended = run([trampfd, 'run', '--policy', 'strict', '--allow', 'execmem', '--', ...words]);
      assert.equal(ended.output, output, ended.errors);
      assert.equal(ended.status, 0);
      assert.doesNotMatch(ended.errors, /^trampfd: /m);
    });

    if (writesTrampolines) {
      test(`${runtime}: runs under strict, which emulates it, and nothing is said`, () => {
        const ended = run([trampfd, 'run', '--policy', 'strict', '--', ...words]);
        assert.deepEqual([ended.status, ended.output, ended.errors], [0, output, '']);
      });
    }

    if (without === undefined) continue;
    test(`${runtime}: runs to its end with what the sentence says`, () => {
      const ended = run([trampfd, 'run', '--policy', 'strict', '--', ...without]);
      assert.equal(ended.output, output, ended.errors);
      assert.equal(ended.status, 0);
      assert.doesNotMatch(ended.errors, /^trampfd: /m);
    });
  }

  const MATCH = ['php', '-r', 'echo preg_match("/a(b|c)+d/", "abcd"), "\\n";'];
  test('one that goes on without is named in the log alone', () => {
    const log = join(folder.path, 'log');
    const ended = run([trampfd, 'run', '--policy', 'strict', '--log', log, '--', ...MATCH]);
    assert.equal(ended.status, 0);
    assert.equal(ended.output, '1\n');
    assert.doesNotMatch(ended.errors, /^trampfd: /m);
    const refused = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"runtime-refused"'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    assert.deepEqual(
      refused.map(({ runtime, wants, without }) => [runtime, wants, without]),
      [["PCRE2's JIT", ['execmem'], 'in PHP: php -d pcre.jit=0']],
    );
  });

  test('under wx it is named too, for the supervisor is asked', () => {
    const ended = run([trampfd, 'run', '--', 'luajit', '-e', SUM_IN_LUA]);
    assert.deepEqual([ended.status, ended.output], [1, '']);
    assert.match(ended.errors, /^trampfd: LuaJIT wanted to run code that it writes \(execmem\), which wx denies; /m);
  });

  test('under wx without emulation the kernel refuses, and nobody is told', () => {
    const ended = run([trampfd, 'run', '--no-emulation', '--', 'luajit', '-e', SUM_IN_LUA]);
    assert.deepEqual([ended.status, ended.output], [1, '']);
    assert.doesNotMatch(ended.errors, /^trampfd: /m);
  });
});
