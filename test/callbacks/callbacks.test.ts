/**
 * Programs that nobody here wrote, and some that show one thing each, keep their callbacks: what they print and how they
 * end is what it is without us, and while their callbacks live none of their memory is writable and executable.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../cli/command.js';
import { root } from '../programs/compile.js';
import { endingOf, type Seen } from './cell.js';
import { type Column, look } from './look.js';
import { type CallbackProgram, programs } from './programs.js';
import { differences, readTable, rowOf, tableIn } from './table.js';

/** What was seen already: each program runs once in each column. */
const looks = new Map<string, Promise<Seen>>();

function see(program: CallbackProgram, column: Column): Promise<Seen> {
  const key = `${column} ${program.name}`;
  const known = looks.get(key) ?? look(program, column);
  looks.set(key, known);
  return known;
}

const text = ({ status, signal, output, errors }: Seen): string => `status ${status}, ${signal}\n${output}${errors}`;

for (const program of programs) {
  describe(program.name, () => {
    test('has code that can be written where nobody forbids it', async () => {
      const bare = await see(program, 'bare');
      assert.equal(bare.status, program.status, text(bare));
      assert.equal(bare.errors, '');
      assert.ok(bare.maps !== undefined);
      // In one place, or through a second mapping of the same file.
      assert.notDeepEqual([...bare.maps.writableCode, ...bare.maps.writableAliases], []);
    });

    for (const policy of ['wx', 'strict'] as const) {
      test(`does the same under ${policy}`, async () => {
        const [bare, seen] = [await see(program, 'bare'), await see(program, policy)];
        assert.deepEqual(
          { status: seen.status, signal: seen.signal, output: seen.output, errors: seen.errors },
          { status: bare.status, signal: bare.signal, output: bare.output, errors: bare.errors },
        );
      });

      test(`has no code under ${policy} that it could write`, async () => {
        const seen = await see(program, policy);
        assert.deepEqual(seen.maps, { writableCode: [], writableAliases: [] }, text(seen));
        assert.ok(seen.processes > 0);
      });

      test(`has its trampolines ${program.way} under ${policy}`, async () => {
        const seen = await see(program, policy);
        const sum = (way: 'emulated' | 'promoted'): number => seen.counts.reduce((all, count) => all + count[way], 0);
        assert.ok(sum('emulated') > 0, text(seen));
        assert.equal(sum('promoted') > 0, program.way === 'promoted', JSON.stringify(seen.counts));
      });

      test(`comes to a known end under ${policy} without emulation`, async () => {
        const seen = await see(program, `${policy} without emulation`);
        assert.equal(endingOf(seen, program.status), program.withoutEmulation[policy], text(seen));
        assert.deepEqual(seen.counts, []);
      });
    }
  });
}

describe('as an ordinary user', () => {
  const folder = new SharedFolder();
  const runner = { user: asOrdinaryUser, command: copyCommand(folder.path) };
  after(() => folder[Symbol.dispose]());
  for (const program of programs) {
    for (const policy of ['wx', 'strict'] as const) {
      test(`${program.name} does the same under ${policy}`, async () => {
        const [bare, seen] = [await look(program, 'bare', runner), await look(program, policy, runner)];
        const { status, signal, output, errors } = bare;
        assert.equal(status, program.status, text(bare));
        assert.deepEqual(
          { status: seen.status, signal: seen.signal, output: seen.output, errors: seen.errors },
          { status, signal, output, errors },
        );
        assert.deepEqual(seen.maps, { writableCode: [], writableAliases: [] });
      });
    }
  }
});

test("the README's table is what the runs give", async () => {
  const rows: (readonly string[])[] = [];
  for (const program of programs) rows.push(await rowOf(program, see));
  const written = readTable(tableIn(readFileSync(join(root, 'README.md'), 'utf8')));
  assert.deepEqual(differences(written, rows), []);
  assert.equal(written.length, programs.length);
});
