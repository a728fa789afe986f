/**
 * A video device (the kernel's vivid, which records a pattern) and a serial line that nobody is connected to: what they can be
 * made to do bare, and what of it is left in a run.
 *
 * A device that writes to pages of the program does not ask for their protection on kernels before 6.2; a serial line that
 * reads what is written to it types for who reads it next.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';
import { attempt, point } from './report.js';

const [VIDEO, SERIAL, CODE] = ['/dev/video0', '/dev/ttyS2', '/usr/bin/node'];

using folder = new SharedFolder();
const command = copyCommand(folder.path);
const program = compileProgram('supervisor/device_command.c', { flags: ['-pthread'] });
const attempts = { serial: ['serial', SERIAL], video: ['video', VIDEO, CODE] } as const;
for (const path of [VIDEO, SERIAL]) chmodSync(path, 0o666);

function said(words: readonly string[], which: keyof typeof attempts): readonly string[] {
  const [name = '', ...rest] = [...words, program, ...attempts[which]];
  const done = spawnSync(name, rest, {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder.path },
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
  assert.deepEqual([done.status, done.signal], [0, null], done.stdout + done.stderr);
  return done.stdout.trimEnd().split('\n');
}

const LINES = ['clear DTR: 0', 'set DTR: 0', 'DTR is set'];

// Else nothing would be shown by what is refused in a run.
await attempt('bare, a serial line reads what is written to it', () => {
  assert.deepEqual(said([], 'serial'), ['loop: EXEC', ...LINES]);
});
await attempt('bare, a video device writes to what the kernel lets it', () => {
  const [own = '', mapped] = said([], 'video');
  assert.match(own, /^own pages: (EXEC|EFAULT)$/);
  assert.equal(mapped, 'mapped: recorded');
  point(`bare, ${own}`);
});
for (const [user, words] of [
  ['root', []],
  ['ordinary', asOrdinaryUser],
] as const) {
  for (const level of ['wx', 'strict']) {
    const run = [...words, command, 'run', '--policy', level, ...(level === 'strict' ? ['--exec', program] : []), '--'];
    await attempt(
      `${user}, ${level}: no serial line reads what is written to it, and its other lines can be set`,
      () => {
        assert.deepEqual(said(run, 'serial'), ['loop: EPERM', ...LINES]);
      },
    );
    if (level !== 'strict') continue;
    await attempt(`${user}, strict: a video device writes to no page of the program, and records`, () => {
      assert.deepEqual(said(run, 'video'), ['own pages: EINVAL', 'mapped: recorded']);
    });
  }
}
