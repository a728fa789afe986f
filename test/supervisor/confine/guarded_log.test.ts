/** The log of a confined run and the file of its policy: its programs read them, and neither empty nor forge them, by any way. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { guardedLog } from '../../../src/supervisor/confine/guarded_log.js';
import { asOrdinaryUser, copyCommand, run, SharedFolder } from '../../cli/command.js';

/** What a program does to a file of its user's, each with what the shell says of it. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  empty: ': >"$log"',
  truncate: 'truncate -s 0 "$log"',
  append: 'echo forged >>"$log"',
  overwrite: 'echo forged 1<>"$log"',
  rename: 'mv -f "$log" "$log.gone" && mv -f "$log.gone" "$log"',
  remove: 'rm -f "$log"',
  replace: 'echo forged >"$log.other"; mv -f "$log.other" "$log"',
  'change-mode': 'chmod 0777 "$log"',
  'another-name': 'ln "$log" "$log.name" && echo forged >>"$log.name"',
  'own-folder': 'cd "$(dirname "$log")" && echo forged >>"./$(basename "$log")"',
};

const users = [
  ['the user of the tests', []] as const,
  ...(asOrdinaryUser.length === 0 ? [] : [['an ordinary user', asOrdinaryUser] as const]),
];

describe('the log', () => {
  for (const [name, user] of users) {
    /** Makes every attempt in one run; gives those that succeeded, and the log's lines. */
    const attack = (policy: string): { done: string[]; lines: string[] } => {
      using folder = new SharedFolder();
      const command = copyCommand(folder.path);
      const own = join(folder.path, 'own');
      run(['mkdir', '-m', '0777', own]);
      const log = join(own, 'log');
      const script = Object.entries(ATTEMPTS).map(([attempt, words]) => `(${words}) 2>/dev/null && echo ${attempt}`);
      const words = [...user, command, 'run', '--policy', policy, '--log', log, '--', 'sh', '-c', script.join('\n')];
      const { output, errors } = run(['sh', '-c', 'cd /; export log=$1; shift; "$@"', 'sh', log, ...words]);
      assert.equal(errors, '');
      return { done: output.trim().split('\n').filter(Boolean), lines: readFileSync(log, 'utf8').trim().split('\n') };
    };

    test(`is guarded from programs of ${name} under strict`, () => {
      const { done, lines } = attack('strict');
      assert.deepEqual(done, []);
      for (const line of lines) assert.ok('event' in JSON.parse(line), line);
      assert.ok(lines.length > 0);
    });

    test(`is at the mercy of programs of ${name} under wx: the attempts are real`, () => {
      const { done, lines } = attack('wx');
      assert.deepEqual(done, Object.keys(ATTEMPTS));
      assert.ok(lines.includes('forged'));
    });
  }

  test('that is the output of the program as well is not guarded, nor one that is no file', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    writeFileSync(log, '');
    const [one, same, other] = [openSync(log, 'a'), openSync(log, 'a'), openSync('/dev/null', 'a')];
    assert.deepEqual(guardedLog(one, [other]), [log]);
    assert.deepEqual(guardedLog(one, [other, same]), []);
    assert.deepEqual(guardedLog(other, []), []);
    assert.deepEqual(guardedLog(undefined, []), []);
    for (const descriptor of [one, same, other]) closeSync(descriptor);
  });

  test('takes what program and supervisor write to one file, under strict too', () => {
    using folder = new SharedFolder();
    const [command, log] = [copyCommand(folder.path), join(folder.path, 'log')];
    const words = [command, 'run', '--policy', 'strict', '--log', log, '--', 'echo', 'from the program'];
    const { status, errors } = run(['sh', '-c', 'cd /; log=$1; shift; exec "$@" >>"$log"', 'sh', log, ...words]);
    assert.deepEqual([status, errors], [0, '']);
    assert.match(readFileSync(log, 'utf8'), /^from the program$/m);
    assert.match(readFileSync(log, 'utf8'), /"event":"started"/);
  });
});

describe('the file of a policy', () => {
  for (const [name, user] of users) {
    /** Makes every attempt in one run; gives those that succeeded, and what the next run is. */
    const attack = (policy: string): { done: string[]; next: string } => {
      using folder = new SharedFolder();
      const command = copyCommand(folder.path);
      const own = join(folder.path, 'own');
      run(['mkdir', '-m', '0777', own]);
      const file = join(own, 'policy.json');
      writeFileSync(file, JSON.stringify({ default: { policy } }));
      if (user.length > 0) run(['chown', '65534', own, file]);
      const script = Object.entries(ATTEMPTS).map(([attempt, words]) => `(${words}) 2>/dev/null && echo ${attempt}`);
      const words = [...user, command, 'run', '--policy-file', file, '--'];
      const start = (program: string): string =>
        run(['sh', '-c', 'cd /; export log=$1; shift; "$@"', 'sh', file, ...words, 'sh', '-c', program]).output.trim();
      const done = start([...script, 'true'].join('\n'))
        .split('\n')
        .filter(Boolean);
      return { done, next: start('echo x 2>/dev/null >>/usr/bin/env || grep ^Seccomp: /proc/self/status') };
    };

    test(`is guarded from programs of ${name} under strict, so that the next run has it too`, () => {
      const { done, next } = attack('strict');
      assert.deepEqual(done, []);
      assert.match(next, /^Seccomp:\t2$/);
    });

    test(`is at the mercy of programs of ${name} under wx: the attempts are real`, () => {
      assert.deepEqual(attack('wx').done, Object.keys(ATTEMPTS));
    });
  }
});
