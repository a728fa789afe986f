/**
 * What `npm start` shows, in a guest.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../programs/compile.js';
import { attempt } from './report.js';

const words = [join(root, 'dist', 'examples', 'start.js')];
const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: root });
console.log(stdout, stderr);

await attempt('it ends well and says nothing of errors', () => assert.deepEqual([status, stderr], [0, '']));
for (const [name, pattern] of Object.entries({
  'memory is granted without X': /writable and executable\?\s+granted, rw-p: nothing that is written there is executed/,
  'a trampoline is emulated': /that is written there\?\s+emulated, getpid\(\) = \d+$/m,
  'a table works': /printed by a puts\(\) that was given no argument/,
  'its page cannot be written': /tries to write there\?\s+refused, EACCES/,
})) {
  await attempt(name, () => assert.match(stdout, pattern));
}
