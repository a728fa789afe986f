/**
 * The launcher, bin/trampfd: what it makes of an environment, a folder and a PATH that a run may have prepared for the next
 * start, and what a signal does to a supervisor that starts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { signalNumbers } from '../../src/linux/signal.js';
import { copyCommand, run, SharedFolder, trampfd } from './command.js';

/** Shells that may be /bin/sh somewhere. */
const SHELLS = ['dash', 'bash'];

/** A folder with a `node` that prints the names in its environment, one a line, and its words. */
function pretender(folder: SharedFolder): string {
  const bin = join(folder.path, 'pretender');
  mkdirSync(bin);
  const script = '#!/bin/sh\n/usr/bin/tr "\\\\0" "\\\\n" <"/proc/$$/environ"\nprintf "word %s\\\\n" "$@"\n';
  writeFileSync(join(bin, 'node'), script.replaceAll('\\\\', '\\'), { mode: 0o755 });
  return bin;
}

/** Names in what it printed. */
function namesOf(output: string): string[] {
  return output
    .split('\n')
    .flatMap((line) => /^([^=\s]+)=/.exec(line)?.[1] ?? [])
    .sort();
}

/** Variables by which the dynamic linker, the C library, Node.js, libuv, ICU, OpenSSL and sanitizers read files or change. */
const POWERFUL = [
  ...['LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH', 'LD_BIND_NOW', 'GLIBC_TUNABLES', 'GCONV_PATH', 'LOCPATH', 'NLSPATH'],
  ...['MALLOC_ARENA_MAX', 'MALLOC_PERTURB_', 'TZ', 'TZDIR', 'RES_OPTIONS', 'HOSTALIASES', 'LANG', 'LC_ALL', 'TMPDIR'],
  ...['NODE_OPTIONS', 'NODE_PATH', 'NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE', 'NODE_REPL_EXTERNAL_MODULE'],
  ...['NODE_ICU_DATA', 'NODE_EXTRA_CA_CERTS', 'NODE_CHANNEL_FD', 'NODE_DEBUG_NATIVE', 'NODE_OF_TOMORROW'],
  ...['UV_USE_IO_URING', 'ICU_DATA', 'ICU_TIMEZONE_FILES_DIR', 'OPENSSL_CONF', 'OPENSSL_MODULES', 'SSL_CERT_FILE'],
  ...['SSLKEYLOGFILE', 'ASAN_OPTIONS', 'LSAN_OPTIONS', 'UBSAN_OPTIONS', 'V8_FLAGS', 'TRAMPFD_ENVIRONMENT_7', 'other_2'],
];

/** What Node.js may have: what the launcher passes, and what shells set themselves. */
const GIVEN = [
  ...[
    'HOME',
    'OPENSSL_CONF',
    'PATH',
    'TRAMPFD_ENVIRONMENT_0',
    'TRAMPFD_LAUNCH',
    'UV_THREADPOOL_SIZE',
    'XDG_CACHE_HOME',
  ],
];
const OF_SHELLS = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);

for (const shell of SHELLS) {
  describe(`the environment of Node.js, started by ${shell}`, () => {
    // As no /bin/sh is there without its libraries, no variable names a file that is.
    const powerful = Object.fromEntries(POWERFUL.map((name) => [name, name === 'LC_ALL' ? 'C' : '']));
    const start = (folder: SharedFolder, more: Readonly<Record<string, string>> = {}): string => {
      const PATH = `${pretender(folder)}:/usr/bin:/bin`;
      const env = { ...powerful, ...more, PATH, HOME: '/nonexistent', XDG_CACHE_HOME: '/nonexistent/cache' };
      return run([shell, trampfd, '--version'], { env }).output;
    };

    test('has what is allowed, and nothing that is not', () => {
      using folder = new SharedFolder();
      const names = namesOf(start(folder));
      assert.deepEqual(
        names.filter((name) => !OF_SHELLS.has(name)),
        GIVEN,
      );
    });

    test('names a configuration of OpenSSL that is empty, where the user allows no other', () => {
      using folder = new SharedFolder();
      const OPENSSL_CONF = '/nonexistent/of/the/user';
      assert.match(start(folder, { OPENSSL_CONF }), /^OPENSSL_CONF=\/dev\/null$/m);
      rmSync(join(folder.path, 'pretender'), { recursive: true });
      const allowed = { OPENSSL_CONF, TRAMPFD_NODE_ENVIRONMENT: 'OPENSSL_CONF' };
      assert.match(start(folder, allowed), /^OPENSSL_CONF=\/nonexistent\/of\/the\/user$/m);
    });

    test('is not led astray by values that look like what the shell says of others', () => {
      using folder = new SharedFolder();
      const lines = [
        "x'\nexport PATH='/nonexistent'\nexport NODE_PATH='a",
        'declare -x HOME="y"',
        '* ?',
        '`id` $(id) \\',
      ];
      const names = namesOf(start(folder, Object.fromEntries(lines.map((line, index) => [`odd_${index}`, line]))));
      for (const name of names) assert.ok(GIVEN.includes(name) || OF_SHELLS.has(name), name);
      for (const name of GIVEN) assert.ok(names.includes(name), name);
    });

    test('has in addition what the user allows by name', () => {
      using folder = new SharedFolder();
      const allowed = ['LD_LIBRARY_PATH', 'NODE_EXTRA_CA_CERTS'];
      const names = namesOf(start(folder, { TRAMPFD_NODE_ENVIRONMENT: allowed.join(' ') }));
      const all = [...GIVEN, ...allowed, 'TRAMPFD_NODE_ENVIRONMENT'].sort();
      assert.deepEqual(
        names.filter((name) => !OF_SHELLS.has(name)),
        all,
      );
    });
  });

  describe(`the launcher, started by ${shell}`, () => {
    /** A folder with an installation of somebody else's beside it. */
    const hostile = (folder: SharedFolder): string => {
      const bin = join(folder.path, 'hostile', 'bin');
      mkdirSync(bin, { recursive: true });
      mkdirSync(join(folder.path, 'hostile', 'dist', 'bin'), { recursive: true });
      writeFileSync(join(folder.path, 'hostile', 'dist', 'bin', 'trampfd.cjs'), 'console.log("hostile")');
      return bin;
    };
    const bin = trampfd.slice(0, trampfd.lastIndexOf('/'));
    const path = `${bin}:${process.env['PATH']}`;

    test('knows its own file by a name without a slash', () => {
      const { status, output } = run([shell, 'trampfd', '--version'], { cwd: bin });
      assert.deepEqual([status, output.startsWith('trampfd ')], [0, true]);
    });

    test('says how it is to be started where it cannot be known', () => {
      const script = `exec "${shell}" <"$0" -s -- --version`;
      const { status, output, errors } = run(['sh', '-c', script, trampfd]);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /it cannot be seen which file this shell reads: start it by a path/);
    });

    test('starts nothing of the working folder, nor of a folder in PATH that is named from there', () => {
      using folder = new SharedFolder();
      const cwd = hostile(folder);
      writeFileSync(join(cwd, 'node'), '#!/bin/sh\necho hostile\n');
      chmodSync(join(cwd, 'node'), 0o755);
      for (const PATH of [`:.:../bin:${process.env['PATH']}`, `.:${path}:`]) {
        const { output } = run([shell, trampfd, '--version'], { cwd, env: { ...process.env, PATH } });
        assert.match(output, /^trampfd /);
      }
    });

    // Of a name without a slash, bash looks in the working folder and then in PATH; dash does not.
    if (shell !== 'bash') return;

    test('found by PATH starts nothing that lies beside the working folder', () => {
      using folder = new SharedFolder();
      const cwd = hostile(folder);
      const { output } = run([shell, 'trampfd', '--version'], { cwd, env: { ...process.env, PATH: path } });
      assert.match(output, /^trampfd /);
    });

    test('found by PATH is not taken for another file of its name in PATH', () => {
      using folder = new SharedFolder();
      const other = hostile(folder);
      // It comes first, but bash executes nothing that cannot be read.
      mkdirSync(join(other, 'trampfd'));
      const { output } = run([shell, 'trampfd', '--version'], { env: { ...process.env, PATH: `${other}:${path}` } });
      assert.match(output, /^trampfd /);
    });
  });
}

test('a node that needs libraries of LD_LIBRARY_PATH is given them where that is allowed, and asked for otherwise', () => {
  using folder = new SharedFolder();
  const library = join(folder.path, 'libneeded.so');
  const compile = (words: readonly string[]): void => assert.equal(run(['cc', '-x', 'c', ...words]).errors, '');
  writeFileSync(join(folder.path, 'needed.c'), 'int needed(void) { return 0; }\n');
  writeFileSync(join(folder.path, 'node.c'), 'int needed(void);\nint main(void) { return needed(); }\n');
  compile(['-shared', '-o', library, '-Wl,-soname,libneeded.so', join(folder.path, 'needed.c')]);
  compile(['-o', join(folder.path, 'node'), join(folder.path, 'node.c'), '-x', 'none', library]);
  const start = (more: Readonly<Record<string, string>>): { status: number | null; errors: string } => {
    const env = { PATH: `${folder.path}:/usr/bin:/bin`, LD_LIBRARY_PATH: folder.path, ...more };
    return run([trampfd, '--version'], { env });
  };
  const { status, errors } = start({});
  assert.equal(status, 125);
  assert.match(errors, /node needs the folders of LD_LIBRARY_PATH: .*set TRAMPFD_NODE_ENVIRONMENT=LD_LIBRARY_PATH/);
  assert.equal(start({ TRAMPFD_NODE_ENVIRONMENT: 'LD_LIBRARY_PATH' }).status, 0);
});

test('a copy of the launcher without its package is refused', () => {
  using folder = new SharedFolder();
  copyFileSync(trampfd, join(folder.path, 'trampfd'));
  const { status, errors } = run([join(folder.path, 'trampfd'), '--version']);
  assert.equal(status, 125);
  assert.match(errors, /trampfd\.cjs is missing: build it/);
});

test('where base64 cannot be run for another reason than that it is missing, that reason is said', () => {
  using folder = new SharedFolder();
  const command = copyCommand(folder.path);
  rmSync(join(folder.path, 'dist', 'bin', 'writable_code.so'));
  const { status, errors } = run([command, '--version']);
  assert.equal(status, 125);
  assert.match(errors, /^trampfd: the environment cannot be read with base64: .*writable_code\.so/);
});

/** Whether a process listens on a TCP port (proc_net(5): state 0A). */
function listens(processId: number): boolean {
  const folder = `/proc/${processId}/fd`;
  const sockets = new Set(
    readdirSync(folder).flatMap((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, name)))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/${processId}/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .some((words) => words[3] === '0A' && sockets.has(words[9] ?? '')),
  );
}

/** Whether a process catches SIGUSR1 (proc_pid_status(5)). */
function catches(processId: number): boolean {
  const caught = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${processId}/status`, 'latin1'))?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt((signalNumbers['SIGUSR1'] ?? 0) - 1)) & 1n) === 1n;
}

/** Waits for a moment in a process's life; false where it ended before. */
function untilSeen(look: () => boolean, patience: number): boolean {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    try {
      if (look()) return true;
    } catch {
      return false;
    }
  }
  return false;
}

/** Sends SIGUSR1 as soon as a program catches it; gives whether it listens after that, and what it wrote. */
async function attack(words: readonly string[]): Promise<{ listened: boolean; errors: string }> {
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const { pid = 0 } = child;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
  });
  let listened = false;
  if (untilSeen(() => catches(pid), 10_000)) {
    for (let time = 0; time < 3; time += 1) process.kill(pid, 'SIGUSR1');
    listened = untilSeen(() => listens(pid), 500);
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
  await ended;
  return { listened, errors };
}

if (process.getuid?.() === 0) {
  test('Node.js loads no library that a configuration of OpenSSL names, as root of a container could have written', () => {
    using folder = new SharedFolder();
    const [source, library] = [join(folder.path, 'hostile.c'), join(folder.path, 'hostile.so')];
    writeFileSync(
      source,
      '#include <unistd.h>\n__attribute__((constructor)) static void f(void) { if (write(2, "hostile\\n", 8)) {} }',
    );
    assert.equal(run(['gcc', '-shared', '-fpic', '-o', library, source]).status, 0);
    const section = '= n\n[n]\nproviders = p\n[p]\ndefault = d\nhostile = h\n[d]\nactivate = 1\n[h]\n';
    const text = `nodejs_conf = n\nopenssl_conf ${section}module = ${library}\nactivate = 1\n`;
    writeFileSync(join(folder.path, 'openssl.cnf'), text);
    const script = `mount -t tmpfs none /etc/ssl && cp ${folder.path}/openssl.cnf /etc/ssl && "$@"`;
    const among = (words: readonly string[]): string =>
      run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...words]).errors;
    // It is what a Node.js loads by itself.
    assert.match(among([process.execPath, '--eval', '0']), /hostile/);
    for (const words of [['--version'], ['run', '--policy', 'wx', '--', 'true'], ['doctor']]) {
      assert.doesNotMatch(among([trampfd, ...words]), /hostile/);
    }
  });
}

describe('SIGUSR1, sent to a Node.js that starts', () => {
  // Long enough for the debugger to open before JavaScript of the program's own could handle the signal.
  test('opens its debugger, where nothing is done about that', async () => {
    const { listened, errors } = await attack([process.execPath, '-e', 'setTimeout(() => undefined, 5000)']);
    assert.deepEqual([listened, /Debugger listening on/.test(errors)], [true, true], errors);
  });

  for (const words of [['run', '--', 'sleep', '1'], ['run', '--policy', 'strict', '--', 'sleep', '1'], ['doctor']]) {
    test(`opens nothing in the supervisor of trampfd ${words.join(' ')}`, async () => {
      let reached = 0;
      for (let time = 0; time < 4; time += 1) {
        const { listened, errors } = await attack([trampfd, ...words]);
        assert.equal(listened, false, errors);
        assert.doesNotMatch(errors, /Debugger listening/);
        // It was asked for in time, and could not be opened.
        if (/^Unable to resolve "::1%trampfd-has-no-debugger"/m.test(errors)) reached += 1;
      }
      assert.ok(reached > 0);
    });
  }
});
