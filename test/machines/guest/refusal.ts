/**
 * A guest whose kernel lacks what every run needs: under each policy nothing is started, and one sentence says why.
 *
 * usage: node refusal.js [POLICY ...]
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../../cli/command.js';
import { attempt } from './report.js';

/** What the command exits with when it does not start the program. */
const OWN_FAILURE = 125;

using folder = new SharedFolder();
const command = copyCommand(folder.path);
const policies = process.argv.length > 2 ? process.argv.slice(2) : ['wx', 'log', 'strict', 'off'];
const mark = join(tmpdir(), 'was-started');

for (const [user, before] of Object.entries({ root: [], ordinary: asOrdinaryUser })) {
  const start = (...rest: readonly string[]): { status: number | null; stdout: string; stderr: string } => {
    const [program = '', ...others] = [...before, command, ...rest];
    return spawnSync(program, others, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const doctor = start('doctor');
  console.log(`doctor, ${user}:\n${doctor.stdout}${doctor.stderr}`);
  await attempt(`${user}: doctor says that a run does not work`, () => assert.notEqual(doctor.status, 0));
  for (const policy of policies) {
    rmSync(mark, { force: true });
    const run = start('run', '--policy', policy, '--', 'touch', mark);
    console.log(`${policy}, ${user}: status ${run.status}\n${run.stdout}${run.stderr}`);
    await attempt(`${user}: nothing is started under ${policy}`, () => {
      assert.equal(run.status, OWN_FAILURE);
      assert.equal(existsSync(mark), false);
    });
    await attempt(`${user}: a sentence says why under ${policy}`, () => {
      assert.equal(run.stdout, '');
      // The output of this job is a socket, whose queue such a kernel does not count: the machine's lack is said before.
      assert.match(run.stderr, /^trampfd: [^\n]+ nothing was started[^\n]*\n/);
      assert.match(run.stderr, policy === 'strict' ? /mount_setattr/ : /SECCOMP_ADDFD_FLAG_SEND/);
    });
  }
}
