/**
 * A tracing thread that fails: what waits for it is denied, what it traced is ended, one sentence says so, and the run
 * comes to its end.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../../programs/compile.js';
import { type Change, runBroken } from '../broken.js';

const requests = compileProgram('supervisor/requests.c', { flags: ['-pthread'] });
const stack = compileProgram('supervisor/requests.c', { flags: ['-pthread', '-z', 'execstack'] });

/** All that is said, once: a sentence of ours with the reason. */
const sentence = (reason: string): RegExp =>
  new RegExp(`^trampfd: the thread that traces has failed: ${reason}; [^\\n]+\\n$`);

/** Memory that a thread uses up, of which it may have little. */
const LITTLE: Change = {
  file: 'trampfd',
  change: (text) => text.replaceAll('trackUnmanagedFds:!1', 'resourceLimits:{maxOldGenerationSizeMb:24},$&'),
};
const FILL = 'const all=[];for(;;)all.push(new Array(1000).fill(all.length));';

/** How it fails before it has traced anything, and what is said of that. */
const BEFORE: readonly (readonly [string, string, readonly Change[]])[] = [
  ['throws', 'broken', [{ file: 'trace', change: () => 'throw new Error("broken")' }]],
  ['ends', 'it has ended', [{ file: 'trace', change: () => 'process.exit(0)' }]],
  ['cannot be read', '[^;]*', [{ file: 'trace', change: () => '#' }]],
  ['has no memory left', '[^;]*memory[^;]*', [LITTLE, { file: 'trace', change: () => FILL }]],
  [
    'cannot be started',
    'no thread',
    [
      {
        file: 'trampfd',
        change: (text) => text.replace(/new URL\("\.\/trace\.cjs"/, 'new URL((()=>{throw new Error("no thread")})()'),
      },
    ],
  ],
];

/** How it fails when it traces something already. */
const MEANWHILE: readonly (readonly [string, readonly Change[]])[] = [
  [
    'throws again and again',
    [{ file: 'trace', change: (text) => text.replace(/(?<=\bwait\(\w*\)\{)/, 'throw new Error("again");') }],
  ],
  ['ends', [{ file: 'trace', change: (text) => text.replace(/(?<=\bwait\(\w*\)\{)/, 'process.exit(0);') }]],
  ['has no memory left', [LITTLE, { file: 'trace', change: (text) => text.replace(/(?<=\bwait\(\w*\)\{)/, FILL) }]],
];

/** Signs of life are looked for more often than every five seconds. */
const SOON: Change = { file: 'trampfd', change: (text) => text.replace(/=5e3(?=,\w+=\{trace:3)/, '=1500') };
/** Waits in the kernel for what nobody writes, and does so again where a signal ends the wait. */
const HANG =
  'const f=require("node:fs"),p=f.mkdtempSync("/tmp/trampfd-test-")+"/p";' +
  'require("node:child_process").execFileSync("mkfifo",[p]);' +
  'const d=f.openSync(p,"r+");f.rmSync(p.slice(0,-2),{recursive:true});for(;;)try{f.readSync(d,Buffer.alloc(1))}catch{}';

describe('a tracing thread that lives and hangs', () => {
  for (const level of ['wx', 'strict']) {
    test(`while it traces the program: the run ends with 125, under ${level}`, () => {
      const hangs: Change = { file: 'trace', change: (text) => text.replace(/(?<=\bwait\(\w*\)\{)/, HANG) };
      const { status, output, errors } = runBroken([SOON, hangs], [requests, 'sleep'], ['--policy', level]);
      assert.match(errors, sentence('it has done nothing for 4\\.5 s, for it waits in the kernel \\(\\w+\\)'));
      assert.deepEqual([status, output], [125, '']);
    });
  }
});

test('a tracing thread that ends when it alone knows of the end of the program: the run ends with 125', () => {
  const change = (text: string): string => text.replace(/\btellMain:(\w+)=>/, '$&$1?.kind==="exited"?process.exit(0):');
  const { status, errors } = runBroken([{ file: 'trace', change }], [requests]);
  assert.match(errors, sentence('it has ended'));
  assert.equal(status, 125);
});

test('a receiving thread that lives and hangs: its program goes on without answers', () => {
  const hangs: Change = { file: 'receive', change: (text) => text.replace(/(?<=\banswered\(\)\{)/, HANG) };
  const { status, output, errors } = runBroken([SOON, hangs], [requests]);
  assert.match(
    errors,
    /^trampfd: the supervisor failed, and calls that need it fail from now on: it has done nothing for 9 s\n$/,
  );
  assert.deepEqual([status, output], [7, '0 of 32 granted, then 0 of 1\n']);
});

describe('a tracing thread that fails', () => {
  for (const level of ['wx', 'strict']) {
    for (const [how, reason, changes] of BEFORE) {
      test(`${how} before it traces: requests of all threads are denied, under ${level}`, () => {
        const { status, output, errors } = runBroken(changes, [requests], ['--policy', level]);
        assert.match(errors, sentence(reason));
        assert.deepEqual([status, output], [7, '0 of 32 granted, then 0 of 1\n']);
      });
    }

    for (const [how, changes] of MEANWHILE) {
      test(`${how} while it traces the program: the run ends with 125, under ${level}`, () => {
        const { status, output, errors } = runBroken(changes, [requests, 'sleep'], ['--policy', level]);
        // What fails in between is told, and tried again.
        assert.match(errors.replace(/^(trampfd: tracing failed: again\n)*/, ''), sentence('[^;]*'));
        assert.deepEqual([status, output], [125, '']);
      });
    }

    test(`before a program is taken over that asks for an executable stack: nothing is started, under ${level}`, () => {
      const changes: readonly Change[] = [{ file: 'trace', change: () => 'throw new Error("broken")' }];
      const { status, output, errors } = runBroken(changes, [stack], ['--policy', level]);
      assert.match(errors, /^trampfd: the thread that traces has failed: broken; [^\n]+\n(trampfd: [^\n]+\n)?$/);
      assert.equal(output, '');
      assert.ok(status === 125 || status === 126, String(status));
    });
  }
});
