/**
 * Programs with callbacks in a guest: they do under each policy what they do without, and have no code that they could write.
 *
 * usage: node callbacks.js [short]
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Seen } from '../../callbacks/cell.js';
import { type Column, look, type Runner } from '../../callbacks/look.js';
import { type CallbackProgram, programs } from '../../callbacks/programs.js';
import { asOrdinaryUser, copyCommand, SharedFolder, trampfd } from '../../cli/command.js';
import { attempt } from './report.js';

/** One program of each kind of trampoline, by the name of its row; other rows have the same kinds by other languages. */
const NAMES = [
  'Python, `ctypes`: `qsort`',
  'CLISP, callbacks of libffcall',
  'C, libffi closures, of a library that the program bundles',
  'C, nested functions, in threads too',
  'C, nested functions, `-m32`',
  "C, nested functions' trampolines on the heap, as GCC 14 has them",
  'Fortran, internal procedures as arguments',
];

/**
 * What the short form has: half a minute or less each. Others make thousands of trapped calls, of which each takes 5 ms or
 * more in a guest, in threads that wait for each other, or one by one in a 32-bit program: they take minutes.
 */
const SHORT: ReadonlySet<string> = new Set([
  'Python, `ctypes`: `qsort`',
  'C, libffi closures, of a library that the program bundles',
]);

/** Fewer sorts than usual, for the same reason. */
const ENVIRONMENT = { CALLBACKS_STEP: '500' };

/** Those that an ordinary user runs too, in the long form. */
const AS_USER: ReadonlySet<string> = new Set(NAMES.slice(0, 1));

const essence = ({ status, signal, output, errors }: Seen): Partial<Seen> => ({ status, signal, output, errors });

async function check(program: CallbackProgram, column: Column, bare: Seen, runner: Runner): Promise<void> {
  const seen = await look(program, column, runner);
  assert.deepEqual(essence(seen), essence(bare));
  assert.deepEqual(seen.maps, { writableCode: [], writableAliases: [] });
  assert.equal(
    seen.counts.some(({ promoted }) => promoted > 0),
    program.way === 'promoted',
    JSON.stringify(seen.counts),
  );
}

using folder = new SharedFolder();
const runners = {
  root: { user: [], command: trampfd },
  ordinary: { user: asOrdinaryUser, command: copyCommand(folder.path) },
};

const isShort = process.argv[2] === 'short';
for (const name of NAMES.filter((each) => !isShort || SHORT.has(each))) {
  const known = programs.find((each) => each.name === name);
  if (known === undefined) throw new Error(`no program is called ${name}`);
  const program = { ...known, environment: { ...known.environment, ...ENVIRONMENT } };
  for (const [user, runner] of Object.entries(runners)) {
    if (user === 'ordinary' && (isShort || !AS_USER.has(name))) continue;
    let bare: Seen | undefined;
    await attempt(`${name}, ${user}, bare`, async () => {
      bare = await look(program, 'bare', runner);
      assert.equal(bare.status, program.status, bare.errors);
    });
    for (const column of ['wx', 'strict'] as const) {
      const begun = performance.now();
      await attempt(`${name}, ${user}, ${column}`, async () => {
        assert.ok(bare !== undefined);
        await check(program, column, bare, runner);
      });
      console.log(`${name}, ${user}, ${column}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    }
  }
}
