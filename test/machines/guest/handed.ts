/**
 * Yama where the supervisor has no CAP_SYS_PTRACE, as root of a container: the process beside it that reads and writes memory of
 * programs is handed /proc/PID/mem, which writes over code too. Whether a program gets what is written into its code.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyCommand, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';
import { attempt } from './report.js';

using folder = new SharedFolder();
const command = copyCommand(folder.path);
const [race, fuse] = [
  compileProgram('supervisor/handed.c', { flags: ['-pthread'] }),
  compileProgram('supervisor/fuse.c'),
];
const served = join(folder.path, 'served');
mkdirSync(served);

function said(level: string): string {
  const withoutTracing = ['setpriv', '--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace'];
  const run = [command, 'run', '--policy', level, ...(level === 'strict' ? ['--exec', race] : []), '--'];
  const [name = '', ...rest] = [...withoutTracing, fuse, served, ...run, race, '40000', '/usr/bin/node'];
  const env = { ...process.env, HOME: folder.path };
  const done = spawnSync(name, rest, { encoding: 'utf8', env, timeout: 200_000, killSignal: 'SIGKILL' });
  spawnSync('umount', ['--lazy', served]);
  assert.deepEqual([done.status, done.signal], [0, null], done.stdout + done.stderr);
  return done.stdout;
}

// A program under wx has that file of its own. Else nothing would be shown by what is refused under strict.
await attempt('wx: what the supervisor writes comes to be in code', () => assert.equal(said('wx'), 'changed\n'));
await attempt('strict: it does not', () => assert.equal(said('strict'), 'unchanged\n'));
