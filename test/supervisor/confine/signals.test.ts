/**
 * Signals of a confined program: where the kernel's Landlock can keep them in, none leaves the run, by any way, to the
 * supervisor or anybody else; within the run all of them work, and so does job control with processes outside.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canScopeSignals } from '../../../src/linux/landlock.js';
import { asOrdinaryUser, copyCommand, Running, run, SharedFolder, trampfd } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const program = compileProgram('supervisor/signals_outside.c');

/** Ways with an answer, in their order, and the signals that come by them and by the one without. */
const WAYS = [
  ...['kill', 'kill of a group', 'tkill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo', 'pidfd_send_signal'],
  'kill with 0',
];
const SIGNALS = ['USR1', 'USR2', 'HUP', 'QUIT', 'ALRM', 'VTALRM', 'PROF', 'XCPU', 'TERM'];

/** Has a run send signals to a process outside of it; gives what it was answered, and what came. */
async function send(user: readonly string[], policy: string): Promise<[string[], string[]]> {
  using folder = new SharedFolder();
  const command = copyCommand(folder.path);
  await using target = new Running([...user, program, 'wait']);
  await target.until(/^\d+$/m);
  const [processId = ''] = target.output.split('\n');
  const words = [...user, command, 'run', '--policy', policy, '--', program, 'send', processId];
  const { output, errors } = run(words, { cwd: '/' });
  assert.equal(errors, '');
  target.signal('SIGTERM');
  await target.ended;
  const came = target.output.trim().split('\n').slice(1);
  // One that comes again before it was taken is told once or twice, as it happens.
  return [output.trim().split('\n'), [...new Set(came)].sort()];
}

const users = [
  ['the user of the tests', []] as const,
  ...(asOrdinaryUser.length === 0 ? [] : [['an ordinary user', asOrdinaryUser] as const]),
];

describe('signals to a process outside of the run', () => {
  for (const [name, user] of users) {
    test(`all come, from a program of ${name} under wx`, async () => {
      const [answers, came] = await send(user, 'wx');
      assert.deepEqual(
        answers,
        WAYS.map((way) => `${way}: done`),
      );
      assert.deepEqual(came, [...SIGNALS].sort());
    });

    test(`come from a program of ${name} under strict where the kernel cannot keep them in, and only there`, async () => {
      const [answers, came] = await send(user, 'strict');
      const stay = canScopeSignals();
      assert.deepEqual(
        answers,
        WAYS.map((way) => `${way}: ${stay ? 'EPERM' : 'done'}`),
      );
      assert.deepEqual(came, stay ? ['TERM'] : [...SIGNALS].sort());
    });
  }
});

describe('under strict', () => {
  const strict = (script: string): ReturnType<typeof run> =>
    run([trampfd, 'run', '--policy', 'strict', '--', 'sh', '-c', script]);

  test('a program cannot stop or kill its supervisor, where the kernel can keep signals in', () => {
    const { status, output } = strict('kill -STOP $PPID; kill -KILL $PPID; echo "$?"; exit 7');
    if (canScopeSignals()) assert.deepEqual([status, output], [7, '1\n']);
    else assert.equal(status, null);
  });

  test('a program cannot have the kernel kill its supervisor, by a limit', () => {
    const { status, output, errors } = strict(
      'prlimit --pid $PPID --cpu=0; echo "$?"; prlimit --nofile=99 true; exit 7',
    );
    assert.deepEqual([status, output], [7, '1\n'], errors);
  });

  test('processes of a run signal each other, alone and as a group', () => {
    const script =
      'sleep 9 & sleep 0.2; kill "$!"; wait "$!"; echo "$?"; sh -c "sleep 9 & sleep 0.2; kill 0"; echo "$?"';
    const { output } = run([
      'setsid',
      '-w',
      trampfd,
      'run',
      '--policy',
      'strict',
      '--',
      'sh',
      '-c',
      `trap : TERM; ${script}`,
    ]);
    assert.equal(output, '143\n143\n');
  });
});

// Landlock of version 4 has the domains that this is tried with.
describe('a process in as many Landlock domains as there may be', () => {
  const domains = compileProgram('supervisor/domains.c');
  const say = (count: number, user: readonly string[], words: readonly string[]): string => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const { output, errors } = run([...user, domains, `${count}`, command, ...words], { cwd: '/' });
    return output + errors;
  };
  const strict = [
    'run',
    '--policy',
    'strict',
    '--',
    'sh',
    '-c',
    'kill -0 $PPID 2>/dev/null && echo leave || echo stay',
  ];
  const none = /no domain can be entered here \(E2BIG\): .* 16 domains already/;

  for (const [name, user] of users) {
    test(`is told by doctor that signals of ${name}'s run leave it, and by a run`, () => {
      if (!canScopeSignals()) return;
      const free = say(15, user, ['doctor']);
      assert.match(free, /^yes +LANDLOCK_SCOPE_SIGNAL /m);
      assert.match(free, /^yes +Landlock /m);
      assert.equal(say(15, user, strict), 'stay\n');
      const full = say(16, user, ['doctor']);
      assert.match(full, /^no +LANDLOCK_SCOPE_SIGNAL /m);
      assert.match(/^no +Landlock .*$/m.exec(full)?.[0] ?? full, none);
      const said = say(16, user, strict);
      // Root has no user namespace to be kept out of other processes by.
      if (user.length === 0 && process.getuid?.() === 0) {
        assert.match(said, /a Landlock domain cannot be had \(E2BIG\): .* 16 domains already/);
      } else {
        assert.match(said, /^leave$/m);
        assert.match(said, /signals of this run can reach other processes .* 16 domains already/);
      }
    });
  }
});
