/**
 * Calls that no signal interrupts, made by programs whose timers ring all the time, by handlers with and without SA_RESTART. A
 * filter that asks about a call lets a signal end it until it is received; nothing of that is seen by a program that is
 * traced, nor with SA_RESTART.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { syscallNumbers } from '../../src/abi/syscalls.js';
import { UNINTERRUPTED } from '../../src/linux/begin_anew.js';
import { policyOf } from '../../src/policy/kinds.js';
import { executionRules, policyRules } from '../../src/policy/wx.js';
import { serviceRules } from '../../src/supervisor/notified_calls.js';
import { run, trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';

const TIMES = 1000;

/** How often each call failed. */
function failures(output: string): Readonly<Record<string, number>> {
  const lines = output.trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name = '', count]) => [name, Number(count)]));
}

for (const [machine, flags] of [
  ['x86-64', []],
  ['i386', ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu']],
] as const) {
  const program = compileProgram('supervisor/uninterrupted.c', { flags });
  for (const policy of ['wx', 'strict']) {
    describe(`under ${policy}, ${machine} programs whose timers ring`, () => {
      const count = (handler: string, kind: string): Readonly<Record<string, number>> => {
        const words = ['--policy', policy, '--exec', program, '--', program, `${TIMES}`, '500', handler, kind];
        const { status, output, errors } = run([trampfd, 'run', ...words]);
        assert.deepEqual([status, errors], [0, '']);
        const { ticks = 0, ...failed } = failures(output);
        // Else nothing was tried.
        assert.ok(ticks > 100, `${ticks}`);
        return failed;
      };
      const none = (failed: Readonly<Record<string, number>>): void => {
        for (const [name, times] of Object.entries(failed)) assert.equal(times, 0, name);
      };

      test('see no EINTR where they are traced', () => {
        for (const handler of ['restart', 'end']) none(count(handler, 'traced'));
      });

      test('see none with SA_RESTART', () => none(count('restart', 'free')));

      test('see one seldom without, and the call succeeds when it is made again', () => {
        for (const [name, times] of Object.entries(count('end', 'free'))) {
          assert.ok(times < TIMES / 4, `${name}: ${times} of ${TIMES}`);
        }
      });
    });
  }
}

test('every call that is asked about is known to be interrupted by signals, or not', () => {
  // Signals interrupt these on some files, by themselves.
  const interrupted = ['read', 'pread64', 'write', 'pwrite64', 'fcntl', 'fcntl64', 'ioctl'];
  // They wait for others (a file server, a semaphore), or make several calls one.
  const others = ['mount', 'fsconfig', 'ipc', 'socketcall'];
  const known = new Set<string>([...UNINTERRUPTED, ...interrupted, ...others]);
  const window = { from: 768, below: 1024 };
  for (const level of ['wx', 'strict', 'log'] as const) {
    const policy = policyOf(level, []);
    const { rules } = policyRules(policy, [...executionRules, ...serviceRules(policy, window)]);
    // The old mmap of i386 is the new one's name.
    const asked = rules.filter(({ verdict }) => verdict.kind === 'notify').map(({ call }) => call);
    for (const call of new Set(asked)) assert.ok(known.has(call), call);
  }
  for (const name of UNINTERRUPTED) {
    assert.ok(
      Object.values(syscallNumbers).some((numbers) => name in numbers),
      name,
    );
  }
});
