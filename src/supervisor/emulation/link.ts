/**
 * The receiving thread's way to the tracing one, which is started when it is first needed: by the main thread, which is
 * told when it fails.
 *
 * @module
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { ringBell } from '../../linux/bell.js';
import type { ThreadBehindCall } from '../../linux/ptrace.js';
import { PendingPlaces } from './pending.js';
import { stopTraced, type ThreadOrder } from './remote_thread.js';
import type { EmulationRequest } from './request.js';
import { ask, awaitReply, type EmulationShared, isLost, isTracing } from './shared.js';
import type { TraceOrder } from './start_trace.js';
import type { TraceData } from './trace.js';

/** All that the tracing thread works with but for the way to it. */
export type LinkSettings = Omit<TraceData, 'requests'>;

/** See the module. */
export class EmulationLink {
  readonly #settings: LinkSettings;
  readonly #start: (order: TraceOrder) => void;
  readonly #deny: (request: EmulationRequest) => void;
  readonly #places: PendingPlaces;
  #port: MessagePort | undefined;

  /**
   * @param start - has the main thread start the tracing one
   * @param deny - answers a request that there is nobody for
   */
  constructor(settings: LinkSettings, start: (order: TraceOrder) => void, deny: (request: EmulationRequest) => void) {
    this.#settings = settings;
    this.#start = start;
    this.#deny = deny;
    this.#places = new PendingPlaces(settings.pending);
  }

  get shared(): EmulationShared {
    return this.#settings.shared;
  }

  /** Whether the tracing thread was started. */
  get isStarted(): boolean {
    return this.#port !== undefined;
  }

  /** Hands a request over; it is answered there. */
  hand(asked: EmulationRequest): void {
    this.#port ??= this.#startTracer();
    // One that waits before its first instruction, in a call that is not its own, is ended by the main thread.
    const place = asked.kind === 'parked' ? undefined : this.#places.take(asked.notification);
    if (place === undefined && asked.kind !== 'parked') {
      this.#deny(asked);
      return;
    }
    const request = { ...asked, place };
    this.#port.postMessage(request);
    ask(this.shared, ringBell);
    // If it has failed before this one had its place, nobody has denied it.
    if (isLost(this.shared) && asked.kind !== 'parked') this.#deny(asked);
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
    if (!awaitReply(this.shared)) return undefined;
    const reply = receiveMessageOnPort(port) as { readonly message: bigint | undefined } | undefined;
    return reply?.message;
  }

  #startTracer(): MessagePort {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.unref();
    const data: TraceData = { ...this.#settings, requests: theirs };
    this.#start({ data, transferred: [theirs, this.#settings.changes] });
    return ours;
  }
}
