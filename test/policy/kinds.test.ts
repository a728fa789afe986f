/**
 * Levels as sets of kinds, and what changes them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  emulates,
  kinds,
  levelNames,
  looksAtPrograms,
  memoryKinds,
  type PolicyChange,
  policyOf,
  policyText,
} from '../../src/policy/kinds.js';
import { policyRules } from '../../src/policy/wx.js';
import { serviceRules } from '../../src/supervisor/notified_calls.js';
import { windowFor } from '../../src/supervisor/window.js';

const WINDOW = windowFor(1024n);

function change(text: string): PolicyChange[] {
  return text
    .split(' ')
    .map((word) => ({ verb: word.startsWith('+') ? 'allow' : 'deny', kind: word.slice(1) as never }));
}

describe('levels', () => {
  test('are named sets, each a part of the one before', () => {
    assert.deepEqual([...policyOf('off').allowed], kinds);
    assert.deepEqual([...policyOf('log').allowed], kinds);
    assert.deepEqual([...policyOf('wx').allowed], ['execfile', 'exectramp']);
    assert.deepEqual([...policyOf('strict').allowed], ['exectramp']);
    assert.deepEqual(
      levelNames.filter((level) => policyOf(level).reports),
      ['log'],
    );
  });

  test('are changed in order: the last word about a kind counts', () => {
    assert.deepEqual([...policyOf('strict', change('+execmem -execmem')).allowed], ['exectramp']);
    assert.deepEqual([...policyOf('strict', change('-execmem +execmem')).allowed], ['exectramp', 'execmem']);
  });

  test('are written as the options that give them', () => {
    assert.equal(policyText(policyOf('wx')), 'wx');
    assert.equal(
      policyText(policyOf('wx', change('+execfile -exectramp +execheap'))),
      'wx --allow execheap --deny exectramp',
    );
  });
});

describe('emulation', () => {
  test('is on where all memory is denied and trampolines are allowed', () => {
    assert.deepEqual(
      levelNames.filter((level) => emulates(policyOf(level))),
      ['wx', 'strict'],
    );
    assert.ok(emulates(policyOf('off', change('-execmem -execstack -execheap -execmod'))));
  });

  test('is off where it is not wanted, without exectramp, and with any kind of memory', () => {
    for (const level of ['wx', 'strict'] as const) {
      assert.equal(emulates(policyOf(level, [], 'none')), false);
      assert.equal(emulates(policyOf(level, change('-exectramp'))), false);
      for (const kind of memoryKinds) assert.equal(emulates(policyOf(level, change(`+${kind}`))), false, kind);
    }
  });

  test('is a part of how a policy is written, where it is not wanted', () => {
    assert.equal(policyText(policyOf('strict', [], 'asked')), 'strict');
    assert.equal(policyText(policyOf('strict', [], 'none')), 'strict --no-emulation');
    assert.equal(policyText(policyOf('wx', change('+execheap'), 'none')), 'wx --allow execheap --no-emulation');
    assert.equal(policyText(policyOf('wx', [], 'every-program')), 'wx --every-program');
  });

  test('looks at every program where that is wanted, emulation is there, and files are not judged', () => {
    assert.ok(looksAtPrograms(policyOf('wx', [], 'every-program')));
    assert.ok(looksAtPrograms(policyOf('strict', change('+execfile'), 'every-program')));
    assert.equal(looksAtPrograms(policyOf('wx')), false);
    for (const level of ['off', 'log', 'strict'] as const) {
      assert.equal(looksAtPrograms(policyOf(level, [], 'every-program')), false, level);
    }
    for (const text of ['-exectramp', '-execfile', '+execheap']) {
      assert.equal(looksAtPrograms(policyOf('wx', change(text), 'every-program')), false, text);
    }
  });
});

describe('the rules of a set', () => {
  const rulesOf = (policy: ReturnType<typeof policyOf>) => policyRules(policy, serviceRules(policy, WINDOW));

  test('a level by another name has the same rules', () => {
    assert.deepEqual(
      rulesOf(policyOf('off', change('-execmem -execstack -execheap -execmod'))),
      rulesOf(policyOf('wx')),
    );
    assert.deepEqual(rulesOf(policyOf('wx', change('-execfile'))), rulesOf(policyOf('strict')));
    assert.deepEqual(
      rulesOf(policyOf('strict', change('+execmem +execstack +execheap +execmod +execfile'))),
      rulesOf(policyOf('off')),
    );
  });

  test('without exectramp the service has none, but where memory is judged: the old mmap, and what delivers pages', () => {
    assert.deepEqual(rulesOf(policyOf('off', change('-exectramp'))).rules, []);
    const policy = policyOf('wx', change('-exectramp'));
    assert.deepEqual(
      serviceRules(policy, WINDOW).map(({ entry, call }) => `${entry} ${call}`),
      [
        ...['i386 mmap', 'i386 mmap2'],
        ...['x86-64', 'i386'].flatMap((entry) =>
          ['userfaultfd', 'mount', 'fsconfig', 'ioctl'].map((call) => `${entry} ${call}`),
        ),
      ],
    );
  });
});
