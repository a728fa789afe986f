/** Inside of a container: runc with its default profile. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { copyCommand, run, SharedFolder } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';
import { holdLaw } from './law.js';

const inContainer = fileURLToPath(new URL('./in_runc.js', import.meta.url));
const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());
const command = copyCommand(folder.path);
const served = compileProgram('cli/create.c');

/** A user, and capabilities beside those of the default profile. */
const containers = [
  { user: '0', capabilities: '', starts: { wx: true, strict: false } },
  { user: '0', capabilities: 'CAP_SETFCAP', starts: { wx: true, strict: true } },
  { user: '1000', capabilities: '', starts: { wx: true, strict: true } },
] as const;

// A container is made by root.
if (process.getuid?.() === 0) {
  for (const { user, capabilities, starts } of containers) {
    const words = [process.execPath, inContainer, user, capabilities];
    test(`user ${user} of a container${capabilities === '' ? '' : ` with ${capabilities}`}`, () => {
      assert.deepEqual(holdLaw({ words, command, env: process.env, served }), starts);
    });
  }

  test('root of a container is told what its user namespace lacks', () => {
    const words = [process.execPath, inContainer, '0', '', command, 'run', '--policy', 'strict', '--', 'true'];
    const { status, errors } = run(words);
    assert.equal(status, 125);
    assert.match(errors, /CAP_SETFCAP/);
    assert.doesNotMatch(errors, /as root/);
  });
}
