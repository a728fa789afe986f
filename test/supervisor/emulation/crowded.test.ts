/** A process whose mappings are too many to be read for each of its calls: they are emulated, and its pages promoted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emulated, type LoggedEvent, logged } from './alike.js';

/** Calls of one trampoline until its page is promoted, and some more. */
const CALLS = 300;

/** What a run says of emulated calls: how many there were, and of how many pages. */
function countsOf(events: readonly LoggedEvent[]): readonly unknown[] {
  return events.flatMap(({ event, counts }) => (event === 'emulation-summary' ? [counts].flat() : []));
}

for (const [count, letters, promoted] of [
  [2000, 'r-xs', 1],
  // To map one anew costs a process with so many much of its own time.
  [17_000, 'rw-p', 0],
] as const) {
  test(`of ${count} mappings, ${promoted} pages are promoted`, async () => {
    const words = [emulated('crowded', 'x86-64'), `${count}`, `${CALLS}`];
    const { status, output, errors, events } = await logged('wx', words);
    assert.deepEqual([status, output, errors], [0, `called ${CALLS}, ${letters}\n`, '']);
    assert.deepEqual(
      countsOf(events).map((each) => (each as { readonly promoted: number }).promoted),
      [promoted],
    );
  });
}
