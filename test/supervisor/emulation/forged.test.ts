/**
 * What is no trampoline is not run: bytes that differ from one in a bit, jumps behind its beginning, targets that are not
 * executable, other code. The program gets SIGSEGV for each.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ended } from '../../cli/command.js';
import { emulated, logged, policies, runToEnd, type Width, widths } from './alike.js';

/** How many bytes a trampoline has, and which of them carry no value. */
const FORMS: Readonly<Record<Width, { readonly length: number; readonly fixed: readonly number[] }>> = {
  'x86-64': { length: 28, fixed: [0, 1, 2, 3, 4, 5, 14, 15, 24, 25, 26, 27] },
  i386: { length: 10, fixed: [0, 5] },
};

/** Where a trampoline's constant stands in it. */
const CONSTANT_AT: Readonly<Record<Width, number>> = { 'x86-64': 16, i386: 1 };

const SEGMENTATION_FAULT = 'signal 11';

/** Lines for numbers, all with one end. */
const each = (what: string, numbers: readonly number[], end = SEGMENTATION_FAULT): string[] =>
  numbers.map((number) => `${what} ${number}: ${end}`);

const upTo = (count: number, from = 0): number[] => Array.from({ length: count - from }, (_, index) => index + from);

/** What each trial says. */
function expected(trial: string, width: Width): readonly string[] {
  const { length, fixed } = FORMS[width];
  switch (trial) {
    case 'bytes': {
      const lines = fixed.flatMap((at) => [...each('low bit of', [at]), ...each('high bit of', [at])]);
      // On i386 it is the form that carries its constant in another register: the function gets a wrong one.
      return lines.map((line) => (width === 'i386' && line.startsWith('low bit of 0:') ? 'low bit of 0: 1' : line));
    }
    case 'middle':
      // The landing pad may be missing.
      return [...each('from', upTo(length, 1)), 'from 0: 0'].map((line) =>
        width === 'x86-64' && line.startsWith('from 4:') ? 'from 4: 0' : line,
      );
    case 'targets':
      return [...each('target', upTo(8)), 'a good one 0: 0'];
    case 'plain':
      return ['mapped', 'heap', 'bss'].flatMap((what) => each(what, [0]));
    case 'code':
      return each('code', upTo(9));
    default:
      return each('of length', upTo(length, 1));
  }
}

const TRIALS = {
  bytes: 'a trampoline with one bit more or less',
  middle: 'a jump behind its beginning',
  targets: 'a target that is not executable',
  plain: 'a trampoline in memory that was never to be executable',
  code: 'other code',
  half: 'a trampoline that is cut off',
} as const;

for (const policy of policies) {
  for (const width of widths) {
    describe(`under ${policy}, ${width} programs get SIGSEGV for`, () => {
      const program = emulated('forged', width);
      for (const [trial, what] of Object.entries(TRIALS)) {
        test(what, async () => {
          const { status, output, errors } = await logged(policy, [program, trial]);
          assert.deepEqual(output.trimEnd().split('\n'), expected(trial, width), errors);
          assert.equal(status, 45);
        });
      }

      test('no constant that it chose, however often its trampolines were called', async () => {
        const alone = await runToEnd([program, 'constants']);
        assert.match(alone.output, new RegExp(`^constant at ${CONSTANT_AT[width]}: 0$`, 'm'));
        assert.match(alone.output, /^in executable memory 0: [1-9]/m);
        const { status, output, errors } = await logged(policy, [program, 'constants']);
        assert.equal(status, 45, output + errors);
        // Wherever it jumps to, it does not get what its bytes would give.
        assert.doesNotMatch(output, /^constant at .*: 0$/m);
        assert.match(output, /^in executable memory 0: 0$/m);
      });
    });

    // A call that takes X away, or maps other memory, is not notified. Nothing but a trampoline gains by that.
    test(`what was granted to a place stays granted under ${policy} (${width})`, async () => {
      const words = [emulated('forged', width), 'taken'];
      const places = ['no longer executable', 'plain memory in its place'];
      const lines = async (ended: Promise<Ended>): Promise<readonly string[]> =>
        (await ended).output.trimEnd().split('\n');
      assert.deepEqual(await lines(runToEnd(words)), ['executable 0: 0', ...places.flatMap((what) => each(what, [0]))]);
      assert.deepEqual(await lines(logged(policy, words)), [
        'executable 0: 0',
        ...places.flatMap((what) => each(what, [0], '0')),
      ]);
    });
  }
}
