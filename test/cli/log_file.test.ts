/** The file of --log: what a run may have prepared for the next one is not written to, and what people name is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, constants, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { wrongWith } from '../../src/cli/log_file.js';
import { asOrdinaryUser, copyCommand, Running, run, SharedFolder, trampfd } from './command.js';

const STARTED = /^\{"time":"[^"]+","event":"started",.*\}\n$/;

/** Runs `true` with a log; gives how it ended. */
function runWithLog(log: string): { status: number | null; errors: string } {
  return run([trampfd, 'run', '--log', log, '--', 'true']);
}

describe('what may be a log', () => {
  test('is decided by the kind of the file and the number of its names', () => {
    const codes = (['S_IFREG', 'S_IFIFO', 'S_IFCHR', 'S_IFLNK', 'S_IFDIR', 'S_IFBLK', 'S_IFSOCK'] as const).map(
      (kind) => [kind, wrongWith({ mode: constants[kind] | 0o644, nlink: 1 })?.code],
    );
    assert.deepEqual(Object.fromEntries(codes), {
      S_IFREG: undefined,
      S_IFIFO: undefined,
      S_IFCHR: undefined,
      S_IFLNK: 'ELOOP',
      S_IFDIR: 'EISDIR',
      S_IFBLK: 'EINVAL',
      S_IFSOCK: 'EINVAL',
    });
    assert.equal(wrongWith({ mode: constants.S_IFREG, nlink: 2 })?.code, 'EMLINK');
  });

  test('a new one can be read by its owner alone', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    assert.equal(run(['sh', '-c', `umask 0; exec "$@"`, 'sh', trampfd, 'run', '--log', log, '--', 'true']).status, 0);
    assert.equal(statSync(log).mode & 0o7777, 0o600);
    assert.match(readFileSync(log, 'utf8'), STARTED);
  });

  test('an old one keeps its mode', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    writeFileSync(log, '');
    chmodSync(log, 0o640);
    assert.equal(runWithLog(log).status, 0);
    assert.equal(statSync(log).mode & 0o7777, 0o640);
  });

  test('a link is refused, to a file or to none, and what it names stays as it is', () => {
    using folder = new SharedFolder();
    const [log, victim] = [join(folder.path, 'log'), join(folder.path, 'victim')];
    symlinkSync(victim, log);
    for (const text of [undefined, 'precious\n']) {
      if (text !== undefined) writeFileSync(victim, text);
      const { status, errors } = runWithLog(log);
      assert.equal(status, 125);
      assert.match(
        errors,
        /log: the log cannot be written \(ELOOP\); it is a symbolic link, which a program may have made/,
      );
      assert.equal(run(['cat', victim]).output, text ?? '');
    }
  });

  test('a second name of another file is refused', () => {
    using folder = new SharedFolder();
    const [log, victim] = [join(folder.path, 'log'), join(folder.path, 'victim')];
    writeFileSync(victim, 'precious\n');
    linkSync(victim, log);
    const { status, errors } = runWithLog(log);
    assert.equal(status, 125);
    assert.match(errors, /\(EMLINK\); the file has 2 names/);
    assert.equal(readFileSync(victim, 'utf8'), 'precious\n');
  });

  test('a folder on the way may be a link', () => {
    using folder = new SharedFolder();
    mkdirSync(join(folder.path, 'real'));
    symlinkSync('real', join(folder.path, 'named'));
    assert.equal(runWithLog(join(folder.path, 'named', 'log')).status, 0);
    assert.match(readFileSync(join(folder.path, 'real', 'log'), 'utf8'), STARTED);
  });
});

describe('a FIFO as a log', () => {
  test('that nobody reads is refused after a moment, and nothing hangs', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    execFileSync('mkfifo', [log]);
    const { status, errors } = runWithLog(log);
    assert.equal(status, 125);
    assert.match(errors, /\(ENXIO\); nobody reads this FIFO; start its reader first/);
  });

  test('is written to, though its reader comes a little later', async () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    execFileSync('mkfifo', [log]);
    await using reader = new Running(['sh', '-c', 'sleep 0.7; cat "$0"', log]);
    assert.deepEqual(runWithLog(log), { status: 0, signal: null, output: '', errors: '' });
    await reader.ended;
    assert.match(reader.output, STARTED);
  });
});

describe('a descriptor as a log', () => {
  const logTo = (log: string, redirections: string): { status: number | null; output: string; errors: string } =>
    run(['sh', '-c', `"$0" run --log ${log} -- true ${redirections}`, trampfd]);

  for (const [log, redirections] of [
    ['/dev/stdout', ''],
    ['/dev/stderr', '2>&1'],
    ['/dev/fd/7', '7>&1'],
    ['/proc/self/fd/7', '7>&1'],
  ] as const) {
    test(`by the name ${log}`, () => {
      const { status, output } = logTo(log, redirections);
      assert.equal(status, 0);
      assert.match(output, STARTED);
    });
  }

  test('is one that was inherited', () => {
    assert.match(
      logTo('/dev/fd/8', '').errors,
      /\/dev\/fd\/8: the log cannot be written \(EBADF\); no such descriptor/,
    );
  });

  if (process.getuid?.() !== 0) return;

  test('is one that is open for writing, where its file cannot be opened anew', () => {
    using folder = new SharedFolder();
    const words = [...asOrdinaryUser, copyCommand(folder.path), 'run', '--log', '/dev/fd/8', '--', 'true'];
    const { status, errors } = run(['sh', '-c', '"$@" 8</etc/passwd', 'sh', ...words]);
    assert.equal(status, 125);
    assert.match(errors, /\(EBADF\); this descriptor is not open for writing/);
  });

  test('may be of a file that the user of the run cannot open, so that no program of the run can change it', () => {
    using folder = new SharedFolder();
    const [log, command] = [join(folder.path, 'log'), copyCommand(folder.path)];
    writeFileSync(log, '', { mode: 0o600 });
    const emptying = `: 2>/dev/null >"$0" && echo emptied`;
    const words = [...asOrdinaryUser, command, 'run', '--log', '/dev/fd/3', '--', 'sh', '-c', emptying, log];
    const { output } = run(['sh', '-c', `log=$1; shift; "$@" 3>>"$log"`, 'sh', log, ...words]);
    assert.equal(output, '');
    assert.match(readFileSync(log, 'utf8'), STARTED);
  });
});
