/** Shells, and the small programs that scripts are made of; and a shell at a terminal of its own. */
import assert from 'node:assert/strict';
import { livesUnderEveryPolicy, wellEnded } from './place.js';

livesUnderEveryPolicy('a session of the shell', async (place) => {
  const output = wellEnded(await place.run(['bash', place.bring('session.bash')]));
  for (const line of ['ONE', 'statuses 10', 'xz the same', 'ed25519', 'Verified OK', 'decrypted']) {
    assert.match(output, new RegExp(`^${line}$`, 'm'));
  }
  return output;
});

livesUnderEveryPolicy('a session at a terminal', async (place) => {
  const shell = `bash --noprofile --norc -m ${place.bring('session.terminal')}`;
  const script = `echo typed | script -qec '${shell}' typescript; echo "status $?"`;
  const output = wellEnded(await place.run(['sh', '-c', script]));
  for (const line of ['31 97', 'went on', 'terminal', 'name: typed'])
    assert.match(output, new RegExp(`^${line}\r$`, 'm'));
  assert.match(output, /^status 5$/m);
  // The terminal echoes what is typed when it is typed, whatever the shell is doing.
  assert.match(output, /^typed\r$/m);
  return output.replace(/^typed\r\n/m, '');
});
