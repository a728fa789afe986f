/**
 * Calls that real threads are made to make: in every situation that a program can bring about, by what it does to its
 * memory, its signals, its filters, and by its end. Nothing is waited for without a bound, and nothing of the program's is
 * lost.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoNumbers } from '../../src/abi/errno.js';
import { PERSONALITY_QUERY } from '../../src/abi/process.js';
import { PTRACE_STOP } from '../../src/abi/ptrace.js';
import { InjectedCalls } from '../../src/linux/injected_calls.js';
import { KernelEntries } from '../../src/linux/kernel_entry.js';
import { tellOfLost } from '../../src/linux/lost_process.js';
import { Passage } from '../../src/linux/passage.js';
import { hasEnded, isStopped } from '../../src/linux/proc.js';
import { StoppingThread } from '../../src/linux/ptrace.js';
import { ptrace, seize } from '../../src/linux/ptrace_request.js';
import { areStrays, letGo, lookForStrays } from '../../src/linux/strays.js';
import { Running } from '../cli/command.js';
import { patience } from '../patience.js';
import { compileProgram } from '../programs/compile.js';

const program = compileProgram('linux/injected.c', {
  flags: ['-std=gnu11', '-pthread', '-static', '-no-pie', '-mno-red-zone', '-Wno-array-bounds'],
});
/** What is said of processes. */
const said: string[] = [];
tellOfLost((sentence) => said.push(sentence));

/** A program in a situation, and the thread that is meant. */
class Situation implements AsyncDisposable {
  readonly running: Running;
  threadId = 0;

  private constructor(what: string) {
    this.running = new Running([program, what]);
  }

  static async start(what: string): Promise<Situation> {
    said.length = 0;
    const situation = new Situation(what);
    await situation.running.until(/^(\d+|none)\n/);
    situation.threadId = Number.parseInt(situation.running.output, 10);
    // It is where the situation is.
    await sleep(20);
    return situation;
  }

  /** Has it do what comes next. */
  tell(): void {
    this.running.type('\n');
  }

  /** Has it end, and what it says then. */
  async end(): Promise<string> {
    this.tell();
    await this.running.ended;
    return this.running.output.split('\n').at(-2) ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
    if (areStrays()) lookForStrays();
  }
}

/** Stops a thread and does something with it there. Nothing else of this process runs meanwhile. */
function stopped<T>(
  threadId: number,
  use: (calls: InjectedCalls) => T,
  options: { readonly entries?: KernelEntries; readonly isBehindCall?: boolean } = {},
): T | undefined {
  assert.equal(seize(threadId, PTRACE_STOP.PTRACE_O_TRACESYSGOOD), 0);
  ptrace('PTRACE_INTERRUPT', threadId);
  const passage = new Passage(threadId);
  try {
    if (passage.arrive() !== 'stopped') return undefined;
    using calls = InjectedCalls.begin(threadId, { ...options, passage });
    return calls === undefined ? undefined : use(calls);
  } finally {
    letGo(threadId);
  }
}

/** A call that changes nothing, and its result. */
const ask = (calls: InjectedCalls): bigint | undefined =>
  calls.call('x86-64', 'personality', [BigInt(PERSONALITY_QUERY)]);
const UNCHANGED = 'wrong 0 handled 0 code 0';

describe('a thread that computes', { timeout: patience(60_000) }, () => {
  test('has its registers and flags behind many calls, several in each stop', async () => {
    await using situation = await Situation.start('spin');
    for (let times = 0; times < 300; times++) {
      stopped(situation.threadId, (calls) => {
        for (let call = 0; call < 4; call++) assert.equal(ask(calls), 0n);
        assert.equal(calls.call('x86-64', 'close', [100_000n]), BigInt(-errnoNumbers.EBADF));
      });
    }
    assert.equal(await situation.end(), UNCHANGED);
    assert.deepEqual(said, []);
  });

  test('gets every signal that is queued for it meanwhile, once', async () => {
    await using situation = await Situation.start('queue');
    const until = performance.now() + 500;
    while (performance.now() < until) stopped(situation.threadId, (calls) => assert.equal(ask(calls), 0n));
    assert.match(await situation.end(), /^wrong 0 handled [1-9]\d* code -1$/);
  });

  test('is stopped by the SIGSTOP that came in between, and continued by SIGCONT', async () => {
    await using situation = await Situation.start('spin');
    const { threadId } = situation;
    stopped(threadId, (calls) => {
      process.kill(threadId, 'SIGSTOP');
      for (let call = 0; call < 3; call++) assert.equal(ask(calls), 0n);
    });
    await sleep(50);
    assert.ok(isStopped(threadId));
    process.kill(threadId, 'SIGCONT');
    assert.equal(await situation.end(), UNCHANGED);
  });

  test('is not stopped where SIGCONT came behind the SIGSTOP', async () => {
    await using situation = await Situation.start('spin');
    const { threadId } = situation;
    stopped(threadId, (calls) => {
      process.kill(threadId, 'SIGSTOP');
      assert.equal(ask(calls), 0n);
      process.kill(threadId, 'SIGCONT');
      assert.equal(ask(calls), 0n);
    });
    assert.equal(await situation.end(), UNCHANGED);
  });

  for (const signal of ['SIGSEGV', 'SIGSYS', 'SIGUSR1'] as const) {
    test(`is given the ${signal} that somebody has sent, behind the calls`, async () => {
      await using situation = await Situation.start('spin');
      const { threadId } = situation;
      stopped(threadId, (calls) => {
        process.kill(threadId, signal);
        for (let call = 0; call < 3; call++) assert.equal(ask(calls), 0n);
      });
      assert.match(await situation.end(), /^wrong 0 handled 1 code (0|-6)$/);
      assert.deepEqual(said, []);
    });
  }

  test('makes a call while it traps at each instruction', async () => {
    await using situation = await Situation.start('traps');
    for (let times = 0; times < 100; times++) stopped(situation.threadId, (calls) => assert.equal(ask(calls), 0n));
    assert.equal((await situation.end()).split(' code ')[0], 'wrong 0 handled 0');
  });
});

describe('two threads at a time', { timeout: patience(60_000) }, () => {
  test('share nothing, and each goes on with the call that it was in', async () => {
    await using first = await Situation.start('sleep');
    await using second = await Situation.start('sleep');
    const threads = [first, second].map(({ threadId }) => StoppingThread.seize(threadId));
    for (const thread of threads) assert.notEqual(thread?.stopped(), undefined);
    for (let times = 0; times < 3; times++) {
      for (const thread of threads)
        assert.equal(thread?.call('x86-64', 'personality', [BigInt(PERSONALITY_QUERY)]), 0n);
    }
    for (const thread of threads) thread?.release();
    for (const { running } of [first, second]) {
      await running.ended;
      assert.equal(running.output.split('\n').at(-2), UNCHANGED);
    }
  });
});

describe('the instruction that enters the kernel', { timeout: patience(60_000) }, () => {
  test("is the kernel's own where the program has taken away its own", async () => {
    await using situation = await Situation.start('taken');
    situation.tell();
    await situation.running.until(/taken/);
    assert.equal(stopped(situation.threadId, ask, { isBehindCall: true }), 0n);
    // Its own call begins anew, where nothing is any more: its handler is there still.
    assert.deepEqual(await situation.running.ended, { status: 7, signal: null });
    assert.deepEqual(said, []);
  });

  test('is nowhere where the program has taken both away: the call is not made, the thread goes on', async () => {
    await using situation = await Situation.start('taken-without');
    situation.tell();
    await situation.running.until(/taken/);
    assert.equal(stopped(situation.threadId, ask, { isBehindCall: true }), undefined);
    assert.deepEqual(await situation.running.ended, { status: 7, signal: null });
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? '',
      /^injected-\S+\[\d+\]: it could not be made to call personality: SIGSEGV at the instruction/,
    );
  });

  test('is found anew where the program has moved it', async () => {
    await using situation = await Situation.start('moved');
    const entries = new KernelEntries();
    assert.equal(stopped(situation.threadId, ask, { entries }), 0n);
    situation.tell();
    await situation.running.until(/taken/);
    assert.equal(stopped(situation.threadId, ask, { entries }), 0n);
    assert.equal(stopped(situation.threadId, ask, { entries }), 0n);
    assert.equal(await situation.end(), UNCHANGED);
  });

  for (const [what, why] of [
    ['looping', /was ended: its thread did not make the call in time/],
    ['other', /was ended: its thread made another call/],
  ] as const) {
    test(`is another one, put there by the program (${what}): its process is ended, and nobody waits`, async () => {
      await using situation = await Situation.start(what);
      situation.tell();
      await situation.running.until(/taken/);
      const began = performance.now();
      if (what === 'looping') assert.equal(stopped(situation.threadId, ask, { isBehindCall: true }), undefined);
      else {
        // One byte before the instruction is where the other call begins.
        const result = stopped(situation.threadId, (calls) => calls.call('x86-64', 'personality', [1n]), {
          isBehindCall: true,
        });
        assert.equal(result, undefined);
      }
      assert.ok(performance.now() - began < patience(20_000));
      assert.equal((await situation.running.ended).signal, 'SIGKILL');
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', why);
    });
  }
});

describe('a call that does not come back', { timeout: patience(60_000) }, () => {
  test('ends its process in time, and each further one sooner', async () => {
    const took: number[] = [];
    for (let times = 0; times < 5; times++) {
      await using situation = await Situation.start('parent');
      const began = performance.now();
      // It has a child that lives on, and waits for it.
      const result = stopped(situation.threadId, (calls) => calls.call('x86-64', 'wait4', [0xffffffffn, 0n, 0n, 0n]));
      took.push(performance.now() - began);
      assert.equal(result, undefined);
      assert.equal((await situation.running.ended).signal, 'SIGKILL');
      assert.match(said.join('\n'), /was ended: its thread did not make the call in time that it was made to make$/);
    }
    // No machine is so busy that these take ten times as long as they may.
    assert.ok(Math.max(...took) < patience(10_000), `${took}`);
    assert.ok((took.at(-1) ?? 0) < Math.max(...took), `${took}`);
  });
});

describe('syscall user dispatch', { timeout: patience(60_000) }, () => {
  for (const what of ['dispatch', 'dispatch-inside', 'dispatch-blocked']) {
    test(`${what}: is off for the call, and on again`, async (context) => {
      await using situation = await Situation.start(what);
      if (situation.running.output.startsWith('none')) return context.diagnostic('this kernel has none of that');
      for (let times = 0; times < 3; times++) {
        const results = stopped(situation.threadId, (calls) => [ask(calls), ask(calls)]);
        assert.deepEqual(results, [0n, 0n]);
      }
      assert.equal(await situation.end(), 'wrong 0 handled 1 code 2');
      assert.deepEqual(said, []);
    });
  }
});

describe("a filter of the program's own", { timeout: patience(60_000) }, () => {
  for (const [what, errno] of [
    ['errno', 'ENOTTY'],
    ['trace', 'ENOSYS'],
  ] as const) {
    test(`${what}: its error is the result`, async () => {
      await using situation = await Situation.start(`filter-${what}`);
      assert.equal(stopped(situation.threadId, ask), BigInt(-errnoNumbers[errno]));
      assert.equal(await situation.end(), UNCHANGED);
    });
  }

  test('trap: the call is not made, and the thread gets no signal for it', async () => {
    await using situation = await Situation.start('filter-trap');
    for (let times = 0; times < 3; times++) {
      const results = stopped(situation.threadId, (calls) => [ask(calls), calls.call('x86-64', 'umask', [0o22n])]);
      assert.deepEqual([results?.[0], typeof results?.[1]], [undefined, 'bigint']);
    }
    assert.equal(await situation.end(), UNCHANGED);
    assert.match(said[0] ?? '', /it could not be made to call personality: SIGSYS by a filter of its own/);
  });

  for (const what of ['kill', 'kill-process']) {
    test(`${what}: the thread is gone`, async () => {
      await using situation = await Situation.start(`filter-${what}`);
      assert.equal(stopped(situation.threadId, ask), undefined);
      assert.ok(hasEnded(situation.threadId));
      assert.deepEqual(said, []);
    });
  }
});

describe('32-bit code of a 64-bit program', { timeout: patience(60_000) }, () => {
  for (const what of ['code32', 'local', 'based']) {
    test(`${what}: makes a 64-bit call, and goes on in its own segment`, async () => {
      await using situation = await Situation.start(what);
      for (let times = 0; times < 20; times++) {
        assert.deepEqual(
          stopped(situation.threadId, (calls) => [ask(calls), ask(calls)]),
          [0n, 0n],
        );
      }
      assert.equal(await situation.end(), UNCHANGED);
      assert.deepEqual(said, []);
    });
  }
});

describe('a process that ends', { timeout: patience(120_000) }, () => {
  test('at a random moment: nobody waits for it', async () => {
    for (let times = 0; times < 60; times++) {
      await using situation = await Situation.start('spin');
      const { threadId } = situation;
      // Somebody else kills it while calls are made.
      const delay = (times * 7) % 40;
      const killer = new Running(['sh', '-c', `sleep 0.0${String(delay).padStart(2, '0')}; kill -KILL ${threadId}`]);
      const until = performance.now() + patience(20_000);
      let made = 0;
      while (!hasEnded(threadId) && performance.now() < until) {
        if (seize(threadId, PTRACE_STOP.PTRACE_O_TRACESYSGOOD) !== 0) continue;
        ptrace('PTRACE_INTERRUPT', threadId);
        const passage = new Passage(threadId);
        if (passage.arrive() === 'stopped') {
          using calls = InjectedCalls.begin(threadId, { passage });
          for (let call = 0; call < 50; call++) if (calls !== undefined && ask(calls) === 0n) made++;
        }
        letGo(threadId);
      }
      assert.ok(hasEnded(threadId), `made ${made}`);
      await killer.ended;
      assert.equal((await situation.running.ended).signal, 'SIGKILL');
      assert.deepEqual(said, []);
    }
  });

  test('by the execution of a program in another thread: nobody waits for it, and the program runs', async () => {
    for (let times = 0; times < 30; times++) {
      await using situation = await Situation.start('executes');
      const { threadId } = situation;
      const until = performance.now() + 30;
      situation.tell();
      while (performance.now() < until) {
        if (seize(threadId, PTRACE_STOP.PTRACE_O_TRACESYSGOOD) !== 0) break;
        ptrace('PTRACE_INTERRUPT', threadId);
        const passage = new Passage(threadId);
        if (passage.arrive() === 'stopped') {
          using calls = InjectedCalls.begin(threadId, { passage });
          for (let call = 0; call < 20; call++) if (calls !== undefined) ask(calls);
        }
        letGo(threadId);
        await sleep(0);
      }
      assert.deepEqual(await situation.running.ended, { status: 0, signal: null });
      assert.deepEqual(said, []);
    }
  });
});

test('the program of this test is what it is said to be', () => {
  assert.equal(spawnSync(program, ['nothing']).status, 95);
});
