/**
 * Writes into docs/policy.md and docs/system-calls.md what kernels gave when they were last booted for the matrix.
 *
 * usage: node dist/test/machines/write.js [KERNEL]...
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withBuffers } from '../policy/matrix/buffers.js';
import { matrixRows } from '../policy/matrix/rows.js';
import { root } from '../programs/compile.js';
import { cacheFolder } from './command.js';
import { withKernel } from './kernel_table.js';
import { kernels } from './kernels.js';
import { attemptFaults, kernelResults } from './matrix_results.js';
import { readResults } from './results.js';

const PAGE = join(root, 'docs', 'policy.md');
const CALLS = join(root, 'docs', 'system-calls.md');
const names = process.argv.slice(2);

for (const { name } of kernels.filter((kernel) => names.length === 0 || names.includes(kernel.name))) {
  const path = join(cacheFolder('results', name), 'matrix');
  if (!existsSync(path)) continue;
  const results = readResults(readFileSync(path, 'utf8'));
  // Debian's version of the package is the last but one word of the kernel's own.
  const version = /Debian (\S+)/.exec(results.version)?.[1] ?? results.release;
  const short = /^\d+\.\d+/.exec(results.release)?.[0] ?? results.release;
  const attempts = kernelResults(results);
  writeFileSync(PAGE, withKernel(readFileSync(PAGE, 'utf8'), { name: short, version }, attempts, matrixRows));
  writeFileSync(CALLS, withBuffers(readFileSync(CALLS, 'utf8'), short, attempts.root.bare));
  const faults = [...results.jobs.values()].flatMap(({ attempts }) => attemptFaults(attempts));
  console.log(`Linux ${short} (${version}): written${faults.length === 0 ? '' : `, with ${faults.length} faults`}`);
}
