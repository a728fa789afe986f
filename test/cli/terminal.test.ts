/** A run at a terminal: what is typed, job control, window changes, and settings that the program leaves behind. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';
import { program, run, trampfd } from './command.js';

type Step =
  | readonly ['expect', string]
  | readonly ['type', string]
  | readonly ['signal', number]
  | readonly ['resize', number, number];

interface Played {
  readonly output: string;
  readonly status: number | null;
  readonly signal: number | null;
  readonly failed: string | null;
}

/** Works through steps with a program on a terminal of its own. */
function play(words: readonly string[], steps: readonly Step[]): Played {
  const script = join(root, 'test', 'programs', 'cli', 'terminal.py');
  const env = { ...process.env, TERM: 'dumb', HISTFILE: '', INPUTRC: '/dev/null' };
  const { output, errors } = run(['/usr/bin/python3', script, JSON.stringify(steps), ...words], { env });
  assert.equal(errors, '');
  const played = JSON.parse(output) as Played;
  assert.equal(played.failed, null, `${played.failed} never came in: ${played.output}`);
  return played;
}

const [INTERRUPT, SUSPEND, QUIT, END] = ['\x03', '\x1a', '\x1c', '\x04'];
const { SIGUSR1 } = constants.signals;

/** An interactive shell whose prompt is easily told. */
const shell = ['/usr/bin/env', 'PS1=prompt> ', 'bash', '--norc', '--noprofile', '--noediting', '-i'];

describe('a run at a terminal', () => {
  test('reads what is typed, until the end of the input is', () => {
    const { status, output } = play(
      [trampfd, 'run', '--', 'cat'],
      [
        ['type', 'words\n'],
        ['expect', 'words\\s+words\\s'],
        ['type', END],
      ],
    );
    assert.equal(status, 0);
    assert.equal(output.match(/words/g)?.length, 2);
  });

  for (const [name, typed, number] of [
    ['an interrupt', INTERRUPT, '02'],
    ['a quit', QUIT, '03'],
  ] as const) {
    test(`${name} that is typed reaches the program once`, () => {
      // The supervisor has both signals by then, and passes on the second only.
      const { status, output } = play(
        [trampfd, 'run', '--', program('count_signals')],
        [
          ['expect', 'ready'],
          ['type', typed],
          ['expect', `signal ${number}`],
          ['signal', SIGUSR1],
          ['expect', 'signal 10'],
          ['type', '\n'],
        ],
      );
      assert.equal(status, 0);
      assert.deepEqual(output.match(/signal \d+/g), [`signal ${number}`, 'signal 10']);
    });
  }

  test('an interrupt kills a program that does not care, and the run by the same signal', () => {
    const played = play(
      [trampfd, 'run', '--', 'sh', '-c', 'echo ready; exec sleep 1000'],
      [
        ['expect', 'ready'],
        ['type', INTERRUPT],
      ],
    );
    assert.deepEqual([played.status, played.signal], [null, constants.signals.SIGINT]);
  });

  test('a change of the window is told once', () => {
    const { status, output } = play(
      [trampfd, 'run', '--', program('count_signals')],
      [
        ['expect', 'ready'],
        ['resize', 33, 77],
        ['expect', 'signal 28'],
        ['signal', SIGUSR1],
        ['expect', 'signal 10'],
        ['type', '\n'],
      ],
    );
    assert.equal(status, 0);
    assert.deepEqual(output.match(/signal \d+/g), ['signal 28', 'signal 10']);
  });

  test('settings of the terminal that the program makes stay', () => {
    const { output } = play(['/bin/sh', '-c', `${trampfd} run -- stty -echo -icanon min 3; stty -a`], []);
    assert.match(output, /-echo\b/);
    assert.match(output, /-icanon\b/);
    assert.match(output, /min = 3;/);
  });

  test('the program has the terminal, and is in its foreground', () => {
    const script = 'test -t 0 && test -t 1 && test -t 2 && ps -o stat= -p $$ | grep -q "+" && echo all';
    assert.match(play([trampfd, 'run', '--', 'sh', '-c', script], []).output, /^all$/m);
  });
});

describe('job control', () => {
  test('a run is suspended, continued in the foreground, and suspended again', () => {
    const { status, output } = play(shell, [
      ['expect', 'prompt> '],
      ['type', `${trampfd} run -- cat\n`],
      ['type', 'first\n'],
      ['expect', 'first\\s+first\\s'],
      ['type', SUSPEND],
      ['expect', 'Stopped'],
      ['expect', 'prompt> '],
      ['type', 'fg\n'],
      ['expect', 'run -- cat\\s'],
      ['type', 'second\n'],
      ['expect', 'second\\s+second\\s'],
      ['type', SUSPEND],
      ['expect', 'Stopped'],
      ['expect', 'prompt> '],
      ['type', 'fg\n'],
      ['expect', 'run -- cat\\s'],
      ['type', 'third\n'],
      ['expect', 'third\\s+third\\s'],
      ['type', END],
      ['expect', 'prompt> '],
      ['type', 'exit 12\n'],
    ]);
    assert.equal(status, 12);
    assert.doesNotMatch(output, /error|cannot/);
  });

  for (const policy of ['wx', 'strict']) {
    test(`under ${policy}, a program that suspends its whole job takes what is outside of the run along`, () => {
      // As an editor does, which reads keys itself. The shell sees no stopped job before the last of it has stopped.
      const program = "sh -c 'trap : CONT; echo ready; kill -TSTP 0; echo over; exit 9'";
      const { status } = play(shell, [
        ['expect', 'prompt> '],
        ['type', `sleep 60 | ${trampfd} run --policy ${policy} -- ${program}\n`],
        ['expect', 'Stopped'],
        ['expect', 'prompt> '],
        ['type', 'kill -KILL %1; kill -CONT %1; jobs -p | wc -l\n'],
        ['expect', 'prompt> '],
        ['type', 'exit 12\n'],
        ['type', 'exit 12\n'],
      ]);
      assert.equal(status, 12);
    });
  }

  test('a run whose trampolines are emulated is suspended and continued too', () => {
    const calling = compileProgram('emulation/ends.c', { flags: ['-std=gnu11', '-pthread'] });
    const { status, output } = play(shell, [
      ['expect', 'prompt> '],
      ['type', `${trampfd} run -- ${calling} wait\n`],
      ['expect', '10\\s+ready\\s'],
      ['type', SUSPEND],
      ['expect', 'Stopped'],
      ['expect', 'prompt> '],
      ['type', 'fg\n'],
      ['expect', 'wait\\s'],
      ['type', 'a line\n'],
      ['expect', '15\\s+ready\\s'],
      ['type', SUSPEND],
      ['expect', 'Stopped'],
      ['expect', 'prompt> '],
      ['type', 'fg\n'],
      ['expect', 'wait\\s'],
      ['type', 'a line\n'],
      ['expect', '20\\s+ready\\s'],
      ['type', 'a line\n'],
      ['expect', 'prompt> '],
      ['type', 'exit $?\n'],
    ]);
    assert.equal(status, 47);
    assert.doesNotMatch(output, /error|cannot/);
  });

  test('a suspended run goes on in the background, and is stopped when it wants to read there', () => {
    const program = 'read line; echo "got $line"; exit 6';
    const { status } = play(shell, [
      ['expect', 'prompt> '],
      ['type', `${trampfd} run -- sh -c '${program}' &\n`],
      ['expect', 'prompt> '],
      ['type', 'wait -n; jobs\n'],
      ['expect', 'Stopped'],
      ['type', 'fg\n'],
      ['expect', 'trampfd run'],
      ['type', 'text\n'],
      ['expect', 'got text'],
      ['expect', 'prompt> '],
      ['type', 'exit $?\n'],
    ]);
    assert.equal(status, 6);
  });

  test('an interrupt ends a run, and not the shell that it was started from', () => {
    const { status } = play(shell, [
      ['expect', 'prompt> '],
      ['type', `${trampfd} run -- sh -c 'echo rea""dy; exec sleep 1000'\n`],
      ['expect', 'ready'],
      ['type', INTERRUPT],
      ['expect', 'prompt> '],
      ['type', 'exit $?\n'],
    ]);
    assert.equal(status, 130);
  });

  test('an interactive shell under supervision has job control of its own', () => {
    const { status, output } = play(
      [trampfd, 'run', '--', ...shell],
      [
        ['expect', 'prompt> '],
        ['type', 'cat\n'],
        ['type', 'inner\n'],
        ['expect', 'inner\\s+inner\\s'],
        ['type', SUSPEND],
        ['expect', 'Stopped'],
        ['expect', 'prompt> '],
        ['type', 'jobs\n'],
        ['expect', 'Stopped\\s+cat'],
        ['expect', 'prompt> '],
        ['type', 'fg\n'],
        ['expect', 'cat\\s'],
        ['type', 'again\n'],
        ['expect', 'again\\s+again\\s'],
        ['type', INTERRUPT],
        ['expect', 'prompt> '],
        ['type', 'exit 3\n'],
      ],
    );
    assert.equal(status, 3);
    assert.doesNotMatch(output, /no job control/);
  });

  test('a supervised shell that suspends itself is a stopped job of the outer one', () => {
    const inner = "/usr/bin/env 'PS1=inner> ' bash --norc --noprofile --noediting -i";
    const { status } = play(shell, [
      ['expect', 'prompt> '],
      ['type', `${trampfd} run -- ${inner}\n`],
      ['expect', '\\ninner> '],
      ['type', 'suspend -f\n'],
      ['expect', 'Stopped'],
      ['expect', 'prompt> '],
      ['type', 'fg\n'],
      ['expect', 'trampfd run'],
      ['type', 'echo ba""ck\n'],
      ['expect', '(> |\\n)back'],
      ['expect', 'inner> '],
      ['type', 'exit 8\n'],
      ['expect', 'prompt> '],
      ['type', 'exit $?\n'],
    ]);
    assert.equal(status, 8);
  });
});
