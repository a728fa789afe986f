/**
 * Tables that are shared: descriptors at ordinary numbers, other processes, threads with descriptors of their own. Each C
 * program runs under `trampfd run`, as 64-bit and as 32-bit program; it prints TAP and judges for itself.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asOrdinaryUser, copyCommand, run, SharedFolder, trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

const FLAGS = {
  'x86-64': ['-m64', '-std=gnu11', '-pthread'],
  i386: ['-m32', '-std=gnu11', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
} as const;

function program(name: string, width: keyof typeof FLAGS): string {
  return compileProgram(`supervisor/${name}.c`, { flags: FLAGS[width] });
}

/** Holds what a program printed to itself: TAP, and nothing else. */
function holdTap(words: readonly string[]): void {
  const { status, signal, output, errors } = run(words);
  const said = `status ${status}, signal ${signal}\n${output}${errors}`;
  assert.deepEqual([status, signal, errors], [0, null, ''], said);
  const lines = output.trimEnd().split('\n');
  const good = lines.filter((line) => line.startsWith('ok ')).length;
  assert.ok(good > 0 && lines.length === good + 1, said);
  assert.equal(lines.at(-1), `1..${good}`, said);
}

for (const width of ['x86-64', 'i386'] as const) {
  suite(`tables of ${width} programs`, () => {
    test("a table's descriptor at an ordinary number is one, and other files there are not", () => {
      holdTap([trampfd, 'run', '--', program('ordinary_numbers', width)]);
    });

    test("a table is its process's, whatever threads and children share with it", () => {
      holdTap([trampfd, 'run', '--', program('sharing', width)]);
    });
  });
}

test('what an ordinary user may not look at is refused at the numbers of tables alone', () => {
  using folder = new SharedFolder();
  holdTap([...asOrdinaryUser, copyCommand(folder.path), 'run', '--', program('undumpable', 'x86-64')]);
});
