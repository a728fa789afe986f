/**
 * Starting a program under supervision: the filter, the thread that answers, the program.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { TrampfdError } from '../error.js';
import { FilteredThread, type SpawnRequest } from '../linux/filtered_thread.js';
import { Listener, notificationSizes } from '../linux/listener.js';
import { pageSize, resourceLimit, setResourceLimit } from '../linux/process.js';
import { compileFilter } from '../policy/compile.js';
import { type PolicyName, policyRules } from '../policy/wx.js';
import { serviceRules } from './answer.js';
import { type LogTarget, openLog } from './log.js';
import type { ReceiverData } from './receive.js';
import { cancel, createRendezvous, offerListener } from './rendezvous.js';
import { windowFor } from './window.js';

/** What a supervised program is started with. */
export interface StartRequest extends SpawnRequest {
  readonly policy: PolicyName;
  readonly log: LogTarget | undefined;
  /** The soft RLIMIT_NOFILE that the program gets; Node.js has raised ours. */
  readonly openFileLimit: bigint;
}

/** A program that runs under supervision. */
export interface Supervised {
  /** Its process id. */
  readonly processId: number;
  readonly listener: Listener;
  /** Settles when no call will be answered any more: the last task under the filter is gone, or the receiver failed. */
  readonly served: Promise<void>;
}

/** Starts the thread that receives, and tells when it has ended. */
function startReceiver(data: ReceiverData): Promise<void> {
  const receiver = new Worker(new URL('./receive.cjs', import.meta.url), {
    workerData: data,
    trackUnmanagedFds: false,
    // Else Node.js joins its streams to ours, and makes the pipes that the program shares with us non-blocking.
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve, reject) => {
    receiver.on('error', reject);
    receiver.on('exit', () => resolve());
  });
}

/** Fails when the receiver has ended: before the program's start, that is no end but a failure. */
async function ended(served: Promise<void>): Promise<never> {
  await served;
  throw new TrampfdError(
    'ERR_TRAMPFD_RECEIVER',
    'the thread that answers calls has ended before the program was started',
  );
}

/**
 * Starts a program under supervision.
 *
 * @returns the running program, or the negated error number of its execve(2)
 * @throws TrampfdError EBUSY, EINVAL and the like where the kernel does not take the filter; the message says why
 */
export async function start(request: StartRequest): Promise<Supervised | number> {
  const sizes = notificationSizes();
  if (typeof sizes === 'number') {
    throw new TrampfdError('EINVAL', "this kernel has no seccomp user notification: 'trampfd doctor' says what it has");
  }
  const { policy, log } = request;
  const window = windowFor(request.openFileLimit);
  const rendezvous = createRendezvous();
  const served = startReceiver({ rendezvous, sizes, policy, window, pageSize: pageSize(), log });
  try {
    using thread = await FilteredThread.start();
    const installed = await thread.install(compileFilter(policyRules(policy, serviceRules(window))));
    const listener = new Listener(installed.listener, sizes);
    listener.wakeSynchronously();
    await Promise.race([offerListener(rendezvous, installed), ended(served)]);

    const limit = resourceLimit('RLIMIT_NOFILE');
    setResourceLimit('RLIMIT_NOFILE', { ...limit, soft: request.openFileLimit });
    const processId = await thread.spawn(request);
    setResourceLimit('RLIMIT_NOFILE', limit);
    if (processId < 0) return processId;

    openLog(log).write({ event: 'started', processId, policy, window: `${window.from} to ${window.below - 1}` });
    return { processId, listener, served };
  } catch (error) {
    cancel(rendezvous);
    throw error;
  }
}
