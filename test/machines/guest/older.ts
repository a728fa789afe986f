/**
 * Ways that the supervisor goes where the kernel has no newer one: mappings that are read as a whole (before Linux 6.11), and
 * threads with syscall user dispatch that cannot be made to call (before 6.4).
 *
 * usage: node older.js [HOW-A-CALL-IS-PREVENTED ...]
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { emulated, logged, policies, prevented, runToEnd, under } from '../../supervisor/emulation/alike.js';
import { attempt } from './report.js';

/** More than fit into what is read of mappings at once; and calls enough for a page to be promoted. */
const [MAPPINGS, CALLS] = ['2000', '300'];

/** Whether a tracer can turn syscall user dispatch off: 6.1 is the only one of the kernels here where it cannot. */
const isDispatchTold = !release().startsWith('6.1.');

await attempt('a mapping is found among 20,000', () => {
  const file = fileURLToPath(new URL('../../linux/address_space.test.js', import.meta.url));
  const done = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout + done.stderr);
});

for (const policy of policies) {
  await attempt(
    `${policy}: calls of a process with many mappings are emulated, and their page is promoted`,
    async () => {
      const ended = await logged(policy, [emulated('crowded', 'x86-64'), MAPPINGS, CALLS]);
      assert.deepEqual([ended.status, ended.output, ended.errors], [0, `called ${CALLS}, r-xs\n`, '']);
    },
  );
}

for (const how of process.argv.slice(2)) {
  await attempt(`nobody waits for a thread that cannot make its calls: ${how}`, async () => {
    const { status, output, errors } = await runToEnd([...under('wx', [prevented()]), prevented(), how]);
    // Its calls arrive even so: they are emulated, and their pages not promoted.
    assert.deepEqual([status, output], [0, 'status 0\n'], errors);
    console.log(errors);
    const isSaid = errors.includes('SIGSYS by syscall user dispatch, which a tracer can turn off from Linux 6.4 on');
    assert.equal(isSaid, how.startsWith('dispatched') && !isDispatchTold, errors);
  });
}
