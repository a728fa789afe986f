/** What doctor says of programs, and what it starts to find that out. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { yamaFinding } from '../../src/cli/doctor_programs.js';
import { run, SharedFolder, trampfd } from './command.js';

describe('Yama restricts', () => {
  for (const [what, scope, isShown, mayTrace, answer] of [
    ['nothing where it is not there', undefined, true, false, 'yes'],
    ['nobody knows what where no settings are shown', undefined, false, true, 'unknown'],
    ['nothing with 0', '0', true, false, 'yes'],
    ['who has no CAP_SYS_PTRACE, whoever it is', '1', true, false, 'no'],
    ['nobody who has it', '1', true, true, 'yes'],
  ] as const) {
    test(what, () => assert.equal(yamaFinding(scope, isShown, mayTrace).answer, answer));
  }
});

test('doctor starts no program of a folder that a run may have written, where the system has one of that name', () => {
  using folder = new SharedFolder();
  const mark = join(folder.path, 'mark');
  writeFileSync(join(folder.path, 'unshare'), `#!/bin/sh\n: >${mark}\n`, { mode: 0o755 });
  const PATH = `${folder.path}:${dirname(process.execPath)}:/usr/bin:/bin`;
  const { output } = run([trampfd, 'doctor'], { env: { ...process.env, PATH } });
  assert.match(output, /user namespaces/);
  assert.equal(existsSync(mark), false);
});
