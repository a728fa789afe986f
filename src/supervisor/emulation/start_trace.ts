/**
 * The main thread's side of the tracing thread: starts it when the receiving one asks for that, and notices its failure.
 * The receiving thread cannot, for it never comes to its event loop.
 *
 * @module
 */
import { type MessagePort, Worker } from 'node:worker_threads';
import { Listener } from '../../linux/listener.js';
import { messageOf, sayFailure } from '../failure.js';
import { openLog } from '../log.js';
import { waitingRequests } from './pending.js';
import { loseTracer } from './shared.js';
import type { TraceData } from './trace.js';

/** What is started, and what it must be given whole. */
export interface TraceOrder {
  readonly data: TraceData;
  readonly transferred: readonly MessagePort[];
}

/** Denies what waits for a tracing thread that has failed, and says so. What it traced is ended by the kernel. */
function deny({ shared, pending, listener, sizes, log: target }: TraceData, reason: string): void {
  loseTracer(shared);
  const own = new Listener(listener, sizes);
  for (const id of waitingRequests(pending)) {
    try {
      own.answerError(id, 'EACCES');
    } catch {
      // The listener was given up: it has its answer.
    }
  }
  const text =
    `the thread that traces has failed: ${reason}; programs that it traced are ended, and others are refused what they ` +
    'would have to be traced for: start the run again';
  sayFailure(text);
  if (target?.form === 'json') openLog(target).write({ event: 'failed', reason: text });
}

/**
 * Starts it.
 *
 * @param lost - is called when it has failed, once: what waited for it was denied
 */
export function startTrace({ data, transferred }: TraceOrder, lost: () => void): void {
  let isLost = false;
  const lose = (reason: string): void => {
    if (isLost) return;
    isLost = true;
    deny(data, reason);
    lost();
  };
  try {
    const worker = new Worker(new URL('./trace.cjs', import.meta.url), {
      workerData: data,
      transferList: [...transferred],
      trackUnmanagedFds: false,
      stdout: true,
      stderr: true,
    });
    worker.unref();
    worker.on('error', (error) => lose(messageOf(error)));
    worker.on('exit', () => lose('it has ended'));
  } catch (error) {
    lose(messageOf(error));
  }
}
