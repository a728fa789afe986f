/** Version control: what is committed, merged, packed and cloned has the same names under each policy. */
import assert from 'node:assert/strict';
import { livesUnderEveryPolicy, wellEnded } from './place.js';

livesUnderEveryPolicy('a session of git', async (place) => {
  const output = wellEnded(await place.run(['sh', place.bring('session.git.sh')]));
  for (const repository of [
    'origin/.git',
    'linked/.git',
    'piped/.git',
    'shallow.git',
    'unbundled/.git',
    'mirror.git',
  ]) {
    assert.match(output, new RegExp(`^${repository} [0-9a-f]{40} `, 'm'));
  }
  return output;
});
