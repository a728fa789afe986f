/**
 * `npm start`: the same program twice, as it is and under `trampfd run`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Up to Node.js 23 V8 warns that WebAssembly cannot be had without a JIT, unless that is said as well; later it is no option. */
const quiet = Number.parseInt(process.versions.node, 10) < 24 ? ['--no-expose-wasm'] : [];
const program = [process.execPath, '--jitless', ...quiet, fileURLToPath(new URL('./bound.js', import.meta.url))];
const trampfd = fileURLToPath(new URL('../../bin/trampfd', import.meta.url));

function show(title: string, words: readonly string[]): void {
  const [file = '', ...rest] = words;
  writeSync(1, `\n${title}\n`);
  const { status, signal } = spawnSync(file, rest, { stdio: 'inherit' });
  if (status !== 0) {
    writeSync(
      2,
      `start: '${words.join(' ')}' ended with ${signal ?? `status ${status}`}; 'bin/trampfd doctor' may say why\n`,
    );
    process.exit(1);
  }
}

show('As it is:  $ node --jitless bound.js', program);
show('Under trampfd:  $ trampfd run -- node --jitless bound.js', [trampfd, 'run', '--', ...program]);
writeSync(1, "\nNext: 'bin/trampfd run -- PROGRAM', 'bin/trampfd --help', README.md\n");
