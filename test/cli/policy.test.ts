/** `trampfd policy show`, and policies that come from a file. */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { kinds, levelNames, type PolicyChange, policyOf, policyText } from '../../src/policy/kinds.js';
import { run, SharedFolder, trampfd } from './command.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());

function file(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

function show(...words: readonly string[]): string {
  const { status, output, errors } = run([trampfd, 'policy', 'show', ...words]);
  assert.equal(errors, '');
  assert.equal(status, 0);
  return output;
}

interface Described {
  readonly policy: string;
  readonly level: string;
  readonly emulation: boolean | string;
  readonly kinds: readonly { readonly kind: string; readonly allowed: boolean; readonly enforcement: string }[];
}

describe('policy show', () => {
  test('prints the set of each level: each kind, whether it is allowed, and how that is enforced', () => {
    for (const level of levelNames) {
      const output = show(level);
      for (const kind of kinds) {
        const verdict = policyOf(level).allowed.has(kind) ? 'allowed may' : 'denied +may not';
        assert.match(output, new RegExp(`^ +${kind} +${verdict} `, 'm'), `${level} ${kind}`);
      }
      for (const line of output.split('\n')) assert.ok(line.length <= 100, line);
    }
  });

  test('prints a changed level, by the options that give it', () => {
    const change: PolicyChange[] = [{ verb: 'allow', kind: 'execheap' }];
    const output = show('strict', '--deny', 'exectramp', '--allow', 'exectramp', '--allow=execheap');
    assert.match(output, new RegExp(`^${policyText(policyOf('strict', change))}\n`));
    assert.match(output, /execheap +allowed may make the heap/);
  });

  test('as JSON', () => {
    const described = JSON.parse(show('--json', 'wx', '--deny', 'execfile')) as Described;
    assert.equal(described.policy, 'wx --deny execfile');
    assert.deepEqual(
      described.kinds.map(({ kind, allowed }) => [kind, allowed]),
      kinds.map((kind) => [kind, kind === 'exectramp']),
    );
    for (const { enforcement } of described.kinds) assert.ok(enforcement.length > 10);
  });

  test('says whether trampolines that programs write are emulated', () => {
    const described = (...words: string[]) => JSON.parse(show('--json', ...words)) as Described;
    for (const level of levelNames) {
      const isEmulating = level === 'wx' || level === 'strict';
      assert.equal(described(level).emulation, isEmulating, level);
      assert.equal(described(level, '--no-emulation').emulation, false, level);
      assert.equal(described(level, '--no-emulation').policy, `${level} --no-emulation`);
    }
    assert.equal(described('wx', '--every-program').emulation, 'every-program');
    assert.equal(described('strict', '--every-program').emulation, true);
    assert.equal(described('wx', '--deny', 'exectramp').emulation, false);
    assert.equal(described('wx', '--deny', 'exectramp', '--every-program').emulation, false);
    assert.equal(described('strict', '--allow', 'execheap').emulation, false);
    const asText = (...words: string[]) => show(...words).replace(/\n +/g, ' ');
    const emulated = /execmem +denied +may not make .*: it is never executable: .*, anything else is a SIGSEGV/;
    for (const level of ['wx', 'strict']) {
      assert.match(asText(level), emulated);
      assert.match(asText(level), /execheap +denied +may not make .*: it is never executable: /);
      assert.match(asText(level), /execmod +denied +may not make .*: the supervisor refuses the calls with EACCES; /);
    }
    assert.match(show('wx', '--no-emulation'), /^wx --no-emulation\n/);
    assert.match(
      asText('wx', '--no-emulation'),
      /execmem +denied .*the kernel refuses the calls with EACCES, by their reg/,
    );
  });

  test('prints what a file holds', () => {
    const path = file('shown.json', '{"programs":{"nginx":{"policy":"strict","exec":["/srv"],"bestEffort":true}}}');
    assert.match(show(path), /^nginx: strict --exec \/srv --best-effort\n {2}allowed {3}exectramp\n/);
    assert.match(show(path), /^every other program: wx\n/m);
    const described = JSON.parse(show('--json', path)) as { programs: Record<string, Described>; default: Described };
    assert.equal(described.programs['nginx']?.level, 'strict');
    assert.equal(described.programs['nginx']?.emulation, true);
    assert.equal(described.default.level, 'wx');
    const without = file('without.json', '{"default":{"policy":"strict","emulation":false}}');
    assert.match(show(without), /^every other program: strict --no-emulation\n/m);
    assert.equal((JSON.parse(show('--json', without)) as typeof described).default.emulation, false);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^trampfd: policy: nothing is asked for; give show; /],
    [['list'], /^trampfd: policy: 'list' is unknown; give show; /],
    [['show'], /^trampfd: policy show: nothing was named; give one of off, log, wx, strict, or a policy file; /],
    [
      ['show', 'tight'],
      /level 'tight' is unknown; give one of off, log, wx, strict, or a policy file, with a \/ in its/,
    ],
    [['show', 'wx', 'off'], /'off' is one too many; give one level or one file/],
    [['show', 'wx', '--allow', 'mem'], /--allow: kind 'mem' is unknown; give one of execmem, execstack, execheap/],
    [
      ['show', './p.json', '--deny', 'execmem'],
      /--allow, --deny, --no-emulation and --every-program change a level, and a file has its/,
    ],
    [
      ['show', './p.json', '--no-emulation'],
      /--no-emulation and .* change a level, and a file has its own; leave them/,
    ],
    [['show', './p.json', '--every-program'], /and --every-program change a level, and a file has its own; leave them/],
    [
      ['show', 'wx', '--no-emulation', '--every-program'],
      /policy show: --every-program looks for programs to emulate, and --no-emulation has none; leave one out/,
    ],
    [
      ['show', './none.json'],
      /^trampfd: \.\/none\.json: the policy file cannot be read \(ENOENT\); name a file that can/,
    ],
    [['show', '/'], /^trampfd: \/: the policy file cannot be read \(EISDIR\)/],
  ];
  for (const [words, message] of wrong) {
    test(`is refused: policy ${words.join(' ')}`, () => {
      const { status, output, errors } = run([trampfd, 'policy', ...words]);
      assert.equal(status, 125);
      assert.equal(output, '');
      assert.match(errors, message);
      assert.equal(errors.trimEnd().split('\n').length, 1);
    });
  }
});

describe('run --policy-file', () => {
  /** The policy that a run says it has. */
  function policyIn(words: readonly string[]): string {
    const log = join(folder.path, 'log');
    writeFileSync(log, '');
    const { status, errors } = run([trampfd, 'run', '--log', log, ...words]);
    assert.equal(status, 0, errors);
    const [first = ''] = readFileSync(log, 'utf8').split('\n');
    return (JSON.parse(first) as { policy: string }).policy;
  }
  symlinkSync('/bin/true', join(folder.path, 'truth'));
  const linked = join(folder.path, 'truth');
  const path = file(
    'run.json',
    JSON.stringify({
      programs: {
        true: { policy: 'log', deny: ['exectramp'] },
        [linked]: { policy: 'off' },
        sh: { allow: ['execmem'] },
        echo: { emulation: false },
      },
      default: { policy: 'wx', deny: ['exectramp'] },
    }),
  );

  test('gives the policy of the program: by path, by a bare name that a link leads to, or the default', () => {
    assert.equal(policyIn(['--policy-file', path, 'true']), 'log --deny exectramp');
    assert.equal(policyIn(['--policy-file', path, '--', '/bin/true']), 'log --deny exectramp');
    assert.equal(policyIn([`--policy-file=${path}`, linked]), 'off');
    assert.equal(policyIn(['--policy-file', path, 'ls']), 'wx --deny exectramp');
  });

  test('options of the command line win', () => {
    assert.equal(policyIn(['--policy-file', path, '--allow', 'exectramp', 'true']), 'log');
    assert.equal(policyIn(['--policy-file', path, '--policy', 'wx', 'true']), 'wx');
    assert.equal(policyIn(['--policy-file', path, '--deny', 'execmem', 'sh', '-c', ':']), 'wx');
  });

  test('emulates where neither the file nor the command line says not to', () => {
    assert.equal(policyIn(['--policy-file', path, 'echo']), 'wx --no-emulation');
    assert.equal(policyIn(['--policy-file', path, '--policy', 'strict', 'echo']), 'strict --no-emulation');
    assert.equal(policyIn(['--policy-file', path, '--no-emulation', linked]), 'off --no-emulation');
    assert.equal(policyIn(['--no-emulation', 'true']), 'wx --no-emulation');
  });

  test('a program that is in no file runs under wx', () => {
    assert.equal(policyIn(['--policy-file', file('empty.json', '{}'), 'true']), 'wx');
  });

  test('a file that is wrong starts nothing', () => {
    const wrong = file('wrong.json', '{"programs":{"nginx":{"policy":"tight"}}}');
    const { status, output, errors } = run([trampfd, 'run', '--policy-file', wrong, 'echo', 'started']);
    assert.equal(status, 125);
    assert.equal(output, '');
    assert.match(
      errors,
      /^trampfd: .*wrong\.json: at \/programs\/nginx\/policy: the policy "tight" is unknown; give one of/,
    );
  });
});
