/** Trampolines of processes that share their memory, or have a copy of it, however they were made: nobody finds a difference. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../../programs/compile.js';
import { alike, emulated, policies, runToEnd, under, widths } from './alike.js';

/** The trials of test/programs/emulation/sharers.c that hold for each way to make a child. */
const ALL = ['called', 'written', 'deep'];
const BESIDE = [...ALL, 'execute', 'at-once', 'orphan', 'parent-asks'];

/** Ways to make a child: what it is, and what can be tried with it. */
const WAYS: Readonly<Record<string, { readonly is: string; readonly trials: readonly string[] }>> = {
  '': { is: 'with a copy', trials: [...ALL, 'execute', 'at-once', 'orphan'] },
  f: { is: 'with a copy, while its maker waits', trials: [...ALL, 'execute'] },
  v: { is: 'with the same memory', trials: [...BESIDE, 'child-asks'] },
  vn: { is: 'with the same memory, and no signal at its end', trials: [...BESIDE, 'child-asks'] },
  vs: { is: 'with the same memory and handlers', trials: [...BESIDE, 'child-asks'] },
  vf: { is: 'with the same memory, while its maker waits', trials: [...ALL, 'execute'] },
  t: { is: 'as a thread', trials: ['called', 'written', 'at-once', 'parent-asks', 'child-asks'] },
  v3: { is: 'with the same memory, by clone3', trials: [...BESIDE, 'child-asks'] },
};

for (const policy of policies) {
  describe(`under ${policy}, trampolines of a child`, () => {
    for (const width of widths) {
      for (const [flags, { is, trials }] of Object.entries(WAYS)) {
        // Strict has no clone3: its flags stand in memory.
        if (flags.includes('3') && (width === 'i386' || policy === 'strict')) continue;
        test(`${is} (${width})`, () => alike(policy, [emulated('sharers', width), flags, ...trials], { status: 41 }));
      }
    }
  });
}

describe('where the system compares no memory', () => {
  const refusing = compileProgram('supervisor/without_calls.c');
  for (const flags of ['', 'f', 'v', 'vf']) {
    test(`the call says whether a child has the same ('${flags}')`, async () => {
      const words = [emulated('sharers', 'x86-64'), flags, ...ALL];
      const alone = await runToEnd(words);
      assert.equal(alone.status, 41, alone.output);
      assert.deepEqual(await runToEnd([refusing, 'kcmp', ...under('wx', []), ...words]), alone);
    });
  }
});
