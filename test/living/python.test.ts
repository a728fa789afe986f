/** Python with threads and processes, under each policy. */
import assert from 'node:assert/strict';
import { livesUnderEveryPolicy, wellEnded } from './place.js';

livesUnderEveryPolicy('a session of Python', async (place) => {
  const output = wellEnded(await place.run(['/usr/bin/python3', place.bring('session.py')]));
  for (const part of ['threads', 'spawn', 'files', 'database', 'encrypted', 'extensions']) {
    assert.match(output, new RegExp(`^${part} .`, 'm'));
  }
  return output;
});
