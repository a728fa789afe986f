/**
 * Settings of a whole machine, one after the other: what doctor says there is what runs do, and what starts is as expected.
 *
 * A setting that a kernel does not have is told as such. Yama's highest scope cannot be taken back, so it comes last.
 *
 * usage: settings [PART-OF-A-NAME ...]
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';
import { holdLaw, LEVELS } from '../../supervisor/law.js';
import { attempt, point } from './report.js';

/** One setting. */
interface Setting {
  /** Below /proc/sys, with its value; or an option of the mount of /proc. */
  readonly path: string;
  readonly value: string;
  /** Users and policies that are refused there. */
  readonly refused: readonly string[];
}

const settings: readonly Setting[] = [
  { path: '', value: '', refused: [] },
  { path: 'mount', value: 'hidepid=2', refused: [] },
  { path: 'kernel/unprivileged_userns_clone', value: '0', refused: ['ordinary strict'] },
  { path: 'user/max_user_namespaces', value: '0', refused: ['ordinary strict'] },
  { path: 'vm/memfd_noexec', value: '1', refused: [] },
  { path: 'vm/memfd_noexec', value: '2', refused: [] },
  { path: 'kernel/io_uring_disabled', value: '1', refused: [] },
  { path: 'kernel/io_uring_disabled', value: '2', refused: [] },
  { path: 'kernel/yama/ptrace_scope', value: '1', refused: [] },
  { path: 'kernel/yama/ptrace_scope', value: '2', refused: ['ordinary wx'] },
  {
    path: 'kernel/yama/ptrace_scope',
    value: '3',
    refused: ['root wx', 'root strict', 'ordinary wx', 'ordinary strict'],
  },
];

using folder = new SharedFolder();
const command = copyCommand(folder.path);
const env = { ...process.env, HOME: folder.path };
const served = compileProgram('cli/create.c');
const hasLandlock = readFileSync('/sys/kernel/security/lsm', 'latin1').includes('landlock');
const wanted = process.argv.slice(2);

/** What is refused where the kernel was booted without Landlock as well. */
function refusedOf({ refused }: Setting): readonly string[] {
  return hasLandlock ? refused : [...new Set(['root strict', ...refused])];
}

for (const setting of settings) {
  const { path, value } = setting;
  const name = path === '' ? 'as booted' : `${path} ${value}`;
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  const file = `/proc/sys/${path}`;
  if (path !== '' && path !== 'mount' && !existsSync(file)) {
    point(`${name}: this kernel has no such setting`);
    continue;
  }
  const before = path === '' || path === 'mount' ? '' : readFileSync(file, 'latin1');
  if (path === 'mount') spawnSync('mount', ['-o', `remount,${value}`, '/proc']);
  else if (path !== '') writeFileSync(file, value);
  const expected = refusedOf(setting);
  for (const user of ['root', 'ordinary']) {
    await attempt(`${name}, ${user}: doctor and run agree, and what starts is ${expected.join(', ') || 'all'}`, () => {
      const words = user === 'root' ? [] : asOrdinaryUser;
      const starts = holdLaw({ words, command, env, served });
      assert.deepEqual(
        LEVELS.filter((level) => !starts[level]).map((level) => `${user} ${level}`),
        expected.filter((one) => one.startsWith(user)),
      );
    });
  }
  if (path === 'mount') spawnSync('mount', ['-o', 'remount,hidepid=0', '/proc']);
  // What cannot be taken back stays.
  else if (path !== '' && !(path.includes('yama') && value === '3')) writeFileSync(file, before);
}
