/**
 * Signals to the supervisor itself: they spoil no call that it answers.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

for (const [what, program, count] of [
  ['tables', 'interface/loop.c', 4000],
  ['trampolines of version 1', 'supervisor/user_loop.c', 2000],
] as const) {
  test(`a flood of signals to the supervisor, while a program makes ${what}`, async () => {
    const binary = compileProgram(program, { flags: ['-std=gnu11', '-pthread'] });
    const child = spawn(join(root, 'bin', 'trampfd'), ['run', '--', binary, String(count)], { stdio: 'ignore' });
    let sent = 0;
    const flood = (): void => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // What a supervisor gets when its children change. It comes to one thread of it or another.
      for (let burst = 0; burst < 50; burst++) sent += child.kill('SIGCHLD') ? 1 : 0;
      setImmediate(flood);
    };
    flood();
    const [status, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.deepEqual([status, signal], [0, null]);
    assert.ok(sent > 1000, `${sent} signals`);
  });
}
