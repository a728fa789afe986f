/**
 * The window of descriptor numbers: for every limit, and in a process that uses some of it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isInside, NumberChooser, windowAbove, windowFor } from '../../src/supervisor/window.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

describe('the window of a limit', () => {
  const cases: readonly (readonly [bigint, number, number])[] = [
    [0n, 0, 1],
    [1n, 0, 1],
    [2n, 1, 2],
    [3n, 2, 3],
    [4n, 3, 4],
    [7n, 6, 7],
    [8n, 6, 8],
    [64n, 48, 64],
    [1000n, 750, 1000],
    [1023n, 768, 1023],
    [1024n, 768, 1024],
    [4096n, 3072, 4096],
    [4100n, 3076, 4100],
    [65_535n, 64_511, 65_535],
    [65_536n, 64_512, 65_536],
    [65_537n, 64_512, 65_536],
    [1_048_576n, 64_512, 65_536],
    [2n ** 63n, 64_512, 65_536],
    [2n ** 64n - 1n, 64_512, 65_536],
  ];
  for (const [limit, from, below] of cases) {
    test(`${limit}: ${from} to ${below - 1}`, () => {
      assert.deepEqual(windowFor(limit), { from, below });
    });
  }

  test('for any limit: numbers that the limit allows, at most a quarter of them, at least one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (limit) => {
        const { from, below } = windowFor(limit);
        assert.ok(from >= 0 && from < below && BigInt(below) <= limit && below <= 65_536);
        assert.ok(below - from <= 1024);
        assert.ok(below - from === 1 || 4 * (below - from) <= below);
      }),
    );
  });

  test('without the numbers of the supervisor: the rest, or one that the program cannot have', () => {
    assert.deepEqual(windowAbove({ from: 768, below: 1024 }, 40), { from: 768, below: 1024 });
    assert.deepEqual(windowAbove({ from: 48, below: 64 }, 60), { from: 61, below: 64 });
    assert.deepEqual(windowAbove({ from: 48, below: 64 }, 63), { from: 64, below: 65 });
    assert.deepEqual(windowAbove({ from: 15, below: 20 }, 24), { from: 25, below: 26 });
  });

  test('its edges', () => {
    const window = windowFor(1024n);
    assert.deepEqual(
      [767, 768, 1023, 1024].map((number) => isInside(window, number)),
      [false, true, true, false],
    );
    // As the filter sees -1: an unsigned number.
    assert.equal(isInside(window, 0xffffffff), false);
  });
});

describe('a number is chosen', () => {
  /** A process whose descriptors at some numbers are open. */
  async function holding(numbers: readonly number[]): Promise<{ program: Dialogue; threadId: number }> {
    const program = new Dialogue(compileProgram('linux/threads.c', { flags: ['-pthread'] }));
    const [, threadId = 0] = (await program.line()).split(' ').map(Number);
    for (const number of numbers) assert.equal(await program.ask(`main dup2 1 ${number}`), String(number));
    return { program, threadId };
  }

  test('from the top downwards, never one that is used, and each once before any comes again', async () => {
    const { program } = await holding([46, 44]);
    await using _ = program;
    const chooser = new NumberChooser({ from: 40, below: 48 });
    const chosen = Array.from({ length: 8 }, () => chooser.choose(program.processId));
    assert.deepEqual(chosen, [47, 45, 43, 42, 41, 40, 47, 45]);
  });

  test('EMFILE when all are used, and again a number when one is closed', async () => {
    const numbers = [40, 41, 42, 43];
    const { program } = await holding(numbers);
    await using _ = program;
    const chooser = new NumberChooser({ from: 40, below: 44 });
    for (let times = 0; times < 3; times++) assert.equal(chooser.choose(program.processId), 'EMFILE');
    await program.ask('main close 41');
    for (let times = 0; times < 3; times++) assert.equal(chooser.choose(program.processId), 41);
  });

  test('not below what is asked for at least', async () => {
    const { program } = await holding([47]);
    await using _ = program;
    const chooser = new NumberChooser({ from: 40, below: 48 });
    for (const [atLeast, number] of [
      [45, 46],
      [46, 46],
      [46, 46],
      [40, 45],
      [0, 44],
      [47, 'EMFILE'],
      [48, 'EMFILE'],
      [0xffffffff, 'EMFILE'],
    ] as const) {
      assert.equal(chooser.choose(program.processId, atLeast), number, `at least ${atLeast}`);
    }
  });

  test('a thread with a descriptor table of its own has other numbers free', async () => {
    const { program, threadId } = await holding([47]);
    await using _ = program;
    const window = { from: 40, below: 48 };
    assert.equal(new NumberChooser(window).choose(program.processId), 46);
    assert.equal(new NumberChooser(window).choose(threadId), 47);
  });
});
