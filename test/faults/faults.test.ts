/**
 * The supervisor, whose calls into the kernel fail: some of them, spread over each run. `npm run test:faults` tries all.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { root } from '../programs/compile.js';
import { SETTINGS, settingName } from './stage.js';
import { judge } from './sweep.js';

/** Faults of each run that are tried here. */
const MOST = 12;

describe('a fault of the supervisor', () => {
  test('opens nothing, keeps nobody waiting, and is told', () => {
    const words = [join(root, 'dist', 'test', 'faults', 'run.js'), '--most', String(MOST)];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 900_000 });
    assert.equal(status, 0, stdout + stderr);
    // Each run that this user can have was swept.
    const settings = SETTINGS.filter(({ user }) => user !== 'root' || process.getuid?.() === 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, settings.length, stdout);
    for (const [index, setting] of settings.entries()) {
      assert.match(
        lines[index] ?? '',
        new RegExp(`^${settingName(setting)}: 1[0-9] of \\d{3,} faults in .* 0 not borne$`),
      );
    }
  });

  test('is seen in what a run has said and done', () => {
    const [wx, strict] = ['wx', 'strict'].map((level) => SETTINGS.find(({ options }) => options[1] === level));
    assert.ok(wx !== undefined && strict !== undefined);
    const clean = { output: 'memory: none\nmemory file: EXEC\nmemory behind: none\n', errors: '', status: 0 };
    const outcome = { ...clean, signal: null, isOver: true };
    assert.equal(judge(wx, outcome), undefined);
    assert.equal(judge(strict, outcome), 'opening');
    assert.equal(judge(wx, { ...outcome, output: `${clean.output}child's memory: RWX\n` }), 'opening');
    assert.equal(judge(wx, { ...outcome, output: 'memory: none\n', isOver: false }), 'hang');
    assert.equal(judge(wx, { ...outcome, output: 'memory: none\n' }), 'silence');
    assert.equal(judge(wx, { ...outcome, output: '', status: 125, errors: 'trampfd: it failed\n' }), undefined);
    const trace = 'trampfd: it failed\n    at run (file.js:1:2)\n';
    assert.equal(judge(wx, { ...outcome, output: '', status: 125, errors: trace }), 'stack trace');
  });
});
