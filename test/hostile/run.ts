/**
 * Has hostile and unlucky things happen to runs, thousands of times.
 *
 * usage: node dist/test/hostile/run.js [--sweep PART-OF-A-NAME] [--times N] [--workers N]
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { patience } from '../patience.js';
import { sweep } from './sweep.js';
import { allSweeps } from './sweeps.js';

const { values } = parseArgs({
  options: {
    sweep: { type: 'string', default: '' },
    times: { type: 'string' },
    workers: { type: 'string', default: '2' },
  },
});
const wanted = (await allSweeps()).filter(({ name }) => name.includes(values.sweep));
if (wanted.length === 0) {
  console.error(`hostile: no sweep's name contains ${values.sweep}`);
  process.exit(2);
}
let failing = 0;
for (const one of wanted) {
  const began = performance.now();
  const times = values.times === undefined ? one.times : Number(values.times);
  const swept = await sweep(one, times, {
    workers: Number(values.workers),
    limit: patience,
    tell: (text) => console.log(text),
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${one.name}: ${swept.tried} tries in ${seconds} s, ${swept.failing.length} not borne`);
  failing += swept.failing.length;
}
process.exitCode = failing === 0 ? 0 : 1;
