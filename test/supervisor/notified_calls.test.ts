/**
 * The table of calls that the service answers, against what filters ask about; and that the thread which compiles a filter
 * loads nothing that answers.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/abi/syscalls.js';
import { type Emulation, levelNames, type Policy, policyOf } from '../../src/policy/kinds.js';
import type { Rule } from '../../src/policy/rule.js';
import { executionRules, policyRules, wxRules } from '../../src/policy/wx.js';
import { notifiedCalls, serviceRules } from '../../src/supervisor/notified_calls.js';

const WINDOW = { from: 768, below: 1024 };
const EMULATIONS: readonly Emulation[] = ['none', 'asked', 'every-program'];
const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

/** Each level, and one that has memory judged. */
const policies: readonly Policy[] = EMULATIONS.flatMap((emulation) => [
  ...levelNames.map((level) => policyOf(level, [], emulation)),
  policyOf('wx', [{ verb: 'allow', kind: 'execheap' }], emulation),
]);

/** What any filter asks about. */
const asked: readonly Rule[] = policies
  .flatMap((policy) => policyRules(policy, [...executionRules, ...serviceRules(policy, WINDOW)]).rules)
  .filter(({ verdict }) => verdict.kind === 'notify');

const answered = new Set(
  ENTRIES.flatMap((entry) =>
    Object.values(notifiedCalls).flatMap(({ names }) => names[entry].map((call) => `${entry} ${call}`)),
  ),
);

describe('notified calls', () => {
  test('are answered by the service, or refusable by the policy', () => {
    const refusable = new Set(wxRules.map(({ entry, call }) => `${entry} ${call}`));
    const unknown = asked.map(({ entry, call }) => `${entry} ${call}`);
    assert.deepEqual(
      unknown.filter((call) => !answered.has(call) && !refusable.has(call)),
      [],
    );
  });

  test('that are answered are asked about in some filter', () => {
    const known = new Set(asked.map(({ entry, call }) => `${entry} ${call}`));
    assert.deepEqual(
      [...answered].filter((call) => !known.has(call)),
      [],
    );
  });

  test('are answered in one way each', () => {
    const all = ENTRIES.flatMap((entry) =>
      Object.values(notifiedCalls).flatMap(({ names }) => names[entry].map((call) => `${entry} ${call}`)),
    );
    assert.equal(all.length, answered.size);
  });
});

/** The modules that one loads before it runs, itself among them. */
function loadedWith(module: URL, loaded: Set<string> = new Set()): Set<string> {
  if (loaded.has(module.pathname)) return loaded;
  loaded.add(module.pathname);
  for (const [, from] of readFileSync(module, 'utf8').matchAll(/^(?:import|\}) .*from '(\.[^']+)';$/gm)) {
    if (from !== undefined) loadedWith(new URL(from, module), loaded);
  }
  return loaded;
}

test('the main thread loads neither what answers calls nor code generators', () => {
  const of = (path: string): readonly string[] =>
    [...loadedWith(new URL(path, import.meta.url))].map((name) => name.replace(/.*\/src\//, ''));
  const ofReceiver = of('../../src/supervisor/receive.js');
  const heavy = (name: string): boolean => /^(?:supervisor\/calls|trampoline|object)\//.test(name);
  assert.ok(ofReceiver.filter(heavy).length > 50, 'the receiver loads them');
  assert.deepEqual([...of('../../src/cli/trampfd.js'), ...of('../../src/cli/run.js')].filter(heavy), []);
});
