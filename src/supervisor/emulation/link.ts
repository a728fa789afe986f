/**
 * The receiving thread's way to the tracing one, which is started when it is first needed.
 *
 * @module
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ringBell } from '../../linux/bell.js';
import type { ThreadBehindCall } from '../../linux/ptrace.js';
import { stopTraced, type ThreadOrder } from './remote_thread.js';
import type { EmulationRequest } from './request.js';
import { ask, awaitReply, type EmulationShared, isTracing } from './shared.js';
import type { TraceData } from './trace.js';

/** All that the tracing thread works with but for the way to it. */
export type LinkSettings = Omit<TraceData, 'requests'>;

/** See the module. */
export class EmulationLink {
  readonly #settings: LinkSettings;
  #port: MessagePort | undefined;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  get shared(): EmulationShared {
    return this.#settings.shared;
  }

  /** Hands a request over; it is answered there. */
  hand(request: EmulationRequest): void {
    this.#port ??= this.#start();
    this.#port.postMessage(request);
    ask(this.shared, ringBell);
  }

  /**
   * A thread that is to stop behind its call, where the tracing thread traces it: no other can then have it stop.
   *
   * @returns undefined where it does not
   */
  stop(threadId: number): ThreadBehindCall | undefined {
    return isTracing(this.shared) ? stopTraced(threadId, (order) => this.#give(order)) : undefined;
  }

  #give(order: ThreadOrder): bigint | undefined {
    const port = this.#port;
    if (port === undefined) return undefined;
    port.postMessage(order);
    ask(this.shared, ringBell);
    awaitReply(this.shared);
    const reply = receiveMessageOnPort(port) as { readonly message: bigint | undefined } | undefined;
    return reply?.message;
  }

  /** Stays with the tracing thread, where there is one: a thread of Node.js ends those that it has started. */
  stay(): void {
    if (this.#port !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }

  #start(): MessagePort {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.unref();
    const data: TraceData = { ...this.#settings, requests: theirs };
    const worker = new Worker(new URL('./trace.cjs', import.meta.url), {
      workerData: data,
      transferList: [theirs, this.#settings.changes],
      trackUnmanagedFds: false,
      stdout: true,
      stderr: true,
    });
    worker.unref();
    return ours;
  }
}
