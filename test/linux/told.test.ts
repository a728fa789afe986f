/** What a tracer is told of a thread that has trapped, and how the thread goes on. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { USER_REGS } from '../../src/abi/ptrace.js';
import { readMemory } from '../../src/linux/memory.js';
import { signalNumbers } from '../../src/linux/signal.js';
import { lastTrap, nextTold, resumeUntilTold, type Told, TRAP_BYTES } from '../../src/linux/told.js';
import { detach, follow, proceed } from '../../src/linux/tracee.js';
import { longestLegacyForm } from '../../src/trampoline/legacy.js';
import { compileProgram } from '../programs/compile.js';

const { SIGSEGV = 11, SIGUSR1 = 10 } = signalNumbers;
let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  // Its end may have been told here, and then Node.js waits for it in vain.
  child?.stdout?.destroy();
  child?.unref();
});

/**
 * Starts a program that traps in a way, and traces it before it does. From here to its end nothing of Node.js may run that
 * waits for children: it would be told instead.
 */
async function traced(way: string): Promise<number> {
  child = spawn(compileProgram('linux/trap.c'), [way], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child?.stdout?.once('data', resolve));
  const processId = child.pid ?? 0;
  assert.equal(follow(processId), 0);
  return processId;
}

/** What is told of the program; changes of others are not of interest. */
function toldOf(processId: number, next: () => Told): Exclude<Told, string> {
  for (let told = next(); ; told = nextTold()) {
    assert.notEqual(told, 'nobody');
    if (typeof told !== 'string' && told.threadId === processId) return told;
  }
}

test('as many bytes are read as the longest trampoline has', () => {
  assert.ok(longestLegacyForm <= TRAP_BYTES);
});

test('of a trap all is known, and the thread goes on with the registers that it is given', async () => {
  const processId = await traced('call');
  process.kill(processId, 'SIGUSR2');
  let resume: (() => Told) | undefined;
  for (let calls = 1; calls <= 100; calls++) {
    const told = toldOf(processId, resume ?? nextTold);
    assert.deepEqual(told, { kind: 'stop', threadId: processId, event: 0, signal: SIGSEGV });
    const trap = lastTrap();
    assert.ok(trap !== undefined && trap.code > 0);
    const at = trap.registers.getBigUint64(USER_REGS.rip, true);
    assert.equal(trap.address, at);
    assert.deepEqual(trap.bytes.slice(), readMemory(processId, at, TRAP_BYTES));
    assert.equal((trap.signalMask >> BigInt(SIGUSR1 - 1)) & 1n, 1n);
    const stack = trap.registers.getBigUint64(USER_REGS.rsp, true);
    const top = readMemory(processId, stack, 8);
    assert.ok(top !== undefined && trap.stackTop !== undefined);
    assert.equal(trap.stackTop, Buffer.from(top).readBigUInt64LE());
    // As if the function there had returned 7.
    trap.registers.setBigUint64(USER_REGS.rax, 7n, true);
    trap.registers.setBigUint64(USER_REGS.rip, trap.stackTop, true);
    trap.registers.setBigUint64(USER_REGS.rsp, stack + 8n, true);
    resume = () => resumeUntilTold(processId);
  }
  const end = toldOf(processId, resume ?? nextTold);
  assert.deepEqual(end, {
    kind: 'change',
    threadId: processId,
    change: { kind: 'exited', processId, status: 42 },
  });
  assert.equal(lastTrap(), undefined);
});

test('where the stack and the code cannot be read, the trap is known without', async () => {
  const processId = await traced('nowhere');
  process.kill(processId, 'SIGUSR2');
  const told = toldOf(processId, nextTold);
  assert.equal(told.kind, 'stop');
  const trap = lastTrap();
  assert.ok(trap !== undefined);
  assert.equal(trap.stackTop, undefined);
  assert.equal(trap.bytes.length, 0);
  detach(processId, SIGSEGV);
});

test('code at the end of what can be read is read so far', async () => {
  const processId = await traced('edge');
  process.kill(processId, 'SIGUSR2');
  toldOf(processId, nextTold);
  const trap = lastTrap();
  assert.ok(trap?.stackTop !== undefined);
  assert.deepEqual([...trap.bytes], [1, 2, 3]);
  detach(processId, SIGSEGV);
});

test('a thread that was killed in its trap does not go on, and its end is told', async () => {
  const processId = await traced('call');
  process.kill(processId, 'SIGUSR2');
  toldOf(processId, nextTold);
  process.kill(processId, 'SIGKILL');
  const end = toldOf(processId, () => resumeUntilTold(processId));
  assert.deepEqual(end, { kind: 'change', threadId: processId, change: { kind: 'killed', processId, signal: 9 } });
});

test('a stop that is no trap is told as it is', async () => {
  const processId = await traced('call');
  process.kill(processId, SIGUSR1);
  process.kill(processId, 'SIGSTOP');
  const told = toldOf(processId, nextTold);
  assert.deepEqual(told, { kind: 'stop', threadId: processId, event: 0, signal: signalNumbers['SIGSTOP'] });
  proceed(processId);
  process.kill(processId, 'SIGKILL');
  assert.equal(toldOf(processId, nextTold).kind, 'change');
});
