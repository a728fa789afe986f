/** `trampfd doctor` and `trampfd show`, outside of a run and inside; nested runs; runs of an ordinary user. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Finding, reportText } from '../../src/cli/finding.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { compileProgram } from '../programs/compile.js';
import { asOrdinaryUser, copyCommand, program, run, SharedFolder, supervise, trampfd } from './command.js';

/** The findings of a report, by name. */
function findings(output: string): Map<string, string> {
  const lines = [...output.matchAll(/^(yes|no|\?) +(.+?) {2,}(.+)$/gm)];
  return new Map(lines.map(([, answer = '', name = '']) => [name, answer]));
}

describe('trampfd doctor', () => {
  test('finds what a run needs, where a run works', () => {
    assert.equal(supervise([program('create')]).output, 'created\n');
    const { status, output, errors } = run([trampfd, 'doctor']);
    assert.equal(errors, '');
    assert.equal(status, 0);
    const found = findings(output);
    for (const name of [
      'x86-64',
      'Node.js 20 or later',
      'writable and executable memory',
      'seccomp(2)',
      'SECCOMP_RET_USER_NOTIF',
      'listener',
      'SECCOMP_ADDFD_FLAG_SEND',
      'memfd_create(2)',
      'F_SEAL_FUTURE_WRITE',
      'sealed pages stay as they are',
      'process_vm_readv(2)',
      'ptrace(2) of a child',
      'emulation of trampolines',
    ]) {
      assert.equal(found.get(name), 'yes', name);
    }
    assert.match(output, /^trampfd \S+, Linux \S+ on x64, Node\.js \S+\n/);
    assert.match(output, /\n'trampfd run' works here\.\n$/);
  });

  test('agrees with what the system says of itself', () => {
    const { output } = run([trampfd, 'doctor']);
    const found = findings(output);
    const mode = /^Seccomp:\t(\d)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    assert.equal(found.get('seccomp in force here'), mode === '0' ? 'no' : 'yes');
    const setting = '/proc/sys/vm/memfd_noexec';
    const noExec = existsSync(setting) ? (readFileSync(setting, 'latin1').trim() === '0' ? 'no' : 'yes') : '?';
    assert.equal(found.get('vm.memfd_noexec'), noExec);
    assert.equal(found.get('user namespaces'), run(['unshare', '--user', 'true']).status === 0 ? 'yes' : 'no');
    assert.equal(found.get('trampfd system call'), 'no');
    assert.equal(found.get('setuid programs get their privilege'), process.getuid?.() === 0 ? 'yes' : 'no');
  });

  for (const [user, words] of [
    ...(process.getuid?.() === 0 ? [['root', [trampfd]] as const] : []),
    ['an ordinary user', undefined] as const,
  ]) {
    test(`says why setuid programs get nothing where no_new_privs is in force already, to ${user}`, () => {
      using folder = new SharedFolder();
      const command = words ?? [...asOrdinaryUser, copyCommand(folder.path)];
      const { output } = run(['setpriv', '--no-new-privs', ...command, 'doctor']);
      const [, said = ''] = /^no +setuid programs get their privilege +(.+)$/m.exec(output) ?? [];
      assert.match(said, /^no_new_privs is in force for this process.*start trampfd where it is not$/);
      assert.doesNotMatch(said, /root|ordinary/);
    });
  }

  test('says whether strict can be had, as a run finds out', () => {
    const strict = findings(run([trampfd, 'doctor']).output).get('policy strict');
    const { status } = run([trampfd, 'run', '--policy', 'strict', '--', 'true']);
    assert.equal(strict, status === 0 ? 'yes' : 'no');
  });

  test('names what strict wants, where a part of it is missing', () => {
    const without = compileProgram('supervisor/without_calls.c');
    for (const [call, name, meaning] of [
      [
        'mount_setattr',
        'calls for mounts',
        /^no {3}calls for mounts +mount_setattr: not there, or hidden by a sandbox/m,
      ],
      ['fsopen', 'calls for mounts', /^no {3}calls for mounts +fsopen: /m],
      ['landlock', 'Landlock', /^no {3}Landlock +ENOSYS; a kernel with landlock/m],
    ] as const) {
      const { status, output } = run([without, call, trampfd, 'doctor']);
      assert.equal(status, 0, 'wx needs none of it');
      const found = findings(output);
      assert.equal(found.get(name), 'no', call);
      assert.match(output, meaning);
      const strict = run([without, call, trampfd, 'run', '--policy', 'strict', '--', 'true']).status === 0;
      assert.equal(found.get('policy strict'), strict ? 'yes' : 'no', call);
    }
  });

  test('says of each kind of shared buffer whether it can be mapped executable, and strict agrees', () => {
    const report = run([trampfd, 'doctor']).output;
    const found = findings(report);
    for (const kind of ['io_uring', 'packet socket', 'performance event', 'secret memory', 'dma-buf']) {
      assert.ok(found.has(`executable: ${kind}`), kind);
    }
    assert.notEqual(found.get('executable: secret memory'), 'yes', 'nothing refuses it under strict');
    assert.notEqual(found.get('executable: io_uring'), process.getuid?.() === 0 ? '?' : undefined);
    const packets = found.get('executable: packet socket');
    // Who may not make one is refused by the kernel.
    const made = 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)';
    const { status } = run([trampfd, 'run', '--policy', 'strict', '--', '/usr/bin/python3', '-c', made]);
    assert.equal(status === 0, packets === 'no');
  });

  test('says so where no mounts can be had', () => {
    const words = ['unshare', '--user', '--map-root-user', 'sh', '-c'];
    const script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"';
    const { output } = run([...words, script, 'sh', trampfd, 'doctor']);
    assert.equal(findings(output).get('mounts of its own'), 'no');
    assert.match(
      output,
      /^no {3}policy strict +strict cannot be enforced here, so nothing was started; what is missing: a user namespace/m,
    );
    assert.match(output, /user\.max_user_namespaces/);
    assert.match(output, /^no {3}policy strict .*; or start with what there is: --best-effort$/m);
  });

  test('says which numbers tables get', () => {
    const { output } = run(['sh', '-c', `ulimit -Sn 400; ${trampfd} doctor`]);
    assert.match(output, /RLIMIT_NOFILE is 400: 100 numbers, 300 to 399/);
  });

  test('leaves nothing behind', () => {
    using folder = new SharedFolder();
    const { output } = run(['sh', '-c', `${trampfd} doctor >/dev/null; cat /proc/self/status`], {
      env: { ...process.env, TMPDIR: folder.path },
    });
    assert.match(output, /^NoNewPrivs:\t0$/m);
    assert.match(output, /^Seccomp:\t0$/m);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('works inside of a run, and says why a run does not', () => {
    for (const policy of ['wx', 'off', 'log']) {
      const { status, output } = run([
        trampfd,
        'run',
        '--policy',
        policy,
        '--log',
        '/dev/null',
        '--',
        trampfd,
        'doctor',
      ]);
      assert.equal(status, 1, policy);
      const found = findings(output);
      assert.equal(found.get('listener'), 'no');
      assert.equal(found.get('SECCOMP_ADDFD_FLAG_SEND'), '?');
      assert.equal(found.get('trampfd system call'), 'yes');
      // Under wx it is granted, and not executable.
      assert.equal(found.get('writable and executable memory'), policy === 'wx' ? 'no' : 'yes');
      assert.equal(/gets the memory that it compiles to without X/.test(output), policy === 'wx');
      assert.match(output, /\n'trampfd run' cannot work here for lack of: .*listener\.\n$/);
      assert.doesNotMatch(output, /\bat .*:\d+:\d+/);
    }
  });

  test('where another listener is in place, says so', () => {
    const { status, output } = run([program('listener'), trampfd, 'doctor']);
    assert.equal(status, 1);
    assert.equal(findings(output).get('listener'), 'no');
    assert.match(output, /another one is in place/);
  });

  test('inside of a run without emulation, names the error', () => {
    const { output } = run([trampfd, 'run', '--no-emulation', '--', trampfd, 'doctor']);
    assert.equal(findings(output).get('writable and executable memory'), 'no');
    assert.match(output, /is refused the memory that it compiles to \(EACCES\)/);
  });

  test("where the kernel's own memory-deny-write-execute is in force, says so", () => {
    const known = findings(run([trampfd, 'doctor']).output).get('PR_GET_MDWE') === 'yes';
    const { status, output, errors } = run([program('prepare'), 'deny-write-execute', trampfd, 'doctor']);
    if (!known) return assert.match(errors, /PR_SET_MDWE/);
    assert.deepEqual([status, errors], [0, '']);
    assert.equal(findings(output).get('writable and executable memory'), 'no');
    assert.match(output, /the supervisor is interpreted \(node --jitless\)/);
    assert.match(output, /memory-deny-write-execute is in force for this process/);
  });

  test('a report with a need that is not met is not usable; one that could not be probed neither', () => {
    const finding = (answer: Finding['answer'], needed: boolean): Finding => ({
      name: 'it',
      answer,
      meaning: 'x',
      needed,
    });
    assert.equal(reportText('head', [finding('yes', true), finding('no', false)]).usable, true);
    assert.equal(reportText('head', [finding('no', true)]).usable, false);
    assert.equal(reportText('head', [finding('unknown', true)]).usable, false);
    assert.match(reportText('head', [finding('no', true)]).text, /cannot work here for lack of: it\./);
  });
});

describe('trampfd show', () => {
  for (const [name, architecture] of Object.entries(architectures)) {
    test(`prints the listing of ${name}`, () => {
      const { status, output, errors } = run([trampfd, 'show', '--arch', name]);
      assert.deepEqual([status, errors], [0, '']);
      const bytes = [...output.matchAll(/^ +[0-9a-f]+: {2}((?:[0-9a-f]{2} )+) /gm)].flatMap(([, hex = '']) =>
        hex.trim().split(' '),
      );
      assert.equal(bytes.length, architecture.tableSlotSize);
      assert.match(output, new RegExp(`code_size is ${architecture.tableSlotSize}; `));
      const perPage = Math.floor(architecture.pageSize / architecture.tableSlotSize);
      assert.match(output, new RegExp(`; ${perPage} trampolines in a page of ${architecture.pageSize} bytes`));
      assert.match(output, /are examples; a program's own tables stand in their place/);
      assert.match(
        output,
        new RegExp(`${architecture.codeRegister} for the target's address, ${architecture.dataRegister} for`),
      );
      assert.ok(output.includes(`\nLanding pad:  ${architecture.landingPad}\n`));
    });
  }

  test('with registers that are named', () => {
    const { output } = run([trampfd, 'show', '--arch', 'arm64', '--code', 'x9', '--data=x29']);
    assert.match(output, /br +x9\b/);
    assert.match(output, /ldr +x29, \[x29\]/);
  });

  test('of a context that names no register, with nothing behind --context or another option', () => {
    const { status, output, errors } = run([trampfd, 'show', '--context']);
    assert.deepEqual([status, errors], [0, '']);
    assert.match(output, /for the target alone, a general part\n/);
    assert.equal(run([trampfd, 'show', '--context', '--arch', 'x86-64']).output, output);
    assert.equal(run([trampfd, 'show', '--context', '']).output, output);
  });

  for (const [name, { context, trap }] of Object.entries(architectures)) {
    if (context === undefined) continue;
    test(`prints the code of a context of ${name}`, () => {
      const [register = ''] = context.registers.slice(3);
      const { status, output, errors } = run([trampfd, 'show', '--arch', name, '--context', `${register},${register}`]);
      assert.deepEqual([status, errors], [0, '']);
      const [head = ''] = output.split('\n');
      const size = Number(/, (\d+) bytes, and traps/.exec(head)?.[1]);
      const quick = context.mostQuickRegisters === 0 ? 'no quick part' : `a quick part for ${register}`;
      assert.ok(head.endsWith(`: ${quick}, a general part`), head);
      const bytes = [...output.matchAll(/^ +[0-9a-f]+: {2}((?:[0-9a-f]{2} ?)+) /gm)].flatMap(([, hex = '']) =>
        hex.trim().split(' '),
      );
      assert.equal(bytes.length, size);
      assert.ok(size > 0 && size < 4096 && trap.bytes.length > 0);
    });
  }

  test('inside of a run', () => {
    const { status, output, errors } = supervise([trampfd, 'show']);
    assert.deepEqual([status, errors], [0, '']);
    assert.equal(output, run([trampfd, 'show']).output);
  });
});

describe('a run inside of a run', () => {
  for (const outer of ['wx', 'off', 'log']) {
    for (const inner of ['wx', 'off', 'log']) {
      test(`${inner} in ${outer} ends with 125 and one sentence`, () => {
        const words = [trampfd, 'run', '--policy', inner, '--', 'echo', 'started'];
        const { status, output, errors } = run([
          trampfd,
          'run',
          '--policy',
          outer,
          '--log',
          '/dev/null',
          '--',
          ...words,
        ]);
        assert.equal(status, 125);
        assert.equal(output, '');
        assert.match(errors, /^trampfd: a seccomp listener is already in place [^\n]+\n$/);
      });
    }
  }

  test('also from a process whose ancestors are gone', () => {
    using folder = new SharedFolder();
    const file = join(folder.path, 'output');
    const script = `setsid -f sh -c '${trampfd} run -- true >"$0" 2>&1; echo "$?" >>"$0"' "$0"`;
    supervise(['sh', '-c', script, file]);
    assert.match(readFileSync(file, 'latin1'), /^trampfd: a seccomp listener is already in place [^\n]+\n125\n$/);
  });
});

describe('an ordinary user', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const command = copyCommand(folder.path);
  const env = { ...process.env, PATH: `${join(folder.path, 'node')}:/usr/bin:/bin` };
  const asUser = (words: readonly string[]) => run([...asOrdinaryUser, ...words], { env, cwd: '/' });

  test('runs programs with tables', () => {
    const { status, output, errors } = asUser([command, 'run', '--', program('create')]);
    assert.deepEqual([status, output, errors], [0, 'created\n', '']);
  });

  test('has the same status, streams and user', () => {
    const { status, output } = asUser([command, 'run', '--', 'sh', '-c', 'id -u; exit 6']);
    assert.deepEqual([status, output], [6, asOrdinaryUser.length === 0 ? `${process.getuid?.()}\n` : '65534\n']);
  });

  test('is refused what wx refuses', () => {
    const output = (...options: string[]) => asUser([command, 'run', ...options, '--', program('requests')]).output;
    assert.match(output('--no-emulation'), /^mmap 13$/m);
    assert.match(output(), /^mmap 0$/m);
    assert.match(output(), /^personality 13$/m);
  });

  test('is told by doctor that setuid programs get nothing', () => {
    const { status, output } = asUser([command, 'doctor']);
    assert.equal(status, 0);
    assert.equal(findings(output).get('setuid programs get their privilege'), 'no');
    assert.match(asUser([command, 'run', '--', 'cat', '/proc/self/status']).output, /^NoNewPrivs:\t1$/m);
  });
});
