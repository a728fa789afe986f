/** How a run ends: as the program does, or with a status and a sentence of our own. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, program, run, SharedFolder, supervise, trampfd } from './command.js';

describe("a run ends with the program's status", () => {
  for (const status of [0, 1, 2, 63, 124, 125, 126, 127, 128, 137, 143, 254, 255]) {
    test(`${status}`, () => {
      const ended = supervise(['sh', '-c', `exit ${status}`]);
      assert.deepEqual([ended.status, ended.signal, ended.output, ended.errors], [status, null, '', '']);
    });
  }
});

describe('a run is killed by the signal that killed the program', () => {
  const signals = [
    ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL'] as const),
    ...(['SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGSTKFLT', 'SIGXCPU'] as const),
    ...(['SIGXFSZ', 'SIGVTALRM', 'SIGPROF', 'SIGIO', 'SIGPWR', 'SIGSYS'] as const),
  ];
  for (const signal of signals) {
    test(signal, () => {
      const ended = supervise(['sh', '-c', `kill -${constants.signals[signal]} $$`]);
      assert.deepEqual([ended.status, ended.signal], [null, signal], ended.errors);
    });
  }

  test('a real-time signal', () => {
    // No name stands for it in Node.js; a shell gives 128 and its number.
    const ended = run(['sh', '-c', `${trampfd} run -- sh -c 'kill -40 $$'; exit $?`]);
    assert.equal(ended.status, 168);
  });

  test('and no core file is left in its place', () => {
    using folder = new SharedFolder();
    const script = `ulimit -c unlimited 2>/dev/null; ${trampfd} run -- sh -c 'ulimit -c 0; kill -SEGV $$'; echo "$?"; ls`;
    assert.equal(run(['sh', '-c', script], { cwd: folder.path }).output, '139\n');
  });
});

describe('a program that cannot be started ends as under env(1)', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const file = (name: string, text: string | Uint8Array, mode: number): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  // The header of a program of another architecture: EM_S390, which nobody runs here.
  const foreign = new Uint8Array(64);
  foreign.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1, 0]);
  foreign.set([0, 2, 0, 22], 16);

  const nowhere = /: no such program; give a path, or a name that is in PATH$/;
  const cases: readonly (readonly [string, string, number, RegExp])[] = [
    ['a directory', folder.path, 126, / \(EACCES\): it is a folder; name a program$/],
    [
      'a file without permission',
      file('plain', '#!/bin/sh\n', 0o644),
      126,
      / \(EACCES\): nobody .*; give it \(chmod \+x\)$/,
    ],
    ['a file behind a file', `${file('file', '', 0o755)}/program`, 126, / \(ENOTDIR\)$/],
    ['a name that is nowhere', 'trampfd-no-such-program', 127, nowhere],
    ['a path that is nowhere', join(folder.path, 'nothing'), 127, nowhere],
    [
      'a script whose interpreter is nowhere',
      file('lost', '#!/no/such/interpreter\n', 0o755),
      127,
      / \(ENOENT\): the interpreter that its first line names, .* is not there; install it, or name another$/,
    ],
    ['an empty name', '', 127, nowhere],
  ];
  for (const [name, path, status, sentence] of cases) {
    test(name, () => {
      const expected = run(['env', '--', path]);
      const ended = supervise([path]);
      assert.equal(ended.status, status);
      assert.equal(ended.status, expected.status);
      assert.equal(ended.output, '');
      assert.match(ended.errors, /^trampfd: [^\n]+\n$/);
      assert.match(ended.errors.trimEnd(), sentence);
    });
  }

  test('a name that PATH has in a file without permission, or may have in a folder that may not be searched', () => {
    file('unpermitted', '', 0o644);
    const named = run([trampfd, 'run', '--', 'unpermitted'], {
      env: { ...process.env, PATH: `${process.env['PATH']}:${folder.path}` },
    });
    assert.match(named.errors, / \(EACCES\): nobody has the permission to execute it; give it \(chmod \+x\)\n$/);
    assert.equal(named.status, 126);
    const closed = join(folder.path, 'closed');
    mkdirSync(closed, { mode: 0o600 });
    using commands = new SharedFolder();
    const copied = copyCommand(commands.path);
    const env = { ...process.env, PATH: `${process.env['PATH']}:${closed}` };
    for (const [name, sentence] of [
      ['trampfd-nowhere', / \(EACCES\): no folder of PATH that this user may search has it; give a path, /],
      [
        join(closed, 'program'),
        / \(EACCES\): this user may not search a folder on the way to it; give that permission, /,
      ],
    ] as const) {
      const { status, errors } = run([...asOrdinaryUser, copied, 'run', '--', name], { env });
      assert.match(errors, sentence);
      assert.equal(status, 126);
    }
  });

  test('a script under strict whose interpreter the run can write', () => {
    copyFileSync('/bin/sh', join(folder.path, 'shell'));
    const script = file('shells', `#!${join(folder.path, 'shell')}\necho ran\n`, 0o755);
    const { status, errors, output } = run([trampfd, 'run', '--policy', 'strict', '--', script]);
    assert.match(
      errors,
      /^trampfd: .* \(EACCES\): strict does not execute the interpreter .*; name its folder \(--exec PATH\)\n$/,
    );
    assert.deepEqual({ status, output }, { status: 126, output: '' });
    assert.equal(run([trampfd, 'run', '--policy', 'strict', '--exec', folder.path, '--', script]).output, 'ran\n');
  });

  test('a link that leads to itself', () => {
    const path = join(folder.path, 'loop');
    symlinkSync(path, path);
    assert.equal(supervise([path]).status, run(['env', path]).status);
  });

  test('a program of another architecture', () => {
    const path = file('foreign', foreign, 0o755);
    const expected = run(['env', path]);
    assert.notEqual(expected.status, 0);
    assert.equal(supervise([path]).status, expected.status);
  });

  test('a script without a first line goes to the shell, by path and by name', () => {
    file('script', 'echo "$0" "$#" "$2"; exit 9', 0o755);
    const env = { ...process.env, PATH: `/nonexistent:${folder.path}:${process.env['PATH']}` };
    for (const name of [join(folder.path, 'script'), 'script', './script']) {
      const expected = run(['env', name, 'a', 'b c'], { env, cwd: folder.path });
      assert.equal(expected.status, 9);
      const ended = supervise([name, 'a', 'b c'], { env, cwd: folder.path });
      assert.deepEqual([ended.status, ended.output], [expected.status, expected.output]);
    }
  });

  test('an empty script', () => {
    assert.equal(supervise([file('empty', '', 0o755)]).status, 0);
  });
});

describe('what is not used as it must be ends with 125 and one sentence', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const missing = join(folder.path, 'no', 'such', 'log');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /no command was given; give run, policy, doctor or show/],
    [['start'], /'start' is no command; give run, policy, doctor or show/],
    [['run'], /run: no program was given; name one behind --/],
    [['run', '--'], /run: no program was given/],
    [['run', '--policy', 'wx'], /run: no program was given/],
    [['run', '--policy'], /run: option '--policy.*' argument missing/],
    [['run', '--policy', 'tight', '--', 'true'], /run: policy 'tight' is unknown; give one of off, log, wx, strict/],
    [
      ['run', '--allow', 'exec', '--', 'true'],
      /run: --allow: kind 'exec' is unknown; give one of execmem, execstack, execheap, execmod, execfile, exectramp/,
    ],
    [['run', '--deny=', '--', 'true'], /run: --deny: kind '' is unknown; give one of execmem, execstack/],
    [['run', '--deny', '--', 'true'], /run: option '--deny.*' argument/],
    [['run', '--exec=', '--', 'true'], /run: --exec has an empty name/],
    [['run', '--best-effort=yes', '--', 'true'], /run: option '--best-effort' does not take an argument/],
    [['run', '--policy=', '--', 'true'], /run: policy '' is unknown/],
    [
      ['run', '--every-program', '--no-emulation', '--', 'true'],
      /run: --every-program looks for programs to emulate, and --no-emulation has none; leave one out/,
    ],
    [['run', '--verbose', '--', 'true'], /run: unknown option '--verbose'/],
    [['run', '--log', '', '--', 'true'], /run: --log has an empty name; name a file/],
    [
      ['run', '--log', missing, '--', 'true'],
      /such\/log: the log cannot be written \(ENOENT\); name a file that can be/,
    ],
    [['run', '--log', folder.path, '--', 'true'], /: the log cannot be written \(EISDIR\)/],
    [['doctor', '--fast'], /doctor: unknown option '--fast'/],
    [['doctor', 'now'], /doctor: unexpected argument 'now'/],
    [['show', '--arch', 'mips'], /show: architecture 'mips' is unknown; give one of x86-64, i386, arm64, arm\b/],
    [['show', '--code', 'x16'], /show: x86-64 code register 'x16' is unknown; give one of rax, rbx, /],
    [['show', '--context', 'rsp'], /show: x86-64 context register 'rsp' is unknown; give one of rax, rbx, /],
    [['show', '--context', '', '--code', 'rax'], /show: --context is of version 1, .*; give one or the other/],
    [
      ['show', '--arch', 'riscv64', '--context', ''],
      /show: riscv64 has no contexts; give one of x86-64, i386, arm64, arm;/,
    ],
    [['show', '--code', 'rax', '--data', 'rax'], /show: rax cannot hold both .*; give --code and --data different/],
  ];
  for (const [words, message] of cases) {
    test(['trampfd', ...words].join(' ').replaceAll(folder.path, 'FOLDER'), () => {
      const { status, output, errors } = run([trampfd, ...words]);
      assert.equal(status, 125);
      assert.equal(output, '');
      assert.match(errors, message);
      assert.match(errors, /^trampfd: [^\n]+\n$/);
    });
  }

  test('a program is not started before its log is there', () => {
    const { status, output } = run([trampfd, 'run', '--log', missing, '--', 'echo', 'started']);
    assert.deepEqual([status, output], [125, '']);
  });

  test('no node in PATH', () => {
    const { status, errors } = run([trampfd, 'run', '--', 'true'], { env: { PATH: '/nonexistent' } });
    assert.equal(status, 125);
    assert.equal(errors, 'trampfd: there is no node in PATH: install Node.js 20 or later\n');
  });

  test('a listener that is taken already', () => {
    const { status, errors } = run([program('listener'), trampfd, 'run', '--', 'echo', 'started']);
    assert.equal(status, 125);
    assert.match(errors, /^trampfd: a seccomp listener is already in place [^\n]+: start the program outside of it\n$/);
  });

  test('an environment that cannot pass twice', () => {
    const env = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`LARGE_${index}`, 'x'.repeat(120_000)]));
    const { status, errors } = run([trampfd, 'run', '--', 'true'], { env: { ...process.env, ...env } });
    assert.equal(status, 125);
    assert.match(errors, /^trampfd: the environment has more than 740 KB, [^\n]+: make it smaller\n$/);
  });
});

describe('the words of a run', () => {
  const script = 'printf "<%s>" "$0" "$@"';
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['--', 'sh', '-c', script, '--policy', 'off'], '<--policy><off>'],
    [['sh', '-c', script, '--', '-x'], '<--><-x>'],
    [['--policy', 'off', 'sh', '-c', script, 'a'], '<a>'],
    [['--policy=log', '--log=/dev/null', '--', 'sh', '-c', script, 'a', ''], '<a><>'],
  ];
  for (const [words, output] of cases) {
    test(words.join(' '), () => {
      const ended = run([trampfd, 'run', ...words]);
      assert.deepEqual([ended.status, ended.output, ended.errors], [0, output, '']);
    });
  }
});

describe('the command is found', () => {
  test('and says so where a part of it is missing', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const part = (name: string): Ended => {
      rmSync(join(folder.path, name), { recursive: true });
      return run([command, 'run', '--', 'echo', 'started']);
    };
    for (const [name, message] of [
      [
        'dist/bin/receive.cjs',
        /^trampfd: Error: Cannot find module '\S+receive\.cjs'; install what is missing [^\n]+\n$/,
      ],
      ['node_modules/koffi', /^trampfd: Error: Cannot find module 'koffi'; install what is missing with 'npm ci'\n$/],
      ['dist/bin/trampfd.cjs', /^trampfd: \S+trampfd\.cjs is missing: build it with 'npm run build'\n$/],
    ] as const) {
      const { status, output, errors } = part(name);
      assert.deepEqual([status, output], [125, ''], name);
      assert.match(errors, message);
    }
  });

  test('through links, as npm makes them', () => {
    using folder = new SharedFolder();
    symlinkSync(trampfd, join(folder.path, 'first'));
    symlinkSync('first', join(folder.path, 'trampfd'));
    assert.equal(run([join(folder.path, 'trampfd'), 'run', '--', 'sh', '-c', 'exit 5']).status, 5);
    const env = { ...process.env, PATH: `${folder.path}:${process.env['PATH']}` };
    assert.equal(run(['trampfd', 'run', '--', 'sh', '-c', 'exit 6'], { env }).status, 6);
    assert.equal(run(['sh', 'trampfd', '--version'], { cwd: join(trampfd, '..') }).status, 0);
  });
});
