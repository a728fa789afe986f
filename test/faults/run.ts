/**
 * Makes the supervisor's calls into the kernel fail one after the other, over a run of each policy.
 *
 * usage: node dist/test/faults/run.js [--setting PART-OF-A-NAME] [--most N] [--workers N]
 *
 * With --most not more than N faults of each run are tried, spread over all. As root the runs have a mount namespace of
 * their own, with a /var/cache/trampfd that is empty at first: what the command keeps there is not to be touched.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SETTINGS, Stage, settingName } from './stage.js';
import { describeFailing, sweep } from './sweep.js';

/** Runs this program again in a mount namespace of its own; its status. */
function runApart(): number {
  const script =
    'mkdir -p /var/cache/trampfd && mount -t tmpfs -o mode=755 none /var/cache/trampfd && TRAMPFD_FAULTS_APART=1 exec "$0" "$@"';
  const words = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, ...words], { stdio: 'inherit' });
  return status ?? 1;
}

/** Tries the faults of each run; how many were not borne. */
async function tryAll(part: string, most: number, workers: number): Promise<number> {
  using stage = await Stage.create();
  const isRoot = process.getuid?.() === 0;
  const settings = SETTINGS.filter((one) => settingName(one).includes(part) && (isRoot || one.user !== 'root'));
  let failing = 0;
  for (const setting of settings) {
    const began = performance.now();
    const tell = (one: Parameters<typeof describeFailing>[0]): void => console.log(describeFailing(one));
    const swept = await sweep(stage, setting, { most, workers, tell });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const { name, tried, faults } = swept;
    console.log(`${name}: ${tried} of ${faults} faults in ${seconds} s, ${swept.failing.length} not borne`);
    failing += swept.failing.length;
  }
  return failing;
}

const { values } = parseArgs({
  options: {
    setting: { type: 'string', default: '' },
    most: { type: 'string', default: 'Infinity' },
    workers: { type: 'string', default: '2' },
  },
});
if (process.getuid?.() === 0 && process.env['TRAMPFD_FAULTS_APART'] === undefined) process.exitCode = runApart();
else process.exitCode = (await tryAll(values.setting, Number(values.most), Number(values.workers))) === 0 ? 0 : 1;
