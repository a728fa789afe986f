/**
 * A target that tries to take its supervisor over: as an ordinary user it is of the same user as the supervisor, and may
 * not trace it, write its memory, or take the listener out of it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

test("an ordinary user's program cannot trace, write or rob its supervisor", () => {
  using folder = new SharedFolder();
  const trampfd = copyCommand(folder.path);
  const program = compileProgram('supervisor/takeover.c');
  const attempt = (words: readonly string[]): string[] => {
    const [file = '', ...rest] = [...asOrdinaryUser, ...words];
    const { status, stdout, stderr } = spawnSync(file, rest, { encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, stdout + stderr);
    return stdout.trimEnd().split('\n');
  };
  // The same attempts on a parent that is no supervisor succeed: the test can fail.
  assert.deepEqual(attempt(['sh', '-c', '"$0"; exit $?', program]), [
    'ptrace: done',
    'process_vm_writev: done',
    'pidfd_getfd: done',
    '/proc/PID/mem: done',
  ]);
  assert.deepEqual(attempt([trampfd, 'run', '--', program]), [
    'ptrace: EPERM',
    'process_vm_writev: EPERM',
    'pidfd_getfd: EPERM',
    '/proc/PID/mem: EACCES',
  ]);
});
