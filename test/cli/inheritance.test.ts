/**
 * What a program inherits under `trampfd run` is what it inherits without: every descriptor, every byte of its words and
 * its environment, its signals, its limits, its folder.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { program, run, SharedFolder, trampfd } from './command.js';

/** What a program reports to have inherited, by the name of the thing. */
function report(file: string): Map<string, string> {
  const lines = readFileSync(file, 'latin1').trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([^:]+):(.*)$/s.exec(line) ?? [];
      // Pipes of two runs have two numbers, and so have deleted folders; each run has a process group of its own.
      return [name, value.replace(/(pipe|socket):\[\d+\]/g, '$1').replace(/trampfd-test-\w+/, 'trampfd-test')];
    }),
  );
}

/** Runs the reporting program with and without supervision, after the same preparation. */
function compareUnder(
  policy: string,
  preparation: string,
  words: readonly string[] = [],
  input?: string,
): Map<string, string> {
  using folder = new SharedFolder();
  const reportFile = join(folder.path, 'report');
  const reporter = [program('inherited'), reportFile, ...words];
  const prepared = preparation === '' ? [] : [program('prepare'), preparation];
  const options = input === undefined ? {} : { input };

  const bare = run([...prepared, ...reporter], options);
  assert.equal(bare.status, 0, bare.errors);
  const expected = report(reportFile);
  const supervised = run([...prepared, trampfd, 'run', '--policy', policy, '--', ...reporter], options);
  assert.equal(supervised.status, 0, supervised.errors);
  const actual = report(reportFile);

  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  // A folder that is gone leads to the mounts that it was in: under strict the program has another one of its name that is.
  const elsewhere = (value = ''): string =>
    policy === 'strict' ? value.replace(/ \/\S*(\/[^/]+ \(deleted\))$/, ' $1') : value;
  for (const [name, value] of expected) assert.equal(actual.get(name), elsewhere(value), name);
  return actual;
}

function hexadecimal(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

for (const policy of ['wx', 'strict']) {
  const compare = (preparation: string, words?: readonly string[], input?: string): Map<string, string> =>
    compareUnder(policy, preparation, words, input);

  describe(`under ${policy}, a supervised program inherits`, () => {
    test('what every program does', () => {
      const found = compare('');
      assert.match(found.get('descriptors') ?? '', /^ 0->\S+,2,0,-1 1->\S+,2,0,-1 2->\S+,2,0,-1/);
      assert.equal(found.get('blocked'), '');
    });

    test('an environment of any entries, in their order', () => {
      const environment = compare('environment').get('environment') ?? '';
      for (const entry of ['A=1', 'A=2', 'dotted.name=3', 'no equals sign', '', '=', '\xff\xfe=\x81\x82\x83\x88']) {
        assert.ok(environment.includes(`"${hexadecimal(entry)}"`), entry);
      }
    });

    test('an environment of more than 128 KiB', () => {
      const environment = compare('large-environment').get('environment') ?? '';
      assert.ok(environment.length > 1_000_000, `${environment.length}`);
    });

    test('words that are empty or not UTF-8', () => {
      // Words with bytes that no string of JavaScript can carry come from a shell.
      using folder = new SharedFolder();
      const file = join(folder.path, 'report');
      const script = `"$@" ${program('inherited')} ${file} '' "$(printf '\\377\\201\\202\\210')" 'a b' '*' '' "$(printf 'x\\ny')" ''`;
      const expected = ['', '\xff\x81\x82\x88', 'a b', '*', '', 'x\ny', '']
        .map((word) => ` "${hexadecimal(word)}"`)
        .join('');
      for (const words of [['env'], [trampfd, 'run', '--policy', policy, '--']]) {
        const { status, errors } = run(['sh', '-c', script, 'sh', ...words]);
        assert.equal(status, 0, errors);
        assert.equal(report(file).get('arguments'), expected, words.join(' '));
      }
    });

    test('words that look like options', () => {
      compare('', ['--policy', 'off', '--', '-h', '--help']);
    });

    test('descriptors from 3 on, and none that close on exec', () => {
      const descriptors = compare('descriptors').get('descriptors') ?? '';
      const numbers = descriptors
        .trim()
        .split(' ')
        .map((text) => Number.parseInt(text, 10));
      for (const number of [0, 1, 2, 3, 7, 9, 10, 11, 200]) assert.ok(numbers.includes(number), `${number}`);
      for (const number of [4, 13]) assert.ok(!numbers.includes(number), `${number}`);
    });

    for (const closed of ['closed-0', 'closed-1', 'closed-2', 'closed-0,closed-1,closed-2', 'closed-0,descriptors']) {
      test(`what is ${closed.replaceAll(',', ' and ')}`, () => {
        compare(closed);
      });
    }

    test('ignored and blocked signals', () => {
      const found = compare('signals');
      assert.equal(found.get('blocked'), ' 12 15 17 37');
      assert.equal(found.get('ignored'), ' 1 2 10 13 20 28 39');
    });

    test('the default action of SIGPIPE, which Node.js ignores', () => {
      assert.doesNotMatch(`${compare('').get('ignored')} `, / 13 /);
    });

    test('limits, soft and hard', () => {
      assert.match(compare('limits').get('limits') ?? '', / 3=16777216\/33554432 4=4096\/8192 .* 7=300\/3000 /);
    });

    test('a low limit of open files', () => {
      compare('few-descriptors');
    });

    test('the umask', () => {
      assert.equal(compare('umask').get('umask'), ' 123');
    });

    test('a folder that is gone', () => {
      const folder = policy === 'strict' ? '' : '/tmp';
      assert.equal(compare('deleted-folder').get('folder'), ` ${folder}/trampfd-test (deleted)`);
    });

    test('all of it at once', () => {
      // The folder comes before the umask, which lets an ordinary user make none.
      compare('environment,large-environment,signals,deleted-folder,umask,descriptors,limits', ['', 'word']);
    });
  });
}
