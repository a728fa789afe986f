/** Node.js, told to do without a compiler: its own servers, threads, children and files. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { livesUnderEveryPolicy, wellEnded } from './place.js';

/** Where the compiled session is. */
const COMPILED = fileURLToPath(new URL('../programs/living/session.js', import.meta.url));

/** Up to Node.js 23 V8 warns that WebAssembly cannot be had then, unless that is said as well; later it is no option. */
const interpreting = Number.parseInt(process.versions.node, 10) < 24 ? ['--no-expose-wasm'] : [];

livesUnderEveryPolicy('a session of Node.js', async (place) => {
  // In no package: its name says that it is a module.
  const session = join(place.folder, 'session.mjs');
  copyFileSync(COMPILED, session);
  const output = wellEnded(await place.run([place.node, '--jitless', ...interpreting, session]));
  assert.equal(output.trim().split('\n').length, 6);
  return output;
});
