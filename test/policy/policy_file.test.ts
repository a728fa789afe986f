/**
 * Policy files: what is read, what is refused and how, and that the published schema says the same.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { TrampfdError } from '../../src/error.js';
import { type Emulation, kinds, levelNames } from '../../src/policy/kinds.js';
import { parsePolicyFile, programPolicy } from '../../src/policy/policy_file.js';
import { root } from '../programs/compile.js';

const schema = JSON.parse(readFileSync(join(root, 'docs', 'policy.schema.json'), 'utf8')) as object;
const conforms = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);

/** Files that are refused, and what the error says behind the file's name. */
const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [[], /at the top: this is no object; give one with programs and default/],
  [null, /at the top: this is no object/],
  [{ program: {} }, /at \/program: the member 'program' is unknown; give one of \$schema, programs, default/],
  [{ $schema: 1 }, /at \/\$schema: this is no text/],
  [{ programs: [] }, /at \/programs: this is no object; give one with a policy for each program/],
  [{ programs: { 'bin/true': {} } }, /at \/programs\/bin~1true: a relative path names no program/],
  [{ programs: { '': {} } }, /at \/programs\/: a relative path names no program; give an absolute path or a bare name/],
  [{ programs: { true: 'wx' } }, /at \/programs\/true: this is no object; give one with some of policy, allow/],
  [{ default: { exe: [] } }, /at \/default\/exe: the member 'exe' is unknown; give one of policy, allow, deny, exec/],
  [{ default: { policy: 'tight' } }, /at \/default\/policy: the policy "tight" is unknown; give one of off, log, wx/],
  [{ default: { policy: null } }, /at \/default\/policy: the policy null is unknown/],
  [{ default: { allow: 'execmem' } }, /at \/default\/allow: this is no list; put what is here into \[ \]/],
  [
    { programs: { '/a~b/c': { deny: ['execmem', 'mem'] } } },
    /at \/programs\/~1a~0b~1c\/deny\/1: the kind "mem" is unknown; give one of execmem, execstack, execheap, execmod/,
  ],
  [
    { default: { allow: ['execmem', 'execmod'], deny: ['execheap', 'execmod'] } },
    /at \/default\/deny\/1: execmod is both allowed and denied; leave it in one of the lists/,
  ],
  [{ default: { exec: ['srv'] } }, /at \/default\/exec\/0: this is no absolute path; give one that begins with \//],
  [{ default: { exec: [1] } }, /at \/default\/exec\/0: this is no absolute path/],
  [{ default: { bestEffort: 1 } }, /at \/default\/bestEffort: this is neither true nor false/],
  [
    { default: { emulation: 'no' } },
    /at \/default\/emulation: this is neither true nor false, nor "every-program"; give one of them/,
  ],
  [{ programs: { sh: { emulation: null } } }, /at \/programs\/sh\/emulation: this is neither true nor false/],
];

/** Files that are read. */
const RIGHT: readonly unknown[] = [
  {},
  { $schema: 'policy.schema.json', programs: {} },
  { programs: { '/usr/sbin/nginx': { policy: 'strict', allow: [], deny: [], exec: ['/srv'], bestEffort: false } } },
  { programs: { true: {}, '/': {} }, default: { policy: 'off', deny: ['execfile'] } },
  { programs: { sh: { emulation: true }, ls: { emulation: 'every-program' } }, default: { emulation: false } },
];

function isRead(value: unknown): boolean {
  try {
    parsePolicyFile('file', JSON.stringify(value));
    return true;
  } catch (error) {
    assert.ok(error instanceof TrampfdError, String(error));
    return false;
  }
}

describe('a policy file', () => {
  for (const [value, message] of WRONG) {
    test(`is refused: ${JSON.stringify(value)}`, () => {
      assert.throws(() => parsePolicyFile('etc/p.json', JSON.stringify(value)), {
        code: 'ERR_TRAMPFD_POLICY_FILE',
        message: new RegExp(`^etc/p\\.json: ${message.source}`),
      });
      assert.equal(conforms(value), false);
    });
  }

  test('that is no JSON is refused', () => {
    assert.throws(
      () => parsePolicyFile('p.json', '{ "programs": '),
      /^TrampfdError: p\.json: at the top: this is no JSON/,
    );
  });

  test('is read, and conforms to the schema', () => {
    for (const value of RIGHT) {
      assert.ok(isRead(value), JSON.stringify(value));
      assert.ok(conforms(value), JSON.stringify(value));
    }
  });

  test('is judged alike by the checks and the schema', () => {
    const mostly = <T>(right: fc.Arbitrary<T>, ...wrong: readonly unknown[]) =>
      fc.oneof(
        { weight: 20, arbitrary: right as fc.Arbitrary<unknown> },
        { weight: 1, arbitrary: fc.constantFrom(...wrong) },
      );
    const some = <T>(values: readonly T[]) =>
      fc.array(mostly(fc.constantFrom(...values), 'other', 1), { maxLength: 3 });
    const program = fc.record(
      {
        policy: mostly(fc.constantFrom(...levelNames), 'WX', 1),
        allow: some(kinds),
        deny: some(kinds),
        exec: some(['/srv', '/']),
        bestEffort: mostly(fc.boolean(), 'yes'),
        emulation: mostly(fc.constantFrom(true, false, 'every-program'), 'no', 'asked', null),
      },
      { requiredKeys: [] },
    );
    const name = mostly(fc.constantFrom('/a', 'a', '/', '/a/', '..'), 'a/b', '', 'a\n/b').map(String);
    const file = fc.record(
      { programs: fc.dictionary(name, program), default: program, $schema: mostly(fc.constant('s'), 1) },
      { requiredKeys: [] },
    );
    let read = 0;
    fc.assert(
      fc.property(fc.oneof(file, fc.jsonValue()), (value) => {
        const known = isRead(value);
        if (known) read++;
        assert.equal(known, conforms(value));
      }),
      { numRuns: 3000 },
    );
    assert.ok(read > 100, `only ${read} were read`);
  });

  test('trampolines are emulated unless it says not to', () => {
    const text =
      '{"programs":{"sh":{"emulation":false},"ls":{"emulation":true},"ed":{"emulation":"every-program"}},"default":{}}';
    const file = parsePolicyFile('file', text);
    const emulation = (name: string): Emulation | undefined => programPolicy(file, [name])?.emulation;
    assert.deepEqual(['sh', 'ls', 'ed', 'true'].map(emulation), ['none', 'asked', 'every-program', 'asked']);
  });

  test('the best name of a program counts, then the default', () => {
    const text = '{"programs":{"sh":{"policy":"log"},"/bin/sh":{"policy":"off"}},"default":{"policy":"strict"}}';
    const file = parsePolicyFile('file', text);
    const level = (...names: string[]): string | undefined => programPolicy(file, names)?.level;
    assert.equal(level('/bin/sh', '/usr/bin/dash', 'sh', 'dash'), 'off');
    assert.equal(level('/usr/local/bin/sh', '/usr/bin/dash', 'sh', 'dash'), 'log');
    assert.equal(level('/usr/bin/true', 'true'), 'strict');
    assert.equal(programPolicy(parsePolicyFile('file', '{}'), ['true']), undefined);
  });
});
