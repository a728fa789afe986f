/**
 * The thread that receives notifications and answers them, in one blocking loop: no turn of an event loop, and no garbage
 * of the main thread, stands between a call and its answer. It ends when the last task under the filter is gone.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Listener, type NotificationSizes } from '../linux/listener.js';
import type { PolicyName } from '../policy/wx.js';
import { answerNotification, type Supervision } from './answer.js';
import { type LogTarget, openLog } from './log.js';
import { Tables } from './tables.js';
import { NumberChooser, type Window } from './window.js';

/** What the thread is started with. */
export interface ReceiverData {
  readonly listener: number;
  readonly sizes: NotificationSizes;
  readonly policy: PolicyName;
  readonly window: Window;
  readonly pageSize: number;
  readonly log: LogTarget | undefined;
}

function receive(data: ReceiverData): void {
  const listener = new Listener(data.listener, data.sizes);
  listener.wakeSynchronously();
  const supervision: Supervision = {
    listener,
    policy: data.policy,
    window: data.window,
    numbers: new NumberChooser(data.window),
    tables: new Tables(data.window),
    pageSize: data.pageSize,
    log: openLog(data.log),
  };
  for (;;) {
    const notification = listener.receive();
    if (notification !== undefined) answerNotification(supervision, notification);
    else if (listener.abandoned()) break;
  }
}

if (parentPort !== null) receive(workerData as ReceiverData);
