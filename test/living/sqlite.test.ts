/** Databases in files: one session, and two that write at the same time. */
import assert from 'node:assert/strict';
import { livesUnderEveryPolicy, wellEnded } from './place.js';

livesUnderEveryPolicy('a session of sqlite3', async (place) => {
  place.bring('session.sql');
  const output = wellEnded(await place.run(['sqlite3', 'work.db', '.read session.sql']));
  assert.match(output, /^3000\|\d+\|city 3000$/m);
  assert.match(output, /^ok$/m);
  const files = place.files('.');
  assert.deepEqual(Object.keys(files), ['copy.db', 'dump.sql', 'session.sql', 'work.db']);
  return { output, files };
});

livesUnderEveryPolicy('two that write into one database', async (place) => {
  const output = wellEnded(await place.run(['sh', place.bring('two-writers.sh')]));
  assert.equal(output, 'wal\na|150|11175\nb|150|11175\nok\n');
  return output;
});
