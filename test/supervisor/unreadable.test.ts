/**
 * Programs whose files ask for an executable stack, where the supervisor cannot find out what is executed, or cannot look at
 * it: the call that reads memory is refused, or the one that traces, or the file cannot be read. Such a program is looked
 * at all the same, or it is not executed, and a sentence says so. It never keeps the stack.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { syscallNumbers } from '../../src/abi/syscalls.js';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder, trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

const refuse = compileProgram('faults/refuse.c');
const stack = compileProgram('faults/stack.c', { flags: ['-z', 'execstack'] });
const narrow = compileProgram('faults/stack.c', { flags: ['-m32', '-z', 'execstack'] });
/** Words that start a program as each user. */
const users = [
  ...(process.getuid?.() === 0 ? [['root', []] as const] : []),
  ['an ordinary user', asOrdinaryUser] as const,
];
const { process_vm_readv, process_vm_writev, ptrace } = syscallNumbers['x86-64'];

/** It has run without an executable stack, or not at all, and then a sentence says why. */
function holds({ status, signal, output, errors }: Ended): 'ran' | 'refused' {
  if (output !== '') {
    assert.deepEqual([output, status], ['stack rw-p\ncallback 42\n', 0], errors);
    return 'ran';
  }
  assert.match(errors, /^(trampfd: [^\n]+\n( {2}[^\n]+\n)*)+$/);
  assert.ok(signal === 'SIGKILL' || status === 125 || status === 126, `status ${status}, signal ${signal}`);
  return 'refused';
}

describe('an executable stack that a file asks for', () => {
  test('is there without a supervisor: the test can fail', () => {
    assert.match(run([stack]).output, /^stack rwxp\n/);
    assert.match(run([stack, 'again']).output, /^stack rwxp\n/);
  });

  for (const options of [[], ['--every-program']]) {
    const under = ['wx', ...options].join(' ');
    for (const [what, numbers, isLooked] of [
      ['process_vm_readv', [process_vm_readv], true],
      ['process_vm_readv and process_vm_writev', [process_vm_readv, process_vm_writev], true],
      ['ptrace', [ptrace], false],
      ['all three', [process_vm_readv, process_vm_writev, ptrace], false],
    ] as const) {
      for (const errno of ['EPERM', 'ENOSYS'] as const) {
        test(`is not kept under ${under} where a sandbox refuses ${what} by ${errno}`, () => {
          const under = [refuse, String(errnoNumbers[errno]), ...numbers.map(String), '--'];
          for (const words of [[stack], [stack, 'again']]) {
            const became = holds(run([...under, trampfd, 'run', ...options, '--', ...words]));
            // Without tracing nothing can be looked at; without reading, the start may be refused for other reasons.
            if (!isLooked) assert.equal(became, 'refused');
          }
        });
      }
    }
  }

  for (const width of ['-m64', '-m32'] as const) {
    const asking = width === '-m64' ? stack : narrow;
    for (const [what, numbers] of [
      ['ptrace', [ptrace]],
      ['ptrace and process_vm_readv', [ptrace, process_vm_readv]],
    ] as const) {
      for (const [user, as] of users) {
        test(`is not kept under strict --best-effort where a sandbox refuses ${what}, ${width}, ${user}`, () => {
          using folder = new SharedFolder();
          const command = copyCommand(folder.path);
          const own = join(folder.path, 'asking');
          copyFileSync(asking, own);
          writeFileSync(join(folder.path, 'script'), `#!${own}\n`, { mode: 0o755 });
          const under = [...as, refuse, String(errnoNumbers.EPERM), ...numbers.map(String), '--'];
          const start = (...words: readonly string[]): Ended =>
            run([...under, command, 'run', '--policy', 'strict', '--best-effort', '--', ...words], {
              cwd: folder.path,
            });
          assert.match(run([...under, own], { cwd: folder.path }).output, /^stack rwxp\n/);
          for (const words of [
            [own],
            ['./asking'],
            ['./script'],
            ['sh', '-c', 'exec 2>/dev/null; ./asking; exit $?'],
          ]) {
            const ended = start(...words);
            assert.equal(holds(ended), 'refused', words.join(' '));
            assert.match(ended.errors, /(asking|script):? (its file asks|may ask) for an executable stack/);
            // That does not help: the filter is root's too.
            assert.doesNotMatch(ended.errors, /root/);
          }
          // Others are executed as before, also by their descriptors.
          const other = start('sh', '-c', 'echo 1; ls -d /; exec 9</bin/true; /proc/self/fd/9; exit $?');
          assert.deepEqual([other.output, other.status], ['1\n/\n', 0], other.errors);
        });
      }
    }
  }

  test('is not had by a writable and executable segment under strict --best-effort without ptrace', () => {
    const file = compileProgram('faults/stack.c', {
      flags: ['-z', 'noexecstack', '-DSEGMENT', '-Wl,--no-warn-rwx-segments'],
    });
    const words = [refuse, String(errnoNumbers.EPERM), String(ptrace), '--', trampfd, 'run', '--policy', 'strict'];
    assert.match(run([file]).output, /^memory rwxp\n/);
    assert.equal(holds(run([...words, '--best-effort', '--', file])), 'refused');
    const allowed = run([...words, '--best-effort', '--allow', 'execmem', '--', file]);
    assert.match(allowed.output, /^memory rwxp\n/, allowed.errors);
  });

  test('is not kept under wx where a filter refuses ptrace, and that is said of the program, to root too', () => {
    const under = [refuse, String(errnoNumbers.EPERM), String(ptrace), '--'];
    const { errors } = run([...under, trampfd, 'run', '--', stack]);
    assert.match(
      errors,
      /^trampfd: \S+: \S*stack\S* may ask for an executable stack, [^\n]*: it cannot be traced: a seccomp filter around trampfd refuses ptrace\(2\) \(EPERM\): allow it in that profile; it is not executed\n/,
    );
    assert.doesNotMatch(errors, /as root|yama/);
  });

  test('is not kept by a file that the user may execute and not read', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const file = join(folder.path, 'unreadable');
    copyFileSync(stack, file);
    chmodSync(file, 0o711);
    assert.match(run([...asOrdinaryUser, file]).output, /^stack rwxp\n/);
    const { status, signal, errors } = run([...asOrdinaryUser, command, 'run', '--', file]);
    assert.deepEqual([status, signal], [null, 'SIGKILL']);
    assert.match(
      errors,
      /^trampfd: [^\n]+: its memory cannot be looked at, as the user may not read its file[^\n]+\n$/,
    );
    // The kernel executes it for a script that names it, too.
    const script = join(folder.path, 'script');
    writeFileSync(script, `#!${file}\n`, { mode: 0o755 });
    assert.equal(run([...asOrdinaryUser, command, 'run', '--', script]).signal, 'SIGKILL');
  });

  test('is not kept by a file that has a writable and executable segment as well', () => {
    const file = compileProgram('faults/stack.c', {
      flags: ['-z', 'execstack', '-DSEGMENT', '-Wl,--no-warn-rwx-segments'],
    });
    assert.match(run([file]).output, /^memory rwxp\n.*stack rwxp\n/s);
    const { output, status } = run([trampfd, 'run', '--', file]);
    assert.match(output, /^stack rw-p$/m);
    assert.equal(status, 0);
  });
});
