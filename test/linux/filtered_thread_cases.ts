/**
 * One case of filtered_thread.test.ts and listener.test.ts, in a process of its own: the filtered thread is the thread
 * pool's, which a process has only once.
 *
 * usage: node filtered_thread_cases.js CASE PROGRAM; it prints one JSON value as its last line
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FCNTL } from '../../src/abi/fcntl.js';
import { AUDIT_ARCH } from '../../src/abi/seccomp.js';
import { TrampfdError } from '../../src/error.js';
import { fcntl, fileIdentityOf } from '../../src/linux/descriptor.js';
import { FilteredThread, type SpawnRequest } from '../../src/linux/filtered_thread.js';
import { Listener, type Notification, notificationSizes } from '../../src/linux/listener.js';
import { createMemoryFile } from '../../src/linux/memfd.js';
import { openDescriptors, processOf, threadsOf } from '../../src/linux/proc.js';
import { kill, signalNumbers } from '../../src/linux/signal.js';
import { type ChildChange, nextChildChange } from '../../src/linux/wait.js';
import { compileFilter } from '../../src/policy/compile.js';
import { allow, failWith, notify } from '../../src/policy/rule.js';

const [, , name = '', program = ''] = process.argv;

/** Notifies number 440 with first argument 77; refuses every mapping that is executable and writable. */
const FILTER = compileFilter({
  rules: [
    { entry: 'x86-64', call: 'process_madvise', when: [{ argument: 0, is: 'equal', value: 77 }], verdict: notify },
    { entry: 'i386', call: 'process_madvise', when: [{ argument: 0, is: 'equal', value: 77 }], verdict: notify },
    {
      entry: 'x86-64',
      call: 'mmap',
      when: [{ argument: 2, is: 'masked-equal', mask: 6, value: 6 }],
      verdict: failWith('EACCES'),
    },
  ],
  otherEntry: allow,
  x32: allow,
});

function request(command: readonly string[], changes: Partial<SpawnRequest> = {}): SpawnRequest {
  return {
    program: Buffer.from(command[0] ?? ''),
    arguments: command.map((word) => Buffer.from(word)),
    environment: [Buffer.from('ONLY=this'), Buffer.from([0x42, 0x3d, 0xff, 0xfe])],
    defaultSignals: 2n ** 64n - 1n,
    blockedSignals: 0n,
    closedDescriptors: [],
    limits: new Map(),
    ...changes,
  };
}

/** A filtered thread with its listener; the standard descriptors are passed on. */
async function begin(filter = FILTER): Promise<{ thread: FilteredThread; listener: Listener }> {
  for (const descriptor of [0, 1, 2]) fcntl(descriptor, FCNTL.F_SETFD, 0);
  const thread = await FilteredThread.start();
  const { listener: descriptor } = await thread.install(filter);
  const sizes = notificationSizes();
  if (typeof sizes === 'number') throw new Error(`no user notification: ${sizes}`);
  return { thread, listener: new Listener(descriptor, sizes) };
}

/** Starts the program that makes notified calls. */
async function beginWith(count: number): Promise<{ thread: FilteredThread; listener: Listener; processId: number }> {
  const { thread, listener } = await begin();
  const processId = await thread.spawn(request([program, String(count)]), listener.descriptor);
  if (processId <= 0) throw new Error(`spawn: ${processId}`);
  return { thread, listener, processId };
}

function received(listener: Listener): Notification {
  for (;;) {
    const notification = listener.receive();
    if (notification !== undefined) return notification;
  }
}

/** Waits for the end of a child. */
async function ended(processId: number): Promise<ChildChange> {
  for (;;) {
    const change = nextChildChange();
    if (change?.processId === processId && (change.kind === 'exited' || change.kind === 'killed')) return change;
    await sleep(1);
  }
}

/** Waits until something holds. */
async function until(condition: () => boolean): Promise<true> {
  while (!condition()) await sleep(1);
  return true;
}

/** What a program says that is started with some request. */
async function spawned(command: readonly string[], changes: Partial<SpawnRequest> = {}): Promise<unknown> {
  const { thread, listener } = await begin();
  const processId = await thread.spawn(request(command, changes), listener.descriptor);
  return processId < 0 ? processId : ended(processId);
}

/** What becomes of a start, where a call of it is notified and nobody answers, but the listener is closed. */
async function unanswered(call: 'rt_sigaction' | 'execve'): Promise<unknown> {
  const filter = compileFilter({
    rules: [{ entry: 'x86-64', call, when: [], verdict: notify }],
    otherEntry: allow,
    x32: allow,
  });
  const { thread, listener } = await begin(filter);
  const spawning = thread.spawn(request(['/bin/sh', '-c', 'exit 42']), listener.descriptor);
  await until(() => listener.isReady(0));
  listener[Symbol.dispose]();
  const result = await spawning;
  return result < 0 ? result : ended(result);
}

const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  async notification() {
    const { thread, listener, processId } = await beginWith(1);
    const notification = received(listener);
    listener.answerValue(notification.id, 0n);
    await ended(processId);
    return {
      same: notification.threadId === processId,
      architecture: notification.architecture === AUDIT_ARCH.AUDIT_ARCH_X86_64,
      number: notification.number,
      instruction: notification.instructionPointer > 0n,
      arguments: notification.arguments.map((value) => value.toString(16)),
      threads: threadsOf(process.pid).includes(thread.threadId),
    };
  },

  async i386() {
    const { listener, processId } = await beginWith(0);
    const notification = received(listener);
    listener.answerValue(notification.id, 7n);
    await ended(processId);
    return {
      architecture: notification.architecture === AUDIT_ARCH.AUDIT_ARCH_I386,
      number: notification.number,
      arguments: notification.arguments.slice(0, 5).map((value) => value.toString(16)),
    };
  },

  async values() {
    const { listener, processId } = await beginWith(4);
    for (const value of [0n, 123n, 2n ** 63n - 1n, 2n ** 47n]) listener.answerValue(received(listener).id, value);
    return ended(processId);
  },

  async errors() {
    const { listener, processId } = await beginWith(3);
    for (const errno of ['EACCES', 'EPERM', 'EOPNOTSUPP'] as const) listener.answerError(received(listener).id, errno);
    return ended(processId);
  },

  async continues() {
    const { listener, processId } = await beginWith(1);
    listener.letContinue(received(listener).id);
    return ended(processId);
  },

  async descriptors() {
    const { listener, processId } = await beginWith(3);
    const source = createMemoryFile('given', 4096);
    const identity = fileIdentityOf(source);
    const results: unknown[] = [];
    for (const closeOnExec of [true, false]) {
      const { id } = received(listener);
      results.push(listener.answerDescriptor(id, { source, number: closeOnExec ? 900 : 901, closeOnExec }));
      // Once it is answered there is nothing to be answered any more.
      results.push(listener.answerError(id, 'EACCES'));
    }
    const { id } = received(listener);
    const limit = 2 ** 30;
    results.push(listener.answerDescriptor(id, { source, number: limit, closeOnExec: true }));
    results.push(listener.isValid(id), listener.answerError(id, 'EMFILE'));
    closeSync(source);
    return { results, inode: typeof identity === 'number' ? '' : String(identity.inode), end: await ended(processId) };
  },

  async killed() {
    const { thread, listener, processId } = await beginWith(1);
    const { id, threadId } = received(listener);
    const valid = listener.isValid(id);
    kill(threadId, signalNumbers['SIGKILL'] ?? 0);
    await ended(processId);
    const source = createMemoryFile('given', 4096);
    const results = [
      listener.isValid(id),
      listener.isValid(id + 1n),
      listener.answerDescriptor(id, { source, number: 900, closeOnExec: true }),
      listener.answerValue(id, 1n),
      listener.answerError(id, 'EACCES'),
      listener.letContinue(id),
      processOf(threadId) ?? 'none',
    ];
    const alive = listener.abandoned();
    thread[Symbol.dispose]();
    return { valid, results, alive, abandoned: await until(() => listener.abandoned()) };
  },

  async killedBeforeReceive() {
    const { thread, listener, processId } = await beginWith(1);
    // The program waits in its call: that is what /proc says of it.
    await until(() => processOf(processId) !== undefined && openDescriptors(processId).length > 0);
    await sleep(50);
    kill(processId, signalNumbers['SIGKILL'] ?? 0);
    await ended(processId);
    thread[Symbol.dispose]();
    await until(() => listener.abandoned());
    return listener.receive() === undefined;
  },

  async abandoned() {
    const { thread, listener, processId } = await beginWith(1);
    const before = listener.abandoned();
    const { id } = received(listener);
    thread[Symbol.dispose]();
    thread[Symbol.dispose]();
    await until(() => !threadsOf(process.pid).includes(thread.threadId));
    const waiting = listener.abandoned();
    listener.answerValue(id, 1n);
    await ended(processId);
    return { before, waiting, after: await until(() => listener.abandoned()) };
  },

  async closed() {
    const { listener, processId } = await beginWith(2);
    received(listener);
    listener[Symbol.dispose]();
    listener[Symbol.dispose]();
    return ended(processId);
  },

  async twice() {
    const { thread } = await begin();
    try {
      await thread.install(FILTER);
    } catch (error) {
      if (error instanceof TrampfdError) return { code: error.code, syscall: error.syscall, message: error.message };
    }
    return 'no error';
  },

  async noProgram() {
    const thread = await FilteredThread.start();
    try {
      // It loads from beyond the structure.
      await thread.install(Uint8Array.from([0x20, 0, 0, 0, 64, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0xff, 0x7f]));
    } catch (error) {
      if (error instanceof TrampfdError) return { code: error.code, syscall: error.syscall };
    }
    return 'no error';
  },

  async installed() {
    const thread = await FilteredThread.start();
    const { listener, ...rest } = await thread.install(FILTER);
    return { ...rest, closesOnExec: fcntl(listener, FCNTL.F_GETFD, 0) === FCNTL.FD_CLOEXEC };
  },

  /** JavaScript becomes hot and asks for executable memory, under the filter that refuses it to the other thread. */
  async hot() {
    await begin();
    const work = (count: number): number => {
      let sum = 0;
      for (let index = 0; index < count; index++) sum = (sum * 31 + index) % 1_000_003;
      return sum;
    };
    let total = 0;
    for (let times = 0; times < 2000; times++) total += work(10_000);
    return total > 0;
  },

  unansweredAction: () => unanswered('rt_sigaction'),
  unansweredExecution: () => unanswered('execve'),
  nothing: () => spawned(['/no/such/program']),
  noName: () => spawned(['no-such-program-in-path']),
  folder: () => spawned(['/tmp']),
  script: () => spawned([program, 'one', 'two words']),
  environment: () => spawned(['/usr/bin/env', '-0']),
  status: () =>
    spawned(['/bin/grep', '-E', '^(SigBlk|SigIgn|Seccomp):', '/proc/self/status'], { blockedSignals: 1n << 9n }),
  closes: () => spawned(['/bin/sh', '-c', 'test ! -e /proc/$$/fd/0 && echo closed'], { closedDescriptors: [0] }),
  startsIn: () => spawned(['/bin/pwd', '-P'], { folder: openSync('/usr/include', 'r') }),
  limited: () =>
    spawned(['/bin/sh', '-c', 'ulimit -v; ulimit -Hv; ulimit -n; ulimit -f'], {
      limits: new Map([
        ['RLIMIT_AS', { soft: 2n ** 30n, hard: 2n ** 31n }],
        ['RLIMIT_NOFILE', { soft: 50n, hard: 60n }],
        ['RLIMIT_FSIZE', { soft: 0n, hard: 512n }],
      ] as const),
    }),
  exits: () => spawned(['/bin/sh', '-c', 'exit 42']),
  dies: () => spawned(['/bin/sh', '-c', 'kill -TERM $$']),
};

const result = await cases[name]?.();
// The program may have left its last line unfinished.
console.log(`\n${JSON.stringify(result)}`);
process.exit(0);
