/**
 * The files that the next run is started from: read-only in a run, wherever they lie.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ownFiles } from '../../../src/supervisor/confine/own_files.js';
import { asOrdinaryUser, copyCommand, run, SharedFolder } from '../../cli/command.js';
import { root } from '../../programs/compile.js';

/** A library that Node.js is linked with. */
const LIBRARY =
  /^\S+ ..x. .* (\/.*\/libstdc\+\+\.so\.6[^/]*)$/m.exec(readFileSync('/proc/self/maps', 'latin1'))?.[1] ?? '';

test('they are those of the package, of what it loads, Node.js and its libraries with their folders', () => {
  const files = ownFiles();
  assert.ok(files.includes(LIBRARY) && files.includes(dirname(LIBRARY)), LIBRARY);
  for (const part of ['bin', 'dist', 'package.json', 'node_modules']) assert.ok(files.includes(join(root, part)), part);
  assert.ok(files.includes(process.execPath));
  for (const file of files) assert.ok(existsSync(file), file);
  assert.equal(new Set(files).size, files.length);
});

test('a library is one of them, whatever its folder is called', () => {
  using folder = new SharedFolder();
  const libraries = join(realpathSync(folder.path), 'a\rname', 'lib');
  mkdirSync(libraries, { recursive: true });
  copyFileSync(LIBRARY, join(libraries, 'libstdc++.so.6'));
  const module = new URL('../../../src/supervisor/confine/own_files.js', import.meta.url).href;
  const text = `import(${JSON.stringify(module)}).then(({ ownFiles }) => console.log(JSON.stringify(ownFiles())))`;
  const { output, errors } = run([process.execPath, '-e', text], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  assert.equal(errors, '');
  const files = JSON.parse(output) as readonly string[];
  for (const path of [libraries, join(libraries, 'libstdc++.so.6')]) assert.ok(files.includes(path), path);
});

describe('a run', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const command = copyCommand(folder.path);
  // As a Node.js in a home folder has its libraries beside it.
  const libraries = join(folder.path, 'lib');
  mkdirSync(libraries);
  copyFileSync(LIBRARY, join(libraries, 'libstdc++.so.6'));
  const env = {
    ...process.env,
    PATH: `${join(folder.path, 'node')}:/usr/bin:/bin`,
    HOME: folder.path,
    LD_LIBRARY_PATH: libraries,
    TRAMPFD_NODE_ENVIRONMENT: 'LD_LIBRARY_PATH',
  };
  /** Each would have the next run execute something else. */
  const ways = [
    ': >>bin/trampfd',
    ': >>dist/bin/trampfd.cjs',
    ': >dist/bin/new.cjs',
    ': >>package.json',
    ': >>node/node',
    ': >node_modules/koffi/index.js',
    'mkdir node_modules/koffi/new',
    'mv dist other',
    'mv bin other',
    'mv node/node node/other',
    'rm package.json',
    'chmod 777 dist/bin',
    'ln -sf /bin/true bin/trampfd',
    ': >>lib/libstdc++.so.6',
    'mkdir -p lib/glibc-hwcaps/x86-64-v2',
    ': >lib/libm.so.6',
    'mv lib other',
  ];
  const script = [
    `cd ${folder.path}`,
    ...ways.map((way) => `( ${way} ) 2>/dev/null && echo "done: ${way}"`),
    'echo end',
  ];

  test('changes none of them', () => {
    // The folder belongs to whom the run is.
    if (asOrdinaryUser.length > 0) assert.equal(run(['chown', '-R', '65534:65534', folder.path]).status, 0);
    for (const user of asOrdinaryUser.length > 0 ? [[], asOrdinaryUser] : [[]]) {
      const words = [...user, command, 'run', '--policy', 'strict', '--', 'sh', '-c', script.join('\n')];
      const { output, errors } = run(words, { env, cwd: '/' });
      assert.deepEqual([output, errors], ['end\n', '']);
    }
  });

  test('changes what lies beside them', () => {
    const beside = `cd ${folder.path} && : >beside && mkdir folder && rm beside && rmdir folder && echo end`;
    const words = [...asOrdinaryUser, command, 'run', '--policy', 'strict', '--', 'sh', '-c', beside];
    assert.equal(run(words, { env, cwd: '/' }).output, 'end\n');
  });
});

describe('a run of a command that lies beside what it depends on', () => {
  test('makes no folder in which that would be looked for first', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const modules = join(folder.path, 'node_modules');
    const own = join(modules, 'trampfd');
    mkdirSync(own);
    for (const part of ['bin', 'dist', 'package.json']) renameSync(join(folder.path, part), join(own, part));
    if (asOrdinaryUser.length > 0) assert.equal(run(['chown', '-R', '65534:65534', folder.path]).status, 0);
    const ways = ['mkdir -p node_modules/koffi', ': >new', ': >>bin/trampfd', 'mv bin other', 'mv ../trampfd ../other'];
    const script = ways.map((way) => `( cd ${own}; ${way} ) 2>/dev/null && echo "done: ${way}"`).join('\n');
    const words = [
      command.replace(folder.path, own),
      'run',
      '--policy',
      'strict',
      '--',
      'sh',
      '-c',
      `${script}\necho end`,
    ];
    const PATH = `${join(folder.path, 'node')}:/usr/bin:/bin`;
    const { output, errors } = run([...asOrdinaryUser, ...words], { env: { ...process.env, PATH }, cwd: '/' });
    assert.deepEqual([output, errors], ['end\n', '']);
  });
});
