/**
 * The listing of executable files: written, believed while nothing changes, and of no use to who forges it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { namedExecutables, systemExecutables } from '../../../src/supervisor/confine/executables.js';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder } from '../../cli/command.js';

const ORDINARY = 65_534;
const isRoot = process.getuid?.() === 0;

/** A tree with two programs, and a cache for an ordinary user. */
class House extends SharedFolder {
  readonly tree: string = join(this.path, 'tree');
  readonly cache: string = join(this.path, 'cache');
  readonly listing: string = join(this.cache, 'trampfd', 'executables.json');

  constructor() {
    super();
    for (const folder of ['tree/bin', 'tree/share/deep', 'tree/empty', 'cache']) {
      mkdirSync(join(this.path, folder), { recursive: true });
    }
    this.add('bin/one');
    this.add('share/deep/two');
    this.add('share/text', 0o644);
    symlinkSync('one', join(this.tree, 'bin', 'link'));
    if (isRoot) chownSync(this.cache, ORDINARY, ORDINARY);
  }

  add(name: string, mode = 0o755): void {
    writeFileSync(join(this.tree, name), '');
    chmodSync(join(this.tree, name), mode);
  }

  /** What an ordinary user finds, as paths in the tree. */
  found(): readonly string[] | undefined {
    const before = process.env['XDG_CACHE_HOME'];
    process.env['XDG_CACHE_HOME'] = this.cache;
    if (isRoot) process.seteuid?.(ORDINARY);
    try {
      return systemExecutables([this.tree])
        ?.map((path) => path.slice(this.tree.length + 1))
        .sort();
    } finally {
      if (isRoot) process.seteuid?.(0);
      if (before === undefined) delete process.env['XDG_CACHE_HOME'];
      else process.env['XDG_CACHE_HOME'] = before;
    }
  }

  forge(change: (listing: Record<string, unknown>) => unknown): void {
    const listing = JSON.parse(readFileSync(this.listing, 'latin1')) as Record<string, unknown>;
    writeFileSync(this.listing, JSON.stringify(change(listing)));
  }
}

describe('a listing of executable files', () => {
  test('is made anew where a named pipe stands in its place, which nobody writes to', { timeout: 60_000 }, () => {
    using house = new House();
    mkdirSync(join(house.cache, 'trampfd'));
    assert.equal(spawnSync('mkfifo', [house.listing]).status, 0);
    if (isRoot) chownSync(join(house.cache, 'trampfd'), ORDINARY, ORDINARY);
    assert.deepEqual(house.found(), ['bin/one', 'share/deep/two']);
    assert.equal(lstatSync(house.listing).isFile(), true);
  });

  test('is written where there is none, and has programs alone', () => {
    using house = new House();
    assert.deepEqual(house.found(), ['bin/one', 'share/deep/two']);
    const listing = JSON.parse(readFileSync(house.listing, 'latin1')) as { files: string[]; trees: string[] };
    assert.deepEqual(listing.trees, [house.tree]);
    assert.equal(listing.files.length, 2);
  });

  test('is believed while no folder has changed', () => {
    using house = new House();
    house.found();
    house.forge((listing) => ({ ...listing, files: [join(house.tree, 'bin/one')] }));
    assert.deepEqual(house.found(), ['bin/one']);
  });

  test('is mended where folders have changed: programs that came, that went, folders with programs', () => {
    using house = new House();
    house.found();
    house.add('bin/three');
    assert.deepEqual(house.found(), ['bin/one', 'bin/three', 'share/deep/two']);
    rmSync(join(house.tree, 'bin/one'));
    assert.deepEqual(house.found(), ['bin/three', 'share/deep/two']);
    mkdirSync(join(house.tree, 'share/deep/new/er'), { recursive: true });
    house.add('share/deep/new/er/four');
    assert.deepEqual(house.found(), ['bin/three', 'share/deep/new/er/four', 'share/deep/two']);
    rmSync(join(house.tree, 'share'), { recursive: true });
    assert.deepEqual(house.found(), ['bin/three']);
  });

  test('is mended where more folders have changed than are looked at one by one', () => {
    using house = new House();
    for (let index = 0; index < 150; index++) {
      mkdirSync(join(house.tree, 'share', String(index)));
      house.add(`share/${index}/program`);
    }
    assert.equal(house.found()?.length, 152);
    for (let index = 0; index < 150; index++) {
      rmSync(join(house.tree, 'share', String(index), 'program'));
      house.add(`share/${index}/${index % 2 === 0 ? 'other' : 'text'}`, index % 2 === 0 ? 0o755 : 0o644);
    }
    const found = house.found() ?? [];
    assert.equal(found.length, 77);
    assert.ok(found.includes('share/148/other') && !found.includes('share/149/text'));
  });

  test('notices the first program in a folder for programs', () => {
    using house = new House();
    rmSync(join(house.tree, 'bin/one'));
    assert.deepEqual(house.found(), ['share/deep/two']);
    house.add('bin/one');
    assert.deepEqual(house.found(), ['bin/one', 'share/deep/two']);
  });

  test('is made anew when packages have come or gone, and when it is of other trees', () => {
    using house = new House();
    house.found();
    house.add('empty/five');
    // Nobody looks into a folder that had no programs, and is not for them.
    assert.deepEqual(house.found(), ['bin/one', 'share/deep/two']);
    const lists = JSON.parse(readFileSync(house.listing, 'latin1')) as { packages: Record<string, number> };
    assert.ok(Object.keys(lists.packages).length > 0, 'this system has none of the known package managers');
    house.forge((listing) => ({
      ...listing,
      packages: Object.fromEntries(Object.keys(lists.packages).map((list) => [list, 1])),
    }));
    assert.deepEqual(house.found(), ['bin/one', 'empty/five', 'share/deep/two']);
    rmSync(join(house.tree, 'empty/five'));
    house.forge((listing) => ({ ...listing, trees: ['/elsewhere'], files: [] }));
    assert.deepEqual(house.found(), ['bin/one', 'share/deep/two']);
  });

  test('that makes no sense is as none', () => {
    using house = new House();
    house.found();
    const texts = ['', '{', 'null', '[]', '"text"', '{"version":2}', '\0\xff'];
    for (const text of texts) {
      writeFileSync(house.listing, text);
      assert.deepEqual(house.found(), ['bin/one', 'share/deep/two'], text);
    }
    const parts = ['folders', 'files', 'packages', 'trees', 'version'];
    const values = [null, 7, 'text', {}, [], [7], [null], { '/': null }, undefined];
    for (const part of parts) {
      for (const value of values) {
        house.forge((listing) => ({ ...listing, [part]: value }));
        const found = house.found();
        assert.ok(Array.isArray(found), `${part}: ${JSON.stringify(value)}`);
        for (const path of found) assert.ok(['bin/one', 'share/deep/two'].includes(path), path);
        rmSync(house.listing);
        house.found();
      }
    }
  });

  test('adds no file outside of the trees, by no name', () => {
    using house = new House();
    house.found();
    const evil = ['/tmp/evil', join(house.path, 'evil'), `${house.tree}2/evil`, 'bin/one', ''];
    house.forge((listing) => ({ ...listing, files: [join(house.tree, 'bin/one'), ...evil] }));
    assert.deepEqual(house.found(), ['bin/one']);
    // One with a path as nobody writes it is not believed at all: all files are looked for anew.
    const one = `${house.tree}/bin/one`;
    for (const odd of [
      `${one}/../../../evil`,
      `${house.tree}/../evil`,
      `${one}/..`,
      `${one}\0evil`,
      `${one}/./x`,
      '//',
    ]) {
      house.forge((listing) => ({ ...listing, files: [odd] }));
      assert.deepEqual(house.found()?.toSorted(), ['bin/one', 'share/deep/two'], odd);
    }
    // JSON has more than one way to write a slash.
    for (const slash of ['\\/', '\\u002f', '\\u002F']) {
      house.forge((listing) => ({ ...listing, files: ['PATH'] }));
      const text = readFileSync(house.listing, 'latin1');
      writeFileSync(house.listing, text.replace('PATH', `${house.tree}${slash}..${slash}evil`));
      assert.deepEqual(house.found()?.toSorted(), ['bin/one', 'share/deep/two'], slash);
    }
    house.forge((listing) => ({ ...listing, files: [one] }));
    const times = Object.fromEntries(evil.map((path) => [path, 1]));
    house.forge((listing) => ({ ...listing, folders: times }));
    assert.deepEqual(house.found(), ['bin/one']);
  });

  test('is not had where it can neither be read nor written', () => {
    using house = new House();
    rmSync(house.cache, { recursive: true });
    writeFileSync(house.cache, 'a file is in its way');
    assert.equal(house.found(), undefined);
  });

  test('that cannot be written any more serves, and what has changed is seen all the same', () => {
    using house = new House();
    house.found();
    const before = readFileSync(house.listing);
    if (isRoot) chownSync(join(house.cache, 'trampfd'), 0, 0);
    else chmodSync(join(house.cache, 'trampfd'), 0o555);
    house.add('bin/three');
    assert.deepEqual(house.found(), ['bin/one', 'bin/three', 'share/deep/two']);
    assert.deepEqual(readFileSync(house.listing), before);
    if (!isRoot) chmodSync(join(house.cache, 'trampfd'), 0o755);
  });

  test('a folder that was made private since is no error', () => {
    using house = new House();
    house.found();
    chmodSync(join(house.tree, 'share/deep'), 0);
    const past = new Date(1_000_000_000_000);
    utimesSync(join(house.tree, 'share/deep'), past, past);
    assert.deepEqual(house.found(), ['bin/one']);
    chmodSync(join(house.tree, 'share/deep'), 0o755);
  });
});

test('trees that are named are searched each time, and may be files', () => {
  using house = new House();
  assert.deepEqual([...namedExecutables([house.tree])].sort(), [
    join(house.tree, 'bin/one'),
    join(house.tree, 'share/deep/two'),
  ]);
  assert.deepEqual(namedExecutables([join(house.tree, 'bin/one'), join(house.path, 'nowhere')]), [
    join(house.tree, 'bin/one'),
  ]);
});

describe('a run of an ordinary user', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const command = copyCommand(folder.path);
  const cache = join(folder.path, 'cache');
  mkdirSync(cache, { mode: 0o777 });
  if (isRoot) chownSync(cache, ORDINARY, ORDINARY);
  const env = { ...process.env, PATH: `${join(folder.path, 'node')}:/usr/bin:/bin`, XDG_CACHE_HOME: cache };
  // Root's listing, which serves those who have none, is out of the way.
  const alone = isRoot ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /var/cache && exec "$@"', 'sh'] : [];
  const strict = (words: readonly string[]): Ended =>
    run([...alone, ...asOrdinaryUser, command, 'run', '--policy', 'strict', '--', ...words], { env, cwd: '/' });

  test('writes its listing, and a forged one lets nothing be executed that is not of the system', () => {
    assert.deepEqual([strict(['true']).status, strict(['true']).errors], [0, '']);
    const path = join(cache, 'trampfd', 'executables.json');
    if (!existsSync(path)) {
      // Root's own serves him; from here on he has one too.
      mkdirSync(join(cache, 'trampfd'), { recursive: true });
      copyFileSync('/var/cache/trampfd/executables.json', path);
    }
    const listing = JSON.parse(readFileSync(path, 'latin1')) as { files: string[]; trees: string[] };
    assert.ok(listing.files.includes('/usr/bin/true'));
    const evil = join(folder.path, 'evil');
    copyFileSync('/bin/true', evil);
    writeFileSync(path, JSON.stringify({ ...listing, files: [...listing.files, evil] }));
    assert.equal(run([evil]).status, 0);
    assert.equal(strict(['sh', '-c', `${evil} 2>/dev/null; echo $?`]).output, '126\n');
    // What it leaves out is refused, but for the program that is named. (No file that has each execution looked at is in.)
    const files = listing.files.filter((file) => file.startsWith('/usr/') && !/\/(true|false)$/.test(file));
    writeFileSync(path, JSON.stringify({ ...listing, files }));
    assert.equal(strict(['sh', '-c', '/bin/true 2>/dev/null; echo $?']).output, '126\n');
    assert.equal(strict(['/bin/false']).status, 1);
  });
});

test('a program that is installed between two runs is executed in the second', () => {
  const script = [
    'set -e',
    'mount -t tmpfs tmpfs /var/cache',
    'mount -t tmpfs tmpfs /usr/local/games',
    'cp /bin/true /usr/local/games/one',
    'T="$0 run --policy strict -- sh -c"',
    '$T "/usr/local/games/one && echo one"',
    'cp /bin/true /usr/local/games/two',
    '$T "/usr/local/games/one && /usr/local/games/two && echo two"',
    'rm /usr/local/games/one',
    '$T "/usr/local/games/two && ! /usr/local/games/one 2>/dev/null && echo gone"',
  ];
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  using folder = new SharedFolder();
  const command = copyCommand(folder.path);
  const { output, errors } = run(['unshare', ...user, '--mount', 'sh', '-c', script.join('\n'), command]);
  assert.deepEqual([output, errors], ['one\ntwo\ngone\n', '']);
});
