/** The rehearsal runs what a first call runs; nothing is left of it, and where it fails nothing is either. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { warmUp } from '../../../src/supervisor/emulation/warm_up.js';
import { emulated, logged } from './alike.js';

const PAGE = 4096;

/** What this process has of files: its descriptors, and those of the mappings of the supervisor's files. */
function holdings(): { readonly descriptors: readonly string[]; readonly mappings: readonly string[] } {
  const mapped = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return { descriptors: readdirSync('/proc/self/fd'), mappings: mapped.filter((line) => line.includes('memfd:')) };
}

test('a closure is emulated and promoted in it, and no descriptor and no mapping is left', () => {
  // Code of our own is made at its first use, and stays.
  assert.equal(warmUp(PAGE), true);
  const before = holdings();
  assert.equal(warmUp(PAGE), true);
  assert.deepEqual(holdings(), before);
});

/** Rehearses with ever more free descriptors, from none, until it can be done; prints how that went, and how many it had. */
const WITHOUT_DESCRIPTORS = `
  import { closeSync, openSync, readdirSync } from 'node:fs';
  import { warmUp } from ${JSON.stringify(new URL('../../../src/supervisor/emulation/warm_up.js', import.meta.url).href)};
  const held = [];
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {}
  const outcomes = [];
  const descriptors = [];
  while (outcomes.at(-1) !== true && outcomes.length < 16) {
    outcomes.push(warmUp(${PAGE}));
    closeSync(held.pop());
    descriptors.push(readdirSync('/proc/self/fd').length);
  }
  for (const descriptor of held.splice(0)) closeSync(descriptor);
  process.stdout.write(JSON.stringify({ outcomes, descriptors }));
`;

test('where there is no descriptor for it, nobody is told anything, and nothing is left', () => {
  const words = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e'];
  const { stdout, stderr, status } = spawnSync('sh', [...words, WITHOUT_DESCRIPTORS], { encoding: 'utf8' });
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
  const { outcomes, descriptors } = JSON.parse(stdout) as {
    readonly outcomes: readonly boolean[];
    readonly descriptors: readonly number[];
  };
  assert.equal(outcomes[0], false);
  assert.equal(outcomes.at(-1), true);
  // One less each time, which was closed.
  assert.deepEqual(
    descriptors,
    descriptors.map((_, index) => (descriptors[0] ?? 0) - index),
  );
});

test('no run tells of it', async () => {
  const { events, errors } = await logged('wx', [emulated('memory', 'x86-64'), 'nothing']);
  assert.equal(errors, '');
  const told = events.map(({ event }) => event);
  assert.ok(told.includes('attached'), told.join(', '));
  for (const event of ['emulated', 'promoted', 'not-emulated', 'emulation-summary']) assert.ok(!told.includes(event));
});
