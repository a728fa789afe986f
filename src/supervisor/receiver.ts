/**
 * The receiving thread, from outside: started before there is anything to receive from, for starting takes long, and told
 * later what it works with. Nothing is imported here that takes time to load.
 *
 * @module
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { createPending } from './emulation/pending.js';
import { createShared, type EmulationShared } from './emulation/shared.js';
import { hanging, watchReceiver } from './emulation/signs.js';
import type { TraceOrder } from './emulation/start_trace.js';
import { standardErrorMemory } from './output_memory.js';
import type { ReceiverData, ReceiverSettings } from './receive.js';
import { createRendezvous, type Rendezvous } from './rendezvous.js';

/** A receiving thread that was started. */
export interface Receiver {
  /** Where it waits for the listener. */
  readonly rendezvous: Rendezvous;
  /** Tells it what it works with; before it is offered a listener. */
  readonly tell: (settings: ReceiverSettings) => void;
  /** Settles when it has ended; rejects where it failed. */
  readonly served: Promise<void>;
  /** What is known of what is traced, and where changes of children are told that are seen there. */
  readonly shared: EmulationShared;
  readonly changes: MessagePort;
  /** Settles when the thread that traces has failed. */
  readonly traceLost: Promise<void>;
}

/** Starts the thread that receives. It cannot be started in a folder that is gone. */
export function startReceiver(): Receiver {
  const rendezvous = createRendezvous();
  const { port1: ours, port2: theirs } = new MessageChannel();
  ours.unref();
  const { port1: changes, port2: theirChanges } = new MessageChannel();
  changes.unref();
  const shared = createShared();
  // Before any thread is started, so that all have the same.
  standardErrorMemory();
  const data: ReceiverData = { rendezvous, settings: theirs, shared, pending: createPending(), changes: theirChanges };
  const worker = new Worker(new URL('./receive.cjs', import.meta.url), {
    workerData: data,
    transferList: [theirs, theirChanges],
    trackUnmanagedFds: false,
    // Else Node.js joins its streams to ours, and makes the pipes that the program shares with us non-blocking.
    stdout: true,
    stderr: true,
  });
  const served = new Promise<void>((resolve, reject) => {
    const forget = watchReceiver(shared, () => reject(new Error(hanging('receive'))));
    worker.on('error', reject);
    worker.on('exit', () => {
      forget();
      resolve();
    });
  });
  const traceLost = new Promise<void>((resolve) => {
    worker.on('message', async (order: TraceOrder) => {
      // Only now: it needs the kernel's interface, which is not to be waited for before the thread is started.
      const { startTrace } = await import('./emulation/start_trace.js');
      startTrace(order, resolve);
    });
  });
  // Whoever waits for it is told; that nobody does yet is no failure of its own.
  served.catch(() => undefined);
  return { rendezvous, tell: (settings) => ours.postMessage(settings), served, shared, changes, traceLost };
}
