/**
 * Descriptors that a confined program inherits: what shells do with them goes on, and none is a way around the mounts.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder } from '../../cli/command.js';

const isRoot = process.getuid?.() === 0;
const shared = new SharedFolder();
after(() => shared[Symbol.dispose]());
const command = copyCommand(shared.path);
const env = { ...process.env, PATH: `${join(shared.path, 'node')}:/usr/bin:/bin` };

/** Runs a script of bash(1) in an empty folder; `$S` starts a program under strict, `$R` one under strict without emulation. */
function script(text: string, user: readonly string[] = []): Ended {
  using folder = new SharedFolder();
  const started = [...user, command, 'run', '--policy', 'strict'].join(' ');
  const words = `S="${started} --"\nR="${started} --no-emulation --"`;
  const { output, errors, ...ended } = run(['bash', '-c', `${words}\n${text}`], { env, cwd: folder.path });
  const relative = (said: string): string => said.replaceAll(folder.path, 'F');
  return { ...ended, output: relative(output), errors: relative(errors) };
}

/** Each script, and what it prints, with and without us. */
const scripts: Readonly<Record<string, readonly [string, string]>> = {
  'two streams into one file': ["$S sh -c 'echo a; echo b >&2; echo c; echo d >&2' >f 2>&1; cat f", 'a\nb\nc\nd\n'],
  'what comes before and behind': ['{ echo 0; $S echo 1; echo 2; $S echo 3; } >f; cat f', '0\n1\n2\n3\n'],
  'parts of a file, read by several programs': [
    "printf 'abcdefghi' >f; { $S head -c 3; echo; head -c 2; echo; $S cat; } <f",
    'abc\nde\nfghi',
  ],
  'lines of a file, read by a loop of the shell': [
    "printf '1\\n2\\n3\\n' >f; $S sh -c 'while read line; do echo \"<$line>\"; done' <f",
    '<1>\n<2>\n<3>\n',
  ],
  'a position in the middle': [
    "printf '0123456789' >f; { read -r -N 4 _; $S cat; } <f; $S sh -c 'printf X' 1<>f; cat f",
    '456789X123456789',
  ],
  appending: ["echo x >f; $S sh -c 'echo y; echo z' >>f; echo w >>f; cat f", 'x\ny\nz\nw\n'],
  'appending, by two at once': ['{ $S echo y & $S echo y & wait; } >>f; cat f', 'y\ny\n'],
  'reading alone': ["echo x >f; $S sh -c 'echo y >&0' <f 2>/dev/null; echo $?; cat f", '1\nx\n'],
  'reading and writing': [
    "printf 'abc' >f; $S sh -c 'read -r line <&5; echo \"$line\"; echo d >&5' 5<>f; cat f",
    'abc\nabcd\n',
  ],
  'a folder': ["mkdir d; echo x >d/f; $S sh -c 'cd /proc/self/fd/5/ && cat f && echo y >g' 5<d; cat d/g", 'x\ny\n'],
  'a here document': ['$S cat <<END\ntext\nEND', 'text\n'],
  'a large here document, which has no name': ['$S wc -c <<<"$(head -c 100000 /dev/zero | tr "\\0" x)"', '100001\n'],
  'a pipe, and its position that is none': ['echo x | $S cat | cat', 'x\n'],
  'devices, which stay what they are': [
    "$S sh -c 'readlink /proc/self/fd/5; head -c 2 <&6 | od -An -tx1; echo x >&5' 5>/dev/null 6</dev/zero",
    '/dev/null\n 00 00\n',
  ],
  'a named pipe': ['mkfifo p; (echo x >p) & $S cat <p; wait', 'x\n'],
  'names with blanks and newlines': ['f=$\'a b\\nc\'; $S echo x >"$f"; cat "$f"', 'x\n'],
};

describe('an inherited descriptor', () => {
  for (const [name, [text, expected]] of Object.entries(scripts)) {
    test(name, () => {
      const bare = script(`S=\n${text}`);
      assert.equal(bare.output, expected, `without us: ${bare.errors}`);
      const { output, errors } = script(text);
      assert.deepEqual([output, errors], [expected, '']);
    });
  }

  test('a socket whose queue was looked through, and is as it was', () => {
    const send = `import array, os, socket, sys
ends = socket.socketpair()
pipes = [os.pipe() for _ in range(3)]
for index, (reading, writing) in enumerate(pipes):
    os.write(writing, b'%d' % index)
    socket.send_fds(ends[0], [b'message'], [reading])
os.dup2(ends[1].fileno(), 5)
os.execvp(sys.argv[1], sys.argv[1:])
`;
    const receive = `import os, socket
end = socket.socket(fileno=5)
print(end.getsockopt(socket.SOL_SOCKET, 42))
for _ in range(3):
    data, received, _, _ = socket.recv_fds(end, 100, 10)
    print(data.decode(), *[os.read(one, 1).decode() for one in received])
`;
    writeFileSync(join(shared.path, 'send.py'), send);
    writeFileSync(join(shared.path, 'receive.py'), receive);
    const text = `/usr/bin/python3 ${shared.path}/send.py $S /usr/bin/python3 ${shared.path}/receive.py`;
    const expected = '-1\nmessage 0\nmessage 1\nmessage 2\n';
    for (const words of [`S=\n${text}`, text]) {
      const { output, errors } = script(words);
      assert.deepEqual([output, errors], [expected, '']);
    }
  });

  test('of ours none is left to the program', () => {
    const listed =
      'exec 5</dev/null 7</etc/passwd; $S /usr/bin/python3 -c \'import os; print(sorted(os.listdir("/proc/self/fd")))\'';
    const bare = script(`S=\n${listed}`);
    assert.match(bare.output, /'5', '7'/);
    const { output, errors } = script(listed);
    assert.deepEqual([output, errors], [bare.output, '']);
  });
});

describe('no inherited descriptor is a way to execute what can be written:', () => {
  test('a folder', () => {
    const text =
      "mkdir d; $S sh -c 'cp /bin/true /proc/self/fd/5/program; /proc/self/fd/5/program 2>/dev/null; echo $?' 5<d";
    assert.equal(script(text).output, '126\n');
  });

  const map = (flags: string): string =>
    `import mmap, os
file = os.open('/proc/self/fd/7', os.O_RDWR) if ${flags} else 7
try:
    page = mmap.mmap(file, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
    print(*[line.split()[1] for line in open('/proc/self/maps') if line.endswith('/f\\n')])
except OSError as error:
    print(error.strerror)`;

  for (const [name, flags] of [
    ['a file', 'False'],
    ['a file, opened again', 'True'],
  ] as const) {
    test(name, () => {
      writeFileSync(join(shared.path, 'map.py'), map(flags));
      const text = `head -c 4096 /dev/zero >f; $S /usr/bin/python3 ${shared.path}/map.py 7<>f`;
      assert.equal(script(`S=\n${text}`).output, 'r-xs\n');
      // A view of pages that the supervisor writes stands ready for it; of the file itself nothing can be executed.
      assert.equal(script(text).output, 'r--s\n');
      assert.equal(script(text.replace('$S', '$R')).output, 'Operation not permitted\n');
    });
  }

  /** What is refused, with the reason. */
  const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
    'a writable file without a name': [
      'exec 5<>f; rm f; $S echo started',
      /descriptor 5 is F\/f \(deleted\), which has no name any more/,
    ],
    'a folder without a name': [
      'mkdir d; exec 6<d; rmdir d; $S echo started',
      /descriptor 6 is F\/d \(deleted\), which has no/,
    ],
    'a file that another has taken the name of': [
      'echo x >g; ln g kept; exec 6<g; rm g; echo y >g; $S echo started',
      /descriptor 6 is F\/g/,
    ],
  };
  test('what cannot be opened again is refused, with a sentence that says what helps', () => {
    for (const [name, [text, message]] of Object.entries(refused)) {
      const { output, errors, status } = script(text);
      assert.deepEqual([status, output], [125, ''], name);
      assert.match(errors, /^trampfd: [^\n]+, or close it\n$/);
      assert.match(errors, message);
    }
  });

  if (isRoot) {
    test("a root's file that its user may read, in a folder that he may not enter", () => {
      const closed = join(shared.path, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      for (const [mode, owner, expected] of [
        [0o666, '0', 125],
        [0o644, '0', 125],
        [0o200, '65534', 125],
        [0o600, '0', 0],
        [0o622, '0', 0],
      ] as const) {
        const file = join(closed, 'file');
        writeFileSync(file, '');
        chmodSync(file, mode);
        const text = `chown ${owner} ${file}; $S sh -c 'echo said >&7' 7>>${file}; echo $?`;
        assert.equal(script(text, asOrdinaryUser).output, `${expected}\n`, `${mode.toString(8)} of ${owner}`);
      }
    });

    test("a root's file that its user may only write, and that is executed or trusted", () => {
      const trusted = join(shared.path, 'trusted');
      mkdirSync(trusted);
      const other = join(shared.path, 'other');
      mkdirSync(other);
      for (const [folder, mode, before, expected] of [
        [other, 0o600, ':', 0],
        // Whoever may execute it needs no permission to read it.
        [other, 0o711, ':', 125],
        [other, 0o600, 'ln -f $F $F.link', 125],
        [trusted, 0o600, ':', 125],
        [trusted, 0o711, ':', 125],
      ] as const) {
        const file = join(folder, `file-${mode.toString(8)}`);
        writeFileSync(file, '');
        chmodSync(file, mode);
        const started = `F=${file}; ${before}; \${S% --} --exec ${trusted} -- sh -c 'echo said >&7' 7>>$F; echo $?; rm -f $F.link`;
        const { output, errors } = script(started, asOrdinaryUser);
        assert.equal(output, `${expected}\n`, `${file}, ${before}: ${errors}`);
      }
    });
  }
});
