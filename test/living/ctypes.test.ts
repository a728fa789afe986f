/** CPython's own tests of ctypes, under each policy: who wrote them knows nothing of us. */
import assert from 'node:assert/strict';
import { livesUnderEveryPolicy } from './place.js';

const LIBRARY = '/usr/lib/python3.11';

/** What tests say that they did, without the times that they took and the addresses of objects. */
function told(text: string): string {
  return text.replace(/^(Ran \d+ tests?) in [\d.]+s$/m, '$1').replaceAll(/0x[0-9a-f]+/g, '0x...');
}

livesUnderEveryPolicy("CPython's tests of ctypes", async (place) => {
  const tests = ['discover', '-v', '-s', `${LIBRARY}/ctypes/test`, '-t', LIBRARY];
  const { status, signal, output, errors } = await place.run(['/usr/bin/python3', '-m', 'unittest', ...tests]);
  assert.deepEqual([status, signal], [0, null], errors);
  const [, count = '0'] = /^Ran (\d+) tests in /m.exec(errors) ?? [];
  assert.ok(Number(count) > 400, errors);
  assert.match(errors, /^OK \(skipped=\d+\)$/m);
  // The callbacks are there, and are not skipped.
  assert.match(errors, /^test_qsort .*\n?.*\.\.\. ok$/m);
  return { output: told(output), errors: told(errors) };
});
