/**
 * Kinds of memory, each allowed alone and denied alone, with real memory and real text relocations; and races against the
 * look at it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { canScopeSignals } from '../../src/linux/landlock.js';
import { type Kind, memoryKinds } from '../../src/policy/kinds.js';
import { asOrdinaryUser, copyCommand, Running, run, SharedFolder, trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

const folder = new SharedFolder();
after(() => folder[Symbol.dispose]());

const WIDTHS = {
  'x86-64': ['-pthread'],
  i386: ['-m32', '-pthread', '-idirafter', '/usr/include/x86_64-linux-gnu'],
} as const;

/** Built for addresses that the loader has to fill in, in code. */
const RELOCATED = {
  'x86-64': ['-shared', '-mcmodel=large', '-fno-pic', '-Wl,-z,notext'],
  i386: ['-m32', '-shared', '-fno-pic', '-Wl,-z,notext'],
} as const;

/** The kinds of memory that each variant of memory.c asks for; of none, a file as it is. */
const VARIANTS: Readonly<Record<string, readonly Kind[]>> = {
  anonymous: ['execmem'],
  'anonymous-writable': ['execmem'],
  'anonymous-by-key': ['execmem'],
  shared: ['execmem'],
  heap: ['execheap'],
  'heap-writable': ['execheap'],
  'heap-and-beyond': ['execheap'],
  stack: ['execstack'],
  'stack-growing': ['execstack'],
  'thread-stack': ['execmem'],
  'file-as-it-is': [],
  'file-while-writable': ['execmod'],
  'file-changed': ['execmod'],
  'file-writable': ['execmod'],
  'file-and-anonymous': ['execmem'],
};

/** Variants that are refused where all kinds are denied: files, and what is shared. All others are granted without X, and fault. */
const NEVER_GRANTED: ReadonlySet<string> = new Set(
  Object.keys(VARIANTS).filter((name) => /^(?:file|shared)/.test(name)),
);

/** Policies in which some kinds are allowed and some denied: the options, and the kinds of memory that are allowed. */
const MIXED: readonly (readonly [readonly string[], readonly Kind[]])[] = memoryKinds.flatMap((kind) => [
  [['--policy', 'strict', '--allow', kind], [kind]],
  [['--policy', 'off', '--deny', kind], memoryKinds.filter((other) => other !== kind)],
]);

function supervised(options: readonly string[], words: readonly string[]): ReturnType<typeof run> {
  // What is compiled lies where everybody may write.
  const [program = ''] = words;
  return run([trampfd, 'run', ...options, '--exec', dirname(program), '--', ...words]);
}

for (const [width, flags] of Object.entries(WIDTHS) as [keyof typeof WIDTHS, readonly string[]][]) {
  const memory = compileProgram('kinds/memory.c', { flags });
  const race = compileProgram('kinds/race.c', { flags });

  describe(`memory of each kind, ${width}`, () => {
    test('every variant is known here', () => {
      assert.deepEqual(run([memory, '--list']).output.trim().split('\n').sort(), Object.keys(VARIANTS).sort());
    });

    test('all of it becomes executable, and runs, without us', () => {
      for (const variant of Object.keys(VARIANTS)) assert.equal(run([memory, variant]).output, `${variant}: EXEC\n`);
    });

    for (const [options, allowed] of MIXED) {
      test(`${options.join(' ')}: what is allowed runs, what is denied is refused`, () => {
        const script = `for v in ${Object.keys(VARIANTS).join(' ')}; do "$0" $v; done`;
        const words = [...options, '--exec', dirname(memory), '--', 'sh', '-c', script, memory];
        const { output, errors } = run([trampfd, 'run', ...words]);
        const expected = Object.entries(VARIANTS).map(
          ([variant, kinds]) => `${variant}: ${kinds.every((kind) => allowed.includes(kind)) ? 'EXEC' : 'EACCES'}\n`,
        );
        assert.equal(output, expected.join(''), errors);
      });
    }
  });

  describe(`memory of each kind where all are denied, ${width}`, () => {
    for (const policy of ['wx', 'strict']) {
      for (const [options, granted] of [
        [[], 'SIGSEGV'],
        [['--no-emulation'], 'EACCES'],
      ] as const) {
        test(`${[policy, ...options].join(' ')}: none of it runs`, () => {
          const script = `for v in ${Object.keys(VARIANTS).join(' ')}; do "$0" $v; done`;
          const words = ['--policy', policy, ...options, '--exec', dirname(memory), '--', 'sh', '-c', script, memory];
          const expected = Object.keys(VARIANTS).map(
            (variant) => `${variant}: ${NEVER_GRANTED.has(variant) ? 'EACCES' : granted}\n`,
          );
          assert.equal(run([trampfd, 'run', ...words]).output, expected.join(''));
        });
      }
    }
  });

  describe(`text relocations, ${width}`, () => {
    const load = compileProgram('kinds/load.c', { flags });
    const library = compileProgram('kinds/text_relocations.c', { flags: RELOCATED[width] });

    test('are made where execmod is allowed, and nothing else has to be', () => {
      assert.equal(supervised(['--policy', 'strict', '--allow', 'execmod'], [load, library]).output, '42\n');
    });

    test('are refused where it is denied, and all else is allowed', () => {
      const { output } = supervised(['--policy', 'off', '--deny', 'execmod'], [load, library]);
      assert.match(output, /^refused: .*segment.* for relocation: Permission denied\n$/);
    });
  });

  describe(`races against the look, ${width}`, () => {
    /** What race.c prints in a race of some attempts. */
    function counts(options: readonly string[], what: string, attempts: number): Readonly<Record<string, number>> {
      const { output, errors } = supervised(options, [race, what, `${attempts}`]);
      const words = output.trim().split(' ');
      assert.ok(words.length >= 4, errors);
      return Object.fromEntries(
        Array.from({ length: words.length / 2 }, (_, index) => [words[2 * index], Number(words[2 * index + 1])]),
      );
    }

    const ATTEMPTS = 1000;
    test('the race is real: where both kinds are allowed, the bytes run', () => {
      const { granted, ran = 0 } = counts(['--policy', 'wx', '--allow', 'execmem'], 'thread', 300);
      assert.equal(granted, 300);
      assert.ok(ran > 0);
    });

    test('a thread that swaps the page in between wins nothing', () => {
      for (const options of [
        ['--policy', 'strict', '--allow', 'execheap'],
        ['--allow', 'execmod'],
      ]) {
        const { granted = 0, refused = 0, ran } = counts(options, 'thread', ATTEMPTS);
        assert.equal(granted + refused, ATTEMPTS);
        assert.ok(granted > 0, 'the file was never seen');
        assert.ok(refused > 0, 'the bytes were never seen');
        assert.equal(ran, 0);
      }
    });

    test('nobody gets to share the memory unseen, but programs can be started', () => {
      const { output } = supervised(['--policy', 'strict', '--allow', 'execheap'], [race, 'share', '1']);
      assert.equal(output, 'beside EPERM waited-for granted child: nested EAGAIN thread EAGAIN mprotect EACCES\n');
      assert.match(
        supervised(['--policy', 'strict', '--no-emulation'], [race, 'share', '1']).output,
        /^beside granted waited-for granted child: nested granted thread granted mprotect EACCES\n$/,
      );
    });

    test('no signal is lost, and no read(2) fails, of threads that are held', () => {
      assert.deepEqual(counts(['--policy', 'strict', '--allow', 'execmem'], 'signals', 200), {
        signals: 200,
        data: 200,
      });
    });

    for (const [what, meaning] of [
      ['spawn', 'programs are started'],
      ['threads', 'threads are started'],
    ] as const) {
      test(`what is allowed is granted while ${meaning}`, () => {
        assert.deepEqual(counts(['--policy', 'strict', '--allow', 'execmem'], what, 100), {
          granted: 100,
          refused: 0,
          ran: 100,
        });
      });
    }
  });
}

describe('as an ordinary user', () => {
  const command = copyCommand(folder.path);
  const env = { ...process.env, PATH: `${join(folder.path, 'node')}:/usr/bin:/bin` };
  const asUser = (options: readonly string[], words: readonly string[]): string => {
    const [program = ''] = words;
    const all = [...asOrdinaryUser, command, 'run', ...options, '--exec', dirname(program), '--', ...words];
    return run(all, { env, cwd: '/' }).output;
  };
  const memory = compileProgram('kinds/memory.c', { flags: WIDTHS['x86-64'] });
  const race = compileProgram('kinds/race.c', { flags: WIDTHS['x86-64'] });

  for (const level of ['wx', 'strict']) {
    test(`${level} --allow execheap: the heap and nothing else, and no race is won`, () => {
      const options = ['--policy', level, '--allow', 'execheap'];
      assert.equal(asUser(options, [memory, 'heap']), 'heap: EXEC\n');
      assert.equal(asUser(options, [memory, 'anonymous']), 'anonymous: EACCES\n');
      assert.match(asUser(options, [race, 'thread', '300']), /^granted [1-9]\d* refused [1-9]\d* ran 0\n$/);
    });
  }
});

describe('without the supervisor', () => {
  const race = compileProgram('kinds/race.c', { flags: WIDTHS['x86-64'] });
  for (const policy of [['strict'], ['strict', '--allow', 'execheap'], ['wx', '--allow', 'execheap']]) {
    test(`${policy.join(' ')}: nothing becomes executable that would have to be asked for`, async () => {
      // Where its signals stay in the run, the supervisor is killed from outside.
      const isKept = policy[0] === 'strict' && canScopeSignals();
      const words = ['run', '--policy', ...policy, '--exec', dirname(race), '--', race, 'orphan', '1'];
      await using target = new Running([trampfd, ...words]);
      if (isKept) {
        await target.until(/^alive$/m);
        process.kill(target.processId, 'SIGKILL');
      }
      const { signal } = await target.ended;
      assert.equal(target.output, `${isKept ? 'alive\n' : ''}anonymous ENOSYS heap ENOSYS\n`, target.errors);
      assert.equal(signal, 'SIGKILL');
    });
  }
});

describe('the log', () => {
  const memory = compileProgram('kinds/memory.c', { flags: WIDTHS['x86-64'] });
  function eventsOf(options: readonly string[], variant: string): readonly Readonly<Record<string, unknown>>[] {
    const log = join(folder.path, `${variant}.log`);
    supervised([...options, '--log', log], [memory, variant]);
    return readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  test('says what was made executable, and why it may be', () => {
    const events = eventsOf(['--allow', 'execheap'], 'heap').filter(({ event }) => event === 'made-executable');
    assert.equal(events.length, 1);
    assert.match(String(events[0]?.['memory']), /^execheap \(\[heap\] at [0-9a-f]+-[0-9a-f]+\)$/);
    assert.equal(events[0]?.['errno'], null);
  });

  test('says what was refused, and for which kind', () => {
    const events = eventsOf(['--allow', 'execmod'], 'stack').filter(({ event }) => event === 'refused');
    assert.equal(events.length, 1);
    assert.match(String(events[0]?.['reason']), /^mprotect makes memory executable: execstack \(\[stack\] at /);
  });
});
