/**
 * Trees that may be executed from: resolved, one for what lies in another, and none whose files have names outside.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { trustedTrees } from '../../../src/supervisor/confine/trees.js';
import { run, trampfd } from '../../cli/command.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-trees-'));
after(() => rmSync(folder, { recursive: true, force: true }));
chmodSync(folder, 0o755);
const path = (name: string): string => join(folder, name);
const named = (...names: string[]): readonly string[] =>
  trustedTrees(
    names.map((name) => Buffer.from(name)),
    undefined,
  ).named.map((tree) => tree.replace(folder, 'F'));

for (const name of ['tree/inner', 'other', 'linked', 'twice']) mkdirSync(path(name), { recursive: true });
copyFileSync('/bin/true', path('tree/program'));
copyFileSync('/bin/true', path('program'));
symlinkSync('tree', path('link'));
writeFileSync(path('linked/file'), '');
linkSync(path('linked/file'), path('outside'));
writeFileSync(path('twice/file'), '');
linkSync(path('twice/file'), path('twice/other'));

describe('trees', () => {
  test('of the system are folders, links resolved, none in another', () => {
    const { system } = trustedTrees([], undefined);
    assert.ok(system.includes('/usr'));
    for (const tree of system) {
      assert.ok(!system.some((other) => other !== tree && tree.startsWith(`${other}/`)), tree);
      assert.equal(run(['readlink', '-f', tree]).output, `${tree}\n`);
    }
  });

  test('in which files come and go while they are searched are like any other', async () => {
    mkdirSync(path('busy'));
    const script = 'while mkdir d && echo > d/a && mv d/a b && ln b c && rm b c && rmdir d; do :; done';
    const child = spawn('sh', ['-c', script], { cwd: path('busy'), stdio: 'ignore' });
    try {
      for (let tries = 0; tries < 3000; tries++) assert.deepEqual(named(path('busy')), ['F/busy']);
      assert.equal(child.exitCode, null);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  test('that are named are resolved, and one that lies in another is part of it', () => {
    assert.deepEqual(named(path('tree')), ['F/tree']);
    assert.deepEqual(named(path('link')), ['F/tree']);
    assert.deepEqual(named(`${path('tree')}/inner/..`, path('link/inner')), ['F/tree']);
    assert.deepEqual(named(path('tree/program')), ['F/tree/program']);
    assert.deepEqual(named('/usr/lib', '/bin'), []);
    assert.deepEqual(named(path('twice')), ['F/twice']);
  });

  test('that cannot be are refused: the path, the rule and the remedy are said', () => {
    assert.throws(() => named(path('nowhere')), {
      code: 'ENOENT',
      message: /^--exec \S+nowhere: there is no such .*; name/,
    });
    assert.throws(() => named('/'), { code: 'EINVAL', message: /^--exec \/: everything is in it, .*; name the tree$/ });
    assert.throws(() => named(path('linked')), {
      code: 'EMLINK',
      message: /^--exec \S+linked: .* hard link.*; remove that name .*, or copy it/,
    });
    assert.throws(() => named(path('outside')), { code: 'EMLINK' });
  });

  test('the file of the program is one, where it lies in none', () => {
    const file = Buffer.from(path('program'));
    assert.deepEqual(trustedTrees([], file).named, [path('program')]);
    assert.deepEqual(trustedTrees([], Buffer.from('/bin/true')).named, []);
    assert.deepEqual(trustedTrees([Buffer.from(folder.concat('/tree'))], Buffer.from(path('link/program'))).named, [
      path('tree'),
    ]);
    assert.deepEqual(trustedTrees([], Buffer.from(path('nowhere'))).named, []);
    assert.deepEqual(trustedTrees([], Buffer.from(folder)).named, []);
  });
});

describe('a run under strict', () => {
  const strict = (options: readonly string[], words: readonly string[]) =>
    run([trampfd, 'run', '--policy', 'strict', ...options, '--', ...words]);

  test('ends with 125 and a sentence where a tree cannot be trusted', () => {
    for (const name of ['nowhere', 'linked']) {
      const { status, output, errors } = strict(['--exec', path(name)], ['echo', 'started']);
      assert.deepEqual([status, output], [125, '']);
      assert.match(errors, /^trampfd: --exec [^\n]+\n$/);
    }
    assert.match(strict(['--exec', '/'], ['echo', 'started']).errors, /^trampfd: --exec \/: [^\n]+\n$/);
  });

  test('executes from a named tree, which it cannot write, and from nowhere beside it', () => {
    const script = `
      ${path('tree/program')} && echo program
      ${path('program')} 2>/dev/null || echo $?
      (: >${path('tree/new')}) 2>/dev/null || echo read-only
      (: >${path('other/new')}) && echo written
      mv ${path('tree')} ${path('moved')} 2>/dev/null || echo fast
      ln ${path('tree/program')} ${path('other/link')} 2>/dev/null || echo unlinked`;
    const { output, errors } = strict(['--exec', path('tree')], ['sh', '-c', script]);
    assert.deepEqual([output, errors], ['program\n126\nread-only\nwritten\nfast\nunlinked\n', '']);
  });

  test('has the file of its program, executable and read-only', () => {
    writeFileSync(
      path('script'),
      '#!/bin/sh\n[ "$1" = again ] && echo again && exit\n(: >>"$0") 2>/dev/null || echo read-only\n"$0" again\n',
    );
    chmodSync(path('script'), 0o755);
    const { status, output, errors } = strict([], [path('script')]);
    assert.deepEqual([status, output, errors], [0, 'read-only\nagain\n', '']);
  });
});
