/**
 * This project's own implementation under the conformance suite: every program in every build, every row, and the choices
 * that the docs name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../programs/compile.js';
import { rows } from './all_rows.js';
import { type Build, buildProgram, programs } from './programs.js';
import { docsParts, renewDocs } from './run.js';
import { Findings, ownLauncher, runTap } from './suite.js';

/** What is chosen here where the interface leaves a choice. */
const CHOICES: Readonly<Record<string, string>> = {
  'dup2-to-any-number': 'EBADF',
  'mmap-after-exec': 'success',
  'mmap-shared': 'accepted',
  'mmap-writable-and-executable': 'EACCES',
  'old-mmap': 'success',
  pwritev: 'EBADF',
  'received-map-readable': 'success',
  'received-read': 'success',
  'received-write': 'EBADF',
  'v1-all-registers': 'accepted',
  'v1-below-the-stack-pointer': 'used',
  'v1-map': '2 pages, protection 5, flags 1',
};

suite('the interface', () => {
  const findings = new Findings();

  for (const program of programs) {
    for (const build of program.builds) {
      test(`${program.name} (${build})`, () => {
        for (const run of findings.run(program, build, ownLauncher)) {
          assert.deepEqual(run.faults, [], `${run.title}\n${run.output}`);
        }
      });
    }
  }

  test('every row of the errno tables is covered, by every entry', () => {
    assert.deepEqual(findings.coverage.missing(rows), []);
  });

  test('where the interface leaves a choice, it is what the documentation says', () => {
    const { 'tables-at-once': most, ...others } = Object.fromEntries(findings.freedoms);
    assert.deepEqual(others, CHOICES);
    assert.match(most ?? '', /^\d+ with a limit of \d+ descriptors$/);
  });

  test('the page in docs/ shows what was covered', () => {
    const page = readFileSync(join(root, 'docs', 'conformance.md'), 'utf8');
    assert.equal(renewDocs(page, docsParts(findings)), page, 'run node dist/test/conformance/run.js --write-docs');
  });

  for (const program of ['i386-entry', 'context-i386-entry']) {
    test(`a 64-bit program that enters through int 0x80 gets exactly what a 32-bit one does: ${program}`, () => {
      const [narrow, wide] = (['i386', 'int 0x80'] as const).map((build) =>
        runTap(build, [...ownLauncher, buildProgram(program, build)]),
      );
      assert.ok(narrow !== undefined && narrow.points > 0);
      assert.equal(wide?.output, narrow.output);
    });
  }
});

suite('a target that has nothing but itself: no C library, no shell, no environment', () => {
  const targets: readonly (readonly [string, Build])[] = [
    ['bare', 'bare x86-64'],
    ['bare', 'bare i386'],
    ['tables', 'static'],
    ['tables', 'musl'],
  ];
  // A user who is not root may change the root of a user namespace of its own.
  const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--user', '--map-root-user'];

  for (const [name, build] of targets) {
    test(`${name} (${build}), alone below the root`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-root-'));
      try {
        copyFileSync(buildProgram(name, build), join(folder, 'program'));
        const words = [...ownLauncher, ...asRoot, 'env', '-i', '/usr/sbin/chroot', folder, '/program'];
        const run = runTap(name, words);
        assert.deepEqual(run.faults, [], run.output);
        assert.ok(run.points > 10);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
