/**
 * The main thread's side of the tracing thread: starts it when the receiving one asks for that, and notices its failure.
 * The receiving thread cannot, for it never comes to its event loop.
 *
 * @module
 */
import { type MessagePort, Worker } from 'node:worker_threads';
import { ringBell } from '../../linux/bell.js';
import { Listener } from '../../linux/listener.js';
import { procText, tracedBy } from '../../linux/proc.js';
import { kill, signalNumbers } from '../../linux/signal.js';
import { statusField } from '../../linux/status.js';
import { messageOf, sayFailure } from '../failure.js';
import { openLog } from '../log.js';
import { waitingRequests } from './pending.js';
import { loseTracer, remind, tracerThread } from './shared.js';
import { hanging, watchTracer } from './signs.js';
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

/** Where in the kernel a thread waits, as far as that is told (proc(5): wchan). */
function whereInKernel(threadId: number): string {
  const where = procText(`/proc/${threadId}/wchan`) ?? '';
  const isDeaf = statusField(threadId, 'State')?.startsWith('D') === true;
  if (!/^\w{2,}$/.test(where)) return '';
  return `, for it waits in the kernel (${where}${isDeaf ? ', and no signal ends that' : ''})`;
}

/**
 * Starts it.
 *
 * @param lost - is called when it has failed, once: what waited for it was denied
 */
export function startTrace({ data, transferred }: TraceOrder, lost: () => void): void {
  const { shared } = data;
  let isLost = false;
  let forget: () => void = () => undefined;
  const lose = (reason: string): void => {
    if (isLost) return;
    isLost = true;
    forget();
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
    const hangs = (): void => {
      const threadId = tracerThread(shared);
      const traced = tracedBy(threadId);
      lose(`${hanging('trace')}${whereInKernel(threadId)}`);
      // It does not end, so the kernel does not end what it traces. Should it go on, it is ended at once.
      for (const id of traced) kill(id, signalNumbers['SIGKILL'] ?? 9);
      void worker.terminate();
    };
    forget = watchTracer(shared, () => remind(shared, ringBell), hangs);
  } catch (error) {
    lose(messageOf(error));
  }
}
