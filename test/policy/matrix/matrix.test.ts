/**
 * Every way to run bytes that a program wrote itself, really tried: without us, and under every level, as root and as an
 * ordinary user. The table of docs/policy.md is what comes of it here.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { copyCommand, SharedFolder } from '../../cli/command.js';
import { root } from '../../programs/compile.js';
import { runMatrix, runWithoutSupervisor } from './matrix.js';
import { isBreach, isKnown, nameOf, type Result } from './outcome.js';
import { matrixRows } from './rows.js';
import { isRoot } from './stage.js';
import {
  type Column,
  cellsOf,
  columns,
  differences,
  readTable,
  tableIn,
  type User,
  type UserResults,
} from './table.js';

const users: readonly User[] = isRoot ? ['root', 'ordinary'] : ['ordinary'];
const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const command = copyCommand(folder.path);

/** Rows with files of root's or with mounts: where the tests do not run as root, these are not as they were for the table. */
const STAGED_BY_ROOT: ReadonlySet<number> = new Set([23, 38, 45]);
const compared = matrixRows.filter(({ number }) => isRoot || !STAGED_BY_ROOT.has(number));

/** Levels that one user is enough for. */
const ONCE: ReadonlySet<Column> = new Set(['off', 'log', 'strict --no-emulation']);

/** Attempts whose outcome is not as it must be, as sentences. */
function wrong(results: readonly Result[], isWrong: (outcome: string) => boolean): readonly string[] {
  return results.filter(({ outcome }) => isWrong(outcome)).map((result) => `${nameOf(result)}: ${result.outcome}`);
}

for (const user of users) {
  suite(`every row, ${user === 'root' ? 'as root' : 'as an ordinary user'}`, () => {
    let results: UserResults;
    // What refuses nothing, or only refuses, does so for both: it is tried as root where that can be had.
    const wanted = isRoot && user === 'ordinary' ? columns.filter((column) => !ONCE.has(column)) : columns;
    before(async () => {
      results = await runMatrix(folder.path, user, command, matrixRows, wanted);
    });

    test('every attempt could be made under every level', () => {
      for (const column of wanted) {
        assert.deepEqual(
          wrong(results[column], (outcome) => !isKnown(outcome)),
          [],
          column,
        );
        assert.ok(results[column].length > matrixRows.length, column);
      }
    });

    test('without us most of the ways are open: the attempts are real', () => {
      const open = matrixRows.filter((row) => cellsOf(row, results).bare.includes('EXEC'));
      assert.ok(open.length > matrixRows.length / 2, `${open.length} of ${matrixRows.length}`);
    });

    test('no bytes run under strict, whether trampolines are emulated or not', () => {
      assert.deepEqual(wrong(results.strict, isBreach), []);
      assert.deepEqual(wrong(results['strict --no-emulation'], isBreach), []);
    });

    test('no bytes run under wx where trampolines are emulated that do not where they are refused', () => {
      const refused = results['wx --no-emulation'];
      const open = new Set(refused.filter(({ outcome }) => isBreach(outcome)).map(nameOf));
      const others = results.wx.filter((result) => !open.has(nameOf(result)));
      assert.deepEqual(wrong(others, isBreach), []);
    });

    test('the table of docs/policy.md is what this run says', () => {
      const table = tableIn(readFileSync(join(root, 'docs', 'policy.md'), 'utf8'));
      const found = differences(compared, readTable(table, user), (row) => cellsOf(row, results), wanted);
      assert.deepEqual(found, [], 'node dist/test/policy/matrix/write.js --write-docs writes it anew');
    });

    test('no bytes run under strict when the supervisor has been killed', async () => {
      const orphaned = await runWithoutSupervisor(join(folder.path, 'orphaned'), user, command);
      assert.deepEqual(wrong(orphaned, isBreach), []);
      assert.ok(orphaned.length > matrixRows.length, 'they lived on');
    });

    test('nor under wx, in rows that are closed where trampolines are refused', async () => {
      const parent = join(folder.path, 'orphaned-wx');
      const orphaned = await runWithoutSupervisor(parent, user, command, matrixRows, 'wx');
      assert.ok(orphaned.length > matrixRows.length, 'they lived on');
      // All attempts are made at a time, so what one of an open row does to a process outside, another of it may see.
      const refused = results['wx --no-emulation'];
      const open = new Set(refused.filter(({ outcome }) => isBreach(outcome)).map(({ program }) => program));
      assert.deepEqual(
        wrong(
          orphaned.filter(({ program }) => !open.has(program)),
          isBreach,
        ),
        [],
      );
    });
  });
}
