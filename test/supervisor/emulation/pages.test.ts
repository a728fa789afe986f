/**
 * Pages that hold nothing but trampolines, promoted where they stand: a program finds no difference, whatever it does with
 * them, and no page of it is writable and executable.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, SharedFolder, trampfd } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

/** Functions below 4 GiB have a form of their own, so it stands there. */
const program = compileProgram('emulation/pages.c', { flags: ['-m64', '-std=gnu11', '-pthread', '-no-pie'] });

const POLICIES = { wx: [], strict: ['--exec', program] } as const;

/** One kind's line of the summary at a log's end. */
interface Count {
  readonly kind: string;
  readonly emulated: number;
  readonly promoted: number;
}

/** Runs the program under a policy; how it ended, and what was promoted. */
function logged(policy: keyof typeof POLICIES, words: readonly string[]) {
  using folder = new SharedFolder();
  const log = join(folder.path, 'log');
  const ended = run([trampfd, 'run', '--policy', policy, ...POLICIES[policy], '--log', log, '--', program, ...words]);
  const events = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly event: string; readonly counts?: readonly Count[] });
  const counts = events.find(({ event }) => event === 'emulation-summary')?.counts ?? [];
  return { ended, counts, promotions: events.filter(({ event }) => event === 'promoted').length };
}

const TRIALS = {
  'storm 200': 'are made, called and deleted, some deep in others',
  'threads 60': 'are called by threads while others of their page are made',
  'forks 4': 'are called in children, and changed in their parents',
  'signals 60': 'are interrupted anywhere by others of their page',
  'reuse 60': 'are one function and another in turn, in one place',
  unmapped: 'are unmapped, and other memory is mapped in their place',
  protected: 'are protected in other ways, and made executable again',
  forms: 'are of every form',
} as const;

for (const policy of ['wx', 'strict'] as const) {
  describe(`trampolines of pages of their own, under ${policy},`, () => {
    for (const [words, what] of Object.entries(TRIALS)) {
      test(what, () => {
        const alone = run([program, ...words.split(' ')]);
        assert.deepEqual([alone.status, alone.errors], [0, ''], alone.output);
        const { ended, promotions } = logged(policy, words.split(' '));
        assert.deepEqual(ended, alone);
        assert.ok(promotions > 0, 'nothing was promoted');
      });
    }

    test('are promoted whichever their form: each page once, and where data stands beside them not', () => {
      const { counts } = logged(policy, ['forms']);
      // Seven pages of one form each, and one of all of them, which is called by its first form.
      assert.equal(
        counts.reduce((sum, { promoted }) => sum + promoted, 0),
        8,
      );
      assert.deepEqual(counts.map(({ kind }) => kind).sort(), ['gcc-heap', 'gcc-stack', 'llvm']);
    });

    test('are promoted by their second call where GCC makes them', () => {
      // Two by two calls; but for those, every call is one of the 600 that are needed elsewhere.
      const { counts } = logged(policy, ['half']);
      assert.deepEqual(
        counts.map(({ emulated, promoted }) => [emulated, promoted]),
        [[2, 1]],
      );
    });

    for (const what of ['half', 'forged']) {
      test(`are not run where one is ${what === 'half' ? 'half written' : 'made to lead to data'}`, () => {
        const alone = run([program, what]);
        const { ended } = logged(policy, [what]);
        assert.equal(alone.signal, 'SIGSEGV');
        assert.deepEqual([ended.status, ended.signal, ended.output], [alone.status, alone.signal, alone.output]);
        const reason = what === 'half' ? 'differs at byte 14' : 'is no executable memory';
        assert.match(ended.errors, new RegExp(`^trampfd: pages-.* has called 0x[0-9a-f]+, .*${reason}; .*\\n$`));
      });
    }

    test('leave nothing in the supervisor when their processes have ended, whoever is told of that first', () => {
      // Root may look at its descriptors, and every page that it has given away is of a file.
      const look = '$(ls /proc/$PPID/fd 2>&1 | wc -l)';
      const work = `${program} maps; ${program} forks 2`;
      const script = `
        (${work}) >/dev/null
        before=${look}
        for n in 1 2 3 4 5 6 7 8; do ${work}; done >/dev/null
        for n in 1 2 3 4 5 6 7 8 9; do [ ${look} -le $before ] || sleep 0.5; done
        echo $before ${look}`;
      const { status, output, errors } = run([
        trampfd,
        ...['run', '--policy', policy, ...POLICIES[policy], '--'],
        ...['sh', '-c', script],
      ]);
      assert.deepEqual([status, errors], [0, '']);
      const [before = 0, after = 0] = output.trim().split(' ').map(Number);
      // The first look may come before all is let go of; eight times as many would be left else.
      assert.ok(before > 10 && after <= before, output);
    });

    test('leave no page writable and executable, and none executable but those of files', () => {
      const { ended, promotions } = logged(policy, ['maps']);
      assert.equal(ended.status, 0, ended.errors);
      assert.equal(promotions, 6);
      const lines = ended.output.trimEnd().split('\n');
      assert.ok(lines.length > 10);
      const pages = lines.filter((line) => / r-xs [0-9a-f]+ [0-9a-f:]+ \d+ +\/memfd:trampfd \(deleted\)$/.test(line));
      // The supervisor's, of one page each, and where they wait.
      assert.equal(pages.length, promotions + 1, ended.output);
      for (const line of lines) {
        const [, permissions = '', name = ''] = /^\S+ (\S+) \S+ \S+ \d+ *(.*)$/.exec(line) ?? [];
        assert.doesNotMatch(permissions, /wx/, line);
        if (permissions[2] === 'x') assert.match(name, /^(\/|\[vdso\]$|\[vsyscall\]$)/, line);
      }
    });
  });
}
