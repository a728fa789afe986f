/**
 * The suite itself: that it finds what is wrong. It is run where there is no implementation, and against ones that are
 * wrong in one way each.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, suite, test } from 'node:test';
import { compileProgram, compileSource, root } from '../programs/compile.js';
import { rows } from './all_rows.js';
import { Coverage } from './coverage.js';
import { buildProgram, programs } from './programs.js';
import { renewDocs } from './run.js';
import { ownLauncher, runTap } from './suite.js';
import { readTap } from './tap.js';

suite('without an implementation', () => {
  for (const { name, builds, through = [] } of programs) {
    test(`${name} bails out in every build`, () => {
      for (const build of builds) {
        const run = runTap(name, [...through, buildProgram(name, build)]);
        assert.match(run.output, /^Bail out! .+$/m, build);
        assert.ok(run.faults.length > 0 && run.covered.length === 0, build);
      }
    });
  }

  test('the command says that nothing conforms, with status 1', () => {
    const done = spawnSync(process.execPath, [join(root, 'dist/test/conformance/run.js'), '--launcher'], {
      encoding: 'utf8',
    });
    assert.equal(done.status, 1);
    assert.match(done.stdout, /^It does not conform: \d+ faults, \d+ rows without a point\.$/m);
    assert.doesNotMatch(done.stdout, /^ok /m);
  });
});

suite('the programs are of no one architecture', () => {
  const cross = [
    ['arm64', 'aarch64-linux-gnu-gcc', [], 'qemu-aarch64'],
    ['arm', 'arm-linux-gnueabihf-gcc', ['-marm'], 'qemu-arm'],
  ] as const;
  for (const [architecture, compiler, flags, emulator] of cross) {
    test(`they compile for ${architecture}, and run there as far as they can under qemu`, () => {
      for (const { name, builds } of programs) {
        if (!builds.includes('x86-64')) continue;
        const source = join(root, 'test', 'conformance', `${name}.c`);
        const binary = compileSource(source, { compiler, flags: ['-static', '-std=gnu11', '-pthread', ...flags] });
        assert.match(runTap(name, [emulator, binary]).output, /^Bail out! .+$/m, name);
      }
    });
  }
});

suite('an implementation that is wrong in one way', () => {
  /** The program that has to find each fault. */
  const finders: Readonly<Record<string, string>> = {
    'create-refused': 'errors-create',
    'create-does-nothing': 'errors-create',
    'lseek-takes-any-whence': 'errors-describe',
    'lseek-takes-no-data': 'position',
    'read-gives-nothing': 'errors-describe',
    'pread-gives-nothing': 'errors-describe',
    'write-takes-any-count': 'errors-describe',
    'pwrite-takes-any-count': 'errors-describe',
    'pwrite-takes-any-offset': 'errors-describe',
    'mmap-fails-differently': 'errors-map',
    'no-copies': 'copies',
  };
  const wrong = compileProgram('conformance/wrong.c');

  test('every fault has a program that finds it', () => {
    const { stdout } = spawnSync(wrong, ['--list'], { encoding: 'utf8' });
    assert.deepEqual(stdout.trim().split('\n').sort(), Object.keys(finders).sort());
  });

  for (const [fault, program] of Object.entries(finders)) {
    test(`${fault}: ${program} finds it`, () => {
      const run = runTap(fault, [...ownLauncher, wrong, fault, buildProgram(program, 'x86-64')]);
      assert.ok(
        run.faults.some((each) => each.startsWith('not ok') || each.startsWith('Bail out!')),
        run.output,
      );
    });
  }
});

describe('output that is no complete TAP is a fault', () => {
  const good = 'ok 1 - a # covers read EINVAL always\nok 2 - b\n# a note\n1..2\n';

  test('what is right has none', () => {
    const tap = readTap(`# freedom old-mmap: EACCES\n${good}`);
    assert.deepEqual(tap.faults, []);
    assert.deepEqual(tap.covered, [{ call: 'read', outcome: 'EINVAL', row: 'always' }]);
    assert.deepEqual([...tap.freedoms], [['old-mmap', 'EACCES']]);
  });

  for (const [what, text] of [
    ['nothing at all', ''],
    ['no plan', good.replace('1..2\n', '')],
    ['fewer points than planned', good.replace('1..2', '1..3')],
    ['two plans', `${good}1..2\n`],
    ['a plan of nothing', '1..0\n'],
    ['a point that fails', good.replace('ok 2', 'not ok 2')],
    ['a point that is skipped', good.replace('- b', '- b # SKIP no time')],
    ['a point that is left to do', good.replace('- b', '- b # todo')],
    ['a number that comes twice', good.replace('ok 2', 'ok 1')],
    ['a program that bails out', `${good}Bail out! no table\n`],
    ['anything else', `${good}Segmentation fault\n`],
  ] as const) {
    test(what, () => assert.notDeepEqual(readTap(text).faults, []));
  }
});

describe('coverage', () => {
  test('a row without a point is missing, by each entry', () => {
    const coverage = new Coverage();
    assert.equal(coverage.missing(rows).length, rows.flatMap(({ entries }) => entries).length);
    coverage.add('i386', [{ call: 'read', outcome: 'EINVAL', row: 'always' }]);
    const missing = coverage.missing(rows).filter((each) => each.startsWith('read EINVAL always'));
    assert.deepEqual(missing, [
      'read EINVAL always (x86-64) is not covered',
      'read EINVAL always (int 0x80) is not covered',
    ]);
  });

  test('a point of another row of the same errno does not count', () => {
    const coverage = new Coverage();
    coverage.add('i386', [{ call: 'mmap', outcome: 'EINVAL', row: 'length' }]);
    assert.equal(coverage.count('i386', 'mmap', 'EINVAL'), 1);
    assert.equal(coverage.count('i386', 'mmap', 'EINVAL', 'flags'), 0);
  });

  test('a page without a place for a table is an error', () => {
    assert.throws(() => renewDocs('nothing', { calls: 'a table' }), /has no place for calls/);
  });
});
