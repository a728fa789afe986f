/** What a person is told of a call that is none of a trampoline: from which function it came. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, SharedFolder, trampfd } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const WIDTHS = {
  'x86-64': ['-m64', '-pie', '-fpie'],
  'x86-64 at a fixed address': ['-m64', '-no-pie'],
  i386: ['-m32'],
} as const;

for (const [width, flags] of Object.entries(WIDTHS)) {
  const program = compileProgram('emulation/unrecognised.c', { flags: [...flags] });
  const file = program.replace(/.*\//, '');

  for (const options of [[], ['--policy', 'strict', '--exec', program]] as const) {
    const policy = options.length === 0 ? 'wx' : 'strict';
    test(`${width}, ${policy}: the function that has called is named`, () => {
      for (const [words, caller] of [
        ['direct', `/${file}(calls_it+0x`],
        ['last', `/${file}(calls_it_last+0x`],
      ] as const) {
        const { signal, errors } = run([trampfd, 'run', ...options, '--', program, words]);
        assert.equal(signal, 'SIGSEGV');
        const [, named = ''] = /^trampfd: \S+: (\S+) has called 0x[0-9a-f]+,/.exec(errors) ?? [];
        assert.ok(named.includes(caller) && /\+0x[0-9a-f]+\)$/.test(named), errors);
      }
    });
  }

  test(`${width}: the file alone is named where it has no names`, () => {
    using folder = new SharedFolder();
    const stripped = join(folder.path, 'stripped');
    copyFileSync(program, stripped);
    execFileSync('strip', [stripped]);
    const { errors } = run([trampfd, 'run', '--', stripped, 'direct']);
    assert.ok(errors.includes(`: ${stripped} has called 0x`), errors);
  });
}

test('the log names the function that has asked for executable memory', () => {
  using folder = new SharedFolder();
  const log = join(folder.path, 'log');
  const program = compileProgram('emulation/unrecognised.c', { flags: [...WIDTHS['x86-64']] });
  assert.equal(run([trampfd, 'run', '--log', log, '--', program]).status, 0);
  const [, caller = ''] =
    /"event":"granted-without-execution".*"caller":"([^"]*)"/.exec(readFileSync(log, 'utf8')) ?? [];
  assert.match(caller, /libc\.so\.6\(mmap(64)?\+0x[0-9a-f]+\) <- \S+\(main\+0x[0-9a-f]+\)/);
});
