/**
 * Compiles what guests run, before there is a guest: see root.ts. Whatever a job compiles has to be named here.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programs as callbackPrograms } from '../../callbacks/programs.js';
import { buildProgram, programs } from '../../conformance/programs.js';
import { Stage } from '../../policy/matrix/stage.js';
import { compileProgram } from '../../programs/compile.js';
import { emulated, prevented } from '../../supervisor/emulation/alike.js';
import { testFiles } from '../jobs/tests.js';

for (const { name, builds } of programs) for (const build of builds) buildProgram(name, build);
for (const program of callbackPrograms) if (program.isOwn) program.words();
for (const width of ['x86-64', 'i386'] as const) {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-prebuild-'));
  try {
    new Stage(folder, 'root', width);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
for (const program of ['supervisor/device_command.c', 'supervisor/handed.c'])
  compileProgram(program, { flags: ['-pthread'] });
for (const program of [
  'wx/outside.c',
  'cli/create.c',
  'emulation/burst.c',
  'linux/many_mappings.c',
  'supervisor/fuse.c',
])
  compileProgram(program);
prevented();
emulated('crowded', 'x86-64');
compileProgram('supervisor/fuse.c');
// A file of tests compiles what it needs when it is loaded; none of its tests is called so.
for (const name of testFiles) {
  const file = fileURLToPath(new URL(`../../${name}.test.js`, import.meta.url));
  const done = spawnSync(process.execPath, ['--test', '--test-name-pattern=^no test$', file], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${name}: ${done.stdout}${done.stderr}`);
}
