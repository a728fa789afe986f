/**
 * Starting a program under supervision: the filter, the thread that answers, the program.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { FilteredThread, type SpawnRequest } from '../linux/filtered_thread.js';
import { Listener, notificationSizes } from '../linux/listener.js';
import { pageSize, resourceLimit, setResourceLimit } from '../linux/process.js';
import { compileFilter } from '../policy/compile.js';
import { type PolicyName, policyRules } from '../policy/wx.js';
import { serviceRules } from './answer.js';
import { type LogTarget, openLog } from './log.js';
import type { Receiver } from './receiver.js';
import { cancel, offerListener } from './rendezvous.js';
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
 * @param receiver - the thread that is to answer; it was started, and told nothing
 * @returns the running program, or the negated error number of its execve(2)
 * @throws TrampfdError EBUSY, EINVAL and the like where the kernel does not take the filter; the message says why
 */
export async function start(request: StartRequest, receiver: Receiver): Promise<Supervised | number> {
  const sizes = notificationSizes();
  if (typeof sizes === 'number') {
    throw new TrampfdError('EINVAL', "this kernel has no seccomp user notification: 'trampfd doctor' says what it has");
  }
  const { policy, log } = request;
  const window = windowFor(request.openFileLimit);
  const { rendezvous, served } = receiver;
  receiver.tell({ sizes, policy, window, pageSize: pageSize(), log });
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
