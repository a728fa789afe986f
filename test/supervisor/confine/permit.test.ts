/**
 * Executions under strict, in both of its modes: where the kernel permits single files, and where each execution is looked
 * at because a trusted file asks for executable memory. What a program sees of it is the same, and as without us.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { copyCommand, type Ended, run, SharedFolder } from '../../cli/command.js';
import { imageProgram, narrowFlags, withoutStackHeader } from '../../programs/image.js';
import { program } from '../tap.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const command = copyCommand(folder.path);
/** What may be executed: beside nothing, and beside a file that has each execution looked at. */
const tree = join(folder.path, 'tree');
const odd = join(folder.path, 'odd');
for (const path of [tree, odd]) mkdirSync(path);

function put(name: string, content: string | Uint8Array, mode = 0o755): string {
  const path = join(tree, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** The header of a program of another processor: EM_S390, which nobody runs here. */
const foreign = new Uint8Array(64);
foreign.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1, 0]);
foreign.set([0, 2, 0, 22], 16);

const wide = program('executions', 'x86-64');
const narrow = program('executions', 'i386');
const ways = { 'x86-64': put('wide', readFileSync(wide)), i386: put('narrow', readFileSync(narrow)) } as const;
const targets: readonly (readonly [string, string, readonly string[]])[] = [
  ['a program', '/bin/echo', ['said']],
  ['a program of the other width', ways.i386, ['execve', '/bin/echo', 'said']],
  ['a script', put('script', '#!/bin/sh\necho "$0" "$@"; exit 7\n'), ['a', 'b']],
  ['a script of a script', put('chain', `#!${join(tree, 'script')} word\n`), ['c']],
  ['a script of a script of a script', put('longer', `#!${join(tree, 'chain')}\n`), []],
  ['a script without a first line', put('bare', 'echo bare "$@"; exit 8\n'), ['d']],
  ['a script of an interpreter that is nowhere', put('lost', '#!/no/such/interpreter\n'), []],
  ['a program that is nowhere', join(tree, 'nowhere'), []],
  ['a file without permission', put('plain', '#!/bin/sh\n', 0o644), []],
  ['a folder', tree, []],
  ['an empty file', put('empty', ''), []],
  ['a program of another processor', put('foreign', foreign), []],
];
const WAYS = [
  'execve',
  'execvp',
  'thread',
  'beside-threads',
  'race',
  'vfork',
  'spawn',
  'fexecve',
  'execveat',
  'folder',
];

const programs = {
  plain: imageProgram(['-z', 'noexecstack']),
  stack: imageProgram(['-z', 'execstack']),
  narrowStack: imageProgram([...narrowFlags, '-z', 'execstack']),
  code: imageProgram(['-DSECTION']),
  narrowCode: imageProgram([...narrowFlags, '-DSECTION']),
};
for (const [name, path] of Object.entries(programs)) copyFileSync(path, join(odd, name));
writeFileSync(join(odd, 'unmarked'), withoutStackHeader(imageProgram(narrowFlags)), { mode: 0o755 });

/** An ordinary user becomes the root of a user namespace: the system's listing is one of this test alone. */
const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const path = `${join(folder.path, 'node')}:/usr/bin:/bin`;
const log = join(folder.path, 'log');

const cache = join(folder.path, 'cache');
mkdirSync(cache);

/** Runs a script of sh(1) where no tree of the system has a file that asks for executable memory. */
function inCleanSystem(script: string): Ended {
  const prelude = `mount --bind ${cache} /var/cache; mount -t tmpfs tmpfs /opt`;
  const words = ['unshare', ...user, '--mount', 'sh', '-c', `${prelude}\n${script}`];
  return run(words, { env: { PATH: path, LC_ALL: 'C' }, cwd: folder.path });
}

function events(): Record<string, unknown>[] {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  writeFileSync(log, '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const strict = `${command} run --policy strict --log ${log} --exec ${tree}`;
const MODES = [
  ['permitting', strict],
  ['looking', `${strict} --exec ${odd}`],
] as const;

/** Where threads race for a program that cannot be executed, one of them says so, or more. */
const started = ['a program', 'a program of the other width', 'a script', 'a script of a script'];

/** Every way with every target, with what comes of it: a script that prints it. */
const everything = Object.values(ways)
  .flatMap((executing) =>
    WAYS.flatMap((way) =>
      targets
        .filter(([name]) => way !== 'race' || started.includes(name))
        .map(([name, target, words]) => {
          const call = [executing, way, target, ...words].map((word) => `'${word}'`).join(' ');
          return `echo "${way}: ${name}"; ${call} 2>&1; echo "= $?"`;
        }),
    ),
  )
  .join('\n');

describe('executions', () => {
  writeFileSync(join(folder.path, 'everything'), everything);
  const expected = run(['sh', join(folder.path, 'everything')], { env: { PATH: path, LC_ALL: 'C' } });

  test('without us there is something to compare with', () => {
    assert.equal(expected.status, 0);
    const results = expected.output.match(/^= \d+$/gm) ?? [];
    assert.equal(results.length, 2 * ((WAYS.length - 1) * targets.length + started.length));
    assert.deepEqual(
      [...new Set(results)].sort(),
      ['= 0', '= 100', '= 101', '= 102', '= 103', '= 127', '= 7', '= 8'].sort(),
    );
  });

  for (const [mode, words] of MODES) {
    test(`${mode}: by every way, of every kind of file, with the result that they have without us`, () => {
      const { status, output, errors } = inCleanSystem(`${words} -- sh ${folder.path}/everything`);
      assert.deepEqual([status, errors], [0, '']);
      const [found, wanted] = [output, expected.output].map((text) => text.split('\n'));
      for (const [index, line] of (wanted ?? []).entries()) {
        assert.equal(found?.[index], line, found?.slice(Math.max(0, index - 3), index + 1).join('\n'));
      }
      assert.equal(events().filter(({ event }) => event === 'looking').length, mode === 'looking' ? 1 : 0);
    });

    test(`${mode}: what cannot be started ends the run as env(1) does`, () => {
      const each = (before: string): string =>
        targets.map(([, target, rest]) => `${before} ${target} ${rest.join(' ')} 2>/dev/null; echo "= $?"`).join('\n');
      const bare = run(['sh', '-c', each('env')], { env: { PATH: path } });
      const ended = inCleanSystem(each(`${words} --`));
      assert.deepEqual(ended.output.split('\n'), bare.output.split('\n'), ended.errors);
    });

    test(`${mode}: a thousand executions leave nothing behind`, () => {
      const supervisor = '/proc/$PPID';
      const count = `ls ${supervisor}/fd | wc -l; grep VmRSS ${supervisor}/status | tr -dc 0-9; echo`;
      // The supervisor lets only root look at what it holds.
      const script = `${ways['x86-64']} often-100 /bin/true; (${count}); ${ways['x86-64']} often-1000 /bin/true; (${count})`;
      const { status, output, errors } = inCleanSystem(`${words} -- sh -c '${script}'`);
      assert.deepEqual([status, output.match(/^all$/gm)?.length], [0, 2], errors);
      const found = output.split('\n').filter((line) => /^\d+$/.test(line));
      const [descriptors, memory, descriptorsAfter, memoryAfter] = found.map(Number);
      assert.equal(descriptorsAfter, descriptors);
      assert.ok((memoryAfter ?? 0) < (memory ?? 0) + 16_384, `${memory} to ${memoryAfter} KiB`);
    });
  }
});

describe('a program that asks for executable memory', () => {
  const looking = `${strict} --exec ${odd} --`;

  for (const name of ['plain', 'stack', 'narrowStack', 'unmarked'] as const) {
    test(`${name}: gets a stack that is not executable, and runs; the log says so`, () => {
      const file = join(odd, name);
      const bare = {
        plain: 'plain',
        unmarked: 'executable memory',
        stack: 'executable stack',
        narrowStack: 'executable stack',
      };
      assert.equal(run([file]).output, `${bare[name]}\n`);
      const calls = [file, ...WAYS.flatMap((way) => Object.values(ways).map((one) => `${one} ${way} ${file}`))];
      const { output, errors } = inCleanSystem(`${looking} ${file}; ${looking} sh -c "${calls.join('; ')}"`);
      assert.equal(errors, '');
      assert.deepEqual(output.trimEnd().split('\n'), ['plain', ...calls.map(() => 'plain')]);
      const mended = events().filter(({ event }) => event === 'image-mended');
      const memory = name === 'unmarked' ? 'all of its memory' : 'its stack';
      assert.equal(mended.length, name === 'plain' ? 0 : calls.length + 1);
      for (const event of mended) assert.deepEqual([event['file'], event['memory']], [file, memory]);
    });
  }

  for (const name of ['code', 'narrowCode'] as const) {
    test(`${name}: does not run; file and segment are named`, () => {
      const file = join(odd, name);
      assert.equal(run([file]).output, 'writable code\n');
      const sentence = new RegExp(
        `^trampfd: ${file}: its segment at [0-9a-f]+-[0-9a-f]+ \\(${file}\\) is rwxp, writable and executable; \\S.*$`,
      );
      const first = inCleanSystem(`${looking} ${file}`);
      assert.deepEqual([first.status, first.output], [125, '']);
      assert.match(first.errors, /^[^\n]+\n$/);
      assert.match(first.errors.trimEnd(), sentence);
      events();
      const each = ['execve', 'thread', 'race', 'vfork', 'spawn'].map(
        (way) => `${ways['x86-64']} ${way} ${file}; echo $?`,
      );
      const { output, errors } = inCleanSystem(`${looking} sh -c '${each.join('; ')}'`);
      assert.deepEqual(
        output.trimEnd().split('\n'),
        each.map(() => '137'),
      );
      const said = errors.split('\n').filter((line) => line.startsWith('trampfd:'));
      assert.equal(said.length, each.length, errors);
      for (const line of said) assert.match(line, sentence);
      const refused = events().filter(({ event }) => event === 'image-refused');
      assert.deepEqual(
        refused.map((event) => event['file']),
        each.map(() => file),
      );
    });
  }
});
