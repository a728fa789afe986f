/** What doctor says of the files that the next supervisor is read from. */
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { changeableBy, foldersBefore, type PathFacts } from '../../src/cli/doctor_start.js';
import { asOrdinaryUser, copyCommand, run, SharedFolder, trampfd } from './command.js';

describe('by which path a file can be changed', () => {
  const nothing: PathFacts = { isWritable: false, isSticky: false, isOwn: false };
  const of = (facts: Readonly<Record<string, Partial<PathFacts>>>): string | undefined =>
    changeableBy('/a/b/file', (path) => ({ ...nothing, ...facts[path] }));

  for (const [name, facts, path] of [
    ['none, where nothing can be written', {}, undefined],
    ['itself', { '/a/b/file': { isWritable: true } }, '/a/b/file'],
    ['itself, where its owner may allow that', { '/a/b/file': { isOwn: true } }, '/a/b/file'],
    ['its folder', { '/a/b': { isWritable: true } }, '/a/b'],
    ['a folder above', { '/a': { isOwn: true } }, '/a'],
    ['none, in a sticky folder of others', { '/a': { isWritable: true, isSticky: true } }, undefined],
    [
      'a sticky folder with a folder of his own',
      { '/a': { isWritable: true, isSticky: true }, '/a/b': { isOwn: true } },
      '/a/b',
    ],
  ] as const) {
    test(name, () => assert.equal(of(facts), path));
  }
});

test('Node.js is looked for in folders of PATH, and in those that can yet be made', () => {
  using folder = new SharedFolder();
  const { path } = folder;
  for (const name of ['empty', 'node', 'behind', 'other/node']) mkdirSync(join(path, name), { recursive: true });
  writeFileSync(join(path, 'node', 'node'), '', { mode: 0o755 });
  const search = ['empty', 'to/be/made', 'other', 'node', 'behind'].map((name) => join(path, name)).join(':');
  assert.deepEqual(
    foldersBefore(`.::${search}:relative`),
    ['empty', '', 'other', 'node'].map((name) => realpathSync(join(path, name))),
  );
});

describe('trampfd doctor', () => {
  // npm puts folders before it, which may not be there, and lie where everybody may make them.
  const PATH = `${dirname(process.execPath)}:/usr/bin:/bin`;
  const line = (words: readonly string[], path = PATH): string => {
    const { output, errors } = run(words, { cwd: '/', env: { ...process.env, PATH: path } });
    return /^.* files of the next supervisor .*$/m.exec(output)?.[0] ?? errors;
  };

  if (process.getuid?.() !== 0) return;

  test('says of root that it can write everything', () => {
    assert.match(line([trampfd, 'doctor']), /^no .* root can write them, .* strict has trampfd and Node\.js read-only/);
  });

  test('says of an ordinary user whether the files are his', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    assert.match(line([...asOrdinaryUser, command, 'doctor']), /^yes .* this user can write none of them/);
    const mine = join(folder.path, 'mine');
    run(['install', '-d', '-o', '65534', mine]);
    const before = line([...asOrdinaryUser, command, 'doctor'], `${mine}/bin:${PATH}`);
    assert.match(before, new RegExp(`^no .* PATH has ${mine} no later than Node\\.js, .* under wx and strict`));
    const behind = line([...asOrdinaryUser, command, 'doctor'], `${PATH}:${mine}/bin`);
    assert.match(behind, /^yes /);
    run(['chown', '65534', folder.path]);
    const answer = line([...asOrdinaryUser, command, 'doctor']);
    assert.match(answer, new RegExp(`^no .* this user can write ${folder.path}, and so can a program under wx`));
  });
});
