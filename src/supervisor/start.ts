/**
 * Starting a program under supervision: the filter, the program, and the thread that answers its calls.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { TrampfdError } from '../error.js';
import { createEvent, signalEvent } from '../linux/descriptor.js';
import { FilteredThread, type SpawnRequest } from '../linux/filtered_thread.js';
import { Listener, notificationSizes } from '../linux/listener.js';
import { pageSize, resourceLimit, setResourceLimit } from '../linux/process.js';
import { compileFilter } from '../policy/compile.js';
import { type PolicyName, policyRules } from '../policy/wx.js';
import { serviceRules } from './answer.js';
import { type LogTarget, openLog } from './log.js';
import type { ReceiverData } from './receive.js';
import { type Window, windowFor } from './window.js';

/** What a supervised program is started with. */
export interface StartRequest extends SpawnRequest {
  readonly policy: PolicyName;
  readonly log: LogTarget | undefined;
  /** The soft RLIMIT_NOFILE that the program gets; Node.js has raised ours. */
  readonly openFileLimit: bigint;
}

/** How long a thread of ours may take to end, in milliseconds, before others are taken to use the filter still. */
const LAST_USER_TIMEOUT = 5;

/** A program that runs under supervision. */
export interface Supervised {
  /** Its process id. */
  readonly processId: number;
  readonly listener: Listener;
  readonly window: Window;
  /** Takes this process out of the filter's users, and says whether there are no others. */
  readonly leave: () => Promise<boolean>;
}

/**
 * Waits on the filtered thread for the first notification, and starts the thread that answers then. Most programs never
 * make one: they are spared the receiver's start.
 */
function receiveFromFirstCall(
  thread: FilteredThread,
  listener: Listener,
  data: ReceiverData,
  onFailure: (error: Error) => void,
): () => Promise<boolean> {
  const event = createEvent();
  let leaving = false;
  const waited = thread.waitForInput([listener.descriptor, event]).then(() => {
    thread[Symbol.dispose]();
    if (leaving && listener.abandoned(LAST_USER_TIMEOUT)) return;
    const receiver = new Worker(new URL('./receive.cjs', import.meta.url), {
      workerData: data,
      trackUnmanagedFds: false,
    });
    receiver.on('error', onFailure);
  });
  return async () => {
    leaving = true;
    signalEvent(event);
    await waited;
    return listener.abandoned();
  };
}

/**
 * Starts a program under supervision.
 *
 * @param onReceiverFailure - called when the thread that answers has died; every notified call fails from then on
 * @returns the running program, or the negated error number of its execve(2)
 * @throws TrampfdError EBUSY, EINVAL and the like where the kernel does not take the filter; the message says why
 */
export async function start(
  request: StartRequest,
  onReceiverFailure: (error: Error) => void,
): Promise<Supervised | number> {
  const sizes = notificationSizes();
  if (typeof sizes === 'number') {
    throw new TrampfdError('EINVAL', "this kernel has no seccomp user notification: 'trampfd doctor' says what it has");
  }
  const window = windowFor(request.openFileLimit);
  const filter = compileFilter(policyRules(request.policy, serviceRules(window)));

  const thread = await FilteredThread.start();
  const { listener: descriptor } = await thread.install(filter);
  const listener = new Listener(descriptor, sizes);

  const limit = resourceLimit('RLIMIT_NOFILE');
  setResourceLimit('RLIMIT_NOFILE', { ...limit, soft: request.openFileLimit });
  const processId = await thread.spawn(request);
  setResourceLimit('RLIMIT_NOFILE', limit);
  if (processId < 0) return processId;

  const data: ReceiverData = {
    listener: descriptor,
    sizes,
    policy: request.policy,
    window,
    pageSize: pageSize(),
    log: request.log,
  };
  const leave = receiveFromFirstCall(thread, listener, data, (error) => {
    listener[Symbol.dispose]();
    onReceiverFailure(error);
  });
  openLog(request.log).write({
    event: 'started',
    processId,
    policy: request.policy,
    window: `${window.from} to ${window.below - 1}`,
  });
  return { processId, listener, window, leave };
}
