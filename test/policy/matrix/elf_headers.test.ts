/**
 * Changed program headers, as the system's own reader of them sees them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compileProgram } from '../../programs/compile.js';
import { withExecutableData, withInterpreter, withoutStackHeader } from './elf_headers.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-elf-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function headers(file: Buffer): string {
  const path = join(folder, 'file');
  writeFileSync(path, file);
  return spawnSync('readelf', ['--program-headers', '--wide', path], { encoding: 'utf8' }).stdout;
}

for (const flag of ['-m64', '-m32']) {
  const file = readFileSync(compileProgram('wx/ordinary.c', { flags: [flag] }));

  test(`${flag}: the stack's header goes, and nothing else`, () => {
    assert.match(headers(file), /GNU_STACK/);
    assert.equal(headers(withoutStackHeader(file)).includes('GNU_STACK'), false);
    assert.equal(headers(file).match(/LOAD/g)?.length, headers(withoutStackHeader(file)).match(/LOAD/g)?.length);
  });

  test(`${flag}: data becomes executable`, () => {
    assert.doesNotMatch(headers(file), /LOAD .* RWE /);
    assert.match(headers(withExecutableData(file)), /LOAD .* RWE /);
  });

  test(`${flag}: another interpreter`, () => {
    assert.match(headers(withInterpreter(file, '/x/loader')), /interpreter: \/x\/loader\]/);
    assert.throws(() => withInterpreter(file, `/${'long'.repeat(99)}`), /no room/);
  });
}
