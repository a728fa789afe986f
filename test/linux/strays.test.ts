/**
 * Threads that cannot be let go at once: nobody waits for them, and nothing of them is left in the end.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PTRACE_STOP } from '../../src/abi/ptrace.js';
import { InjectedCalls } from '../../src/linux/injected_calls.js';
import { Passage } from '../../src/linux/passage.js';
import { hasEnded } from '../../src/linux/proc.js';
import { ptrace, seize } from '../../src/linux/ptrace_request.js';
import { areStrays, letGo, lookForStrays } from '../../src/linux/strays.js';
import { Running } from '../cli/command.js';
import { patience } from '../patience.js';
import { compileProgram } from '../programs/compile.js';

const program = compileProgram('linux/injected.c', {
  flags: ['-std=gnu11', '-pthread', '-static', '-no-pie', '-mno-red-zone', '-Wno-array-bounds'],
});

test("a process's first thread that has ended, while another lives on: it is let go with its process", {
  timeout: patience(30_000),
}, async () => {
  // A shell is its parent: the end of a child of this process would be left to Node.js.
  await using running = new Running(['sh', '-c', '"$0" filter-kill; echo status $?', program]);
  await running.until(/^\d+\n/);
  const threadId = Number.parseInt(running.output, 10);
  await sleep(20);
  assert.equal(seize(threadId, PTRACE_STOP.PTRACE_O_TRACESYSGOOD), 0);
  ptrace('PTRACE_INTERRUPT', threadId);
  const passage = new Passage(threadId);
  assert.equal(passage.arrive(), 'stopped');
  // A filter of its own ends the thread for this.
  assert.equal(InjectedCalls.begin(threadId, { passage })?.call('x86-64', 'personality', [0xffffffffn]), undefined);
  assert.ok(hasEnded(threadId));
  letGo(threadId);
  assert.ok(areStrays());
  lookForStrays();
  assert.ok(areStrays());
  process.kill(threadId, 'SIGKILL');
  for (const until = performance.now() + patience(5000); areStrays() && performance.now() < until; ) {
    lookForStrays();
    await sleep(5);
  }
  assert.ok(!areStrays());
  // Its parent is told: nothing of it is left.
  await running.until(/status \d+\n/);
});
