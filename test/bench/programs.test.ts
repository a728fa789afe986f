/**
 * The programs that are measured do what they say: every call arrives, or they fail; and none measures what is not there.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

const program = (name: string, flags: readonly string[] = []): string =>
  compileProgram(`../../bench/programs/${name}.c`, { flags: ['-O2', ...flags] });

function figures(words: readonly string[], names: readonly string[]): void {
  const ended = run(words);
  assert.deepEqual([ended.status, ended.errors], [0, ''], words.join(' '));
  const found = ended.output.trimEnd().split('\n');
  assert.deepEqual(
    found.map((line) => line.replace(/ \d+\.\d+$/, '')),
    names,
  );
}

test('a nested function on a stack that is not executable is called by a handler, and by a tracer', () => {
  const unexecutable = program('nested', ['-z', 'noexecstack']);
  figures([unexecutable, 'handler', '10', '1000'], ['handler']);
  figures([program('tracer'), unexecutable, 'outside', '10', '100'], ['outside']);
  figures([program('nested'), 'executable', '10', '1000'], ['executable']);
});

test('it is not measured where the stack is executable, or not, against what is said', () => {
  const executable = run([program('nested'), 'outside', '1', '1']);
  assert.deepEqual([executable.status, executable.output], [1, '']);
  assert.equal(executable.errors, "nested: the stack is executable, so 'outside' cannot be measured\n");
  const unexecutable = run([program('nested', ['-z', 'noexecstack']), 'executable', '1', '1']);
  assert.equal(unexecutable.errors, "nested: the stack is not executable, so 'executable' cannot be measured\n");
});

test('trampolines that the program writes are called, and closures for the first time', () => {
  for (const name of ['closure', 'heap', 'rewritten']) {
    figures([program('promoted', ['-lffi']), name, '10', '1000'], [name]);
  }
  figures([program('first', ['-lffi']), '100'], ['allocation', 'very-first', 'first', 'second']);
});
