/**
 * Builds the project: checks and compiles every file, then puts the command and each of its threads into one file.
 *
 * Starting is part of what a run costs, and a hundred small modules take longer to load than to run; so does a large one
 * that is mostly names. A CommonJS file is also loaded without libuv's thread pool, whose only thread ends when a program is under way.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const compiler = fileURLToPath(new URL('node_modules/.bin/tsc', import.meta.url));
const compiled = spawnSync(compiler, ['-p', 'tsconfig.json'], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(1);

await build({
  entryPoints: {
    trampfd: 'src/cli/trampfd.ts',
    receive: 'src/supervisor/receive.ts',
    trace: 'src/supervisor/emulation/trace.ts',
  },
  outdir: 'dist/bin',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['koffi'],
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});
