/**
 * What a guest's kernel said of errors of its own. Every boot ends with this.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { point } from './report.js';

const { stdout } = spawnSync('dmesg', [], { encoding: 'utf8', maxBuffer: 2 ** 26 });
const lines = stdout
  .split('\n')
  .filter((line) => /\bBUG:|\bOops\b|WARNING: CPU|Kernel panic|soft lockup|hung task/.test(line));
point('the kernel reports no error of its own', lines.length === 0 ? undefined : lines.join('\n'));
