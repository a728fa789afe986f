/**
 * What `trampfd doctor` says in a guest, held against what runs do.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../../cli/command.js';
import { attempt } from './report.js';

using folder = new SharedFolder();
const command = copyCommand(folder.path);

for (const [user, before] of Object.entries({ root: [], ordinary: asOrdinaryUser })) {
  const words = (...rest: readonly string[]): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } => {
    const [program = '', ...others] = [...before, command, ...rest];
    return spawnSync(program, others, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const doctor = words('doctor');
  console.log(`doctor, ${user}:\n${doctor.stdout}${doctor.stderr}`);
  await attempt(`${user}: doctor ends well`, () => assert.deepEqual([doctor.status, doctor.stderr], [0, '']));
  await attempt(`${user}: doctor says that a run works`, () =>
    assert.match(doctor.stdout, /\n'trampfd run' works here\.\n$/),
  );
  await attempt(`${user}: doctor says that strict can be enforced in full`, () =>
    assert.match(doctor.stdout, /^yes +policy strict .*it can be enforced in full$/m),
  );
  for (const policy of ['wx', 'strict']) {
    const run = words('run', '--policy', policy, '--', 'sh', '-c', 'echo it runs');
    await attempt(`${user}: a program runs under ${policy}`, () =>
      assert.deepEqual([run.status, run.stdout, run.stderr], [0, 'it runs\n', '']),
    );
  }
}
