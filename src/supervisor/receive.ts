/**
 * The thread that receives notifications and answers them, in one blocking loop: no turn of an event loop, and no garbage
 * of the main thread, stands between a call and its answer. It ends when the last task under the filter is gone.
 *
 * It blocks in the receiving ioctl itself, never in poll(2) before it: until a notification is received, a signal
 * interrupts the call that waits (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), and the way back through poll is long enough
 * for one. For the same reason it is there before the program is started.
 *
 * @module
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { writeByFile } from '../linux/handed_memory.js';
import { Listener, type Notification, type NotificationSizes } from '../linux/listener.js';
import { tellOfLost } from '../linux/lost_process.js';
import { askServed } from '../linux/served.js';
import { leaveSignalsToOthers } from '../linux/signal.js';
import { areStrays, lookForStrays } from '../linux/strays.js';
import { allows, emulates, type Policy } from '../policy/kinds.js';
import { answerNotification, send } from './answer.js';
import type { Answer, CallContext, Supervision } from './call.js';
import { EmulationLink } from './emulation/link.js';
import type { PendingRequests } from './emulation/pending.js';
import { areServed, type EmulationShared } from './emulation/shared.js';
import { rest, work } from './emulation/signs.js';
import type { TraceOrder } from './emulation/start_trace.js';
import { Executions, reportImage } from './executions.js';
import { tellTo } from './failure.js';
import { Incoming } from './incoming.js';
import { Judgements } from './judgements.js';
import { type LogTarget, openLog } from './log.js';
import { MountWatch } from './mount_watch.js';
import { serviceRules } from './notified_calls.js';
import { Parked } from './parked.js';
import { RefusedRuntimes } from './refused_runtimes.js';
import { heldProcess, type Rendezvous, takeListener } from './rendezvous.js';
import { Tables } from './tables.js';
import { NumberChooser, type Window } from './window.js';

/** What the thread is started with. */
export interface ReceiverData {
  readonly rendezvous: Rendezvous;
  /** Where {@link ReceiverSettings} arrive, before there is a listener. */
  readonly settings: MessagePort;
  /** What all threads know of what is traced, and where the main one hears of children. */
  readonly shared: EmulationShared;
  readonly pending: PendingRequests;
  readonly changes: MessagePort;
}

/** What the thread works with. */
export interface ReceiverSettings {
  readonly sizes: NotificationSizes;
  readonly policy: Policy;
  readonly window: Window;
  readonly pageSize: number;
  readonly log: LogTarget | undefined;
  /** Our descriptor of the folder that memory files are made in. */
  readonly memoryFolder: number | undefined;
  /** Whether programs are looked at before they run. */
  readonly inspects: boolean;
  /** Whether that is by the names of their files alone, as none can be traced. */
  readonly looksByName: boolean;
}

/**
 * How often stops are looked for at once, and then how many microseconds pass between two looks. The processor is not
 * yielded in between: beside a program that computes, that would be for milliseconds, where a sleeper is woken at once.
 */
const LOOKS_AT_ONCE = 20;
const BETWEEN_LOOKS = 40;
/** The same for threads that are let go when they have ended, which may take long. */
const BETWEEN_LOOKS_FOR_STRAYS = 5000;

/** What is under way, and has to be looked after; perhaps not so often. */
interface UnderWay {
  readonly areUnderWay: boolean;
  readonly look: () => void;
  readonly pause?: number;
}

/** Threads that have yet to be let go. */
const strays: UnderWay = {
  get areUnderWay() {
    return areStrays();
  },
  look: lookForStrays,
  pause: BETWEEN_LOOKS_FOR_STRAYS,
};

/** Looks after what is under way until nothing is, or a notification is there. */
function attend(
  all: readonly UnderWay[],
  areWaiting: () => boolean,
  listener: Listener,
  shared: EmulationShared,
): void {
  for (let looks = 0; ; looks++) {
    work(shared);
    for (const one of all) if (one.areUnderWay) one.look();
    const left = all.filter((one) => one.areUnderWay);
    if (left.length === 0 || areWaiting()) return;
    const pause = Math.min(...left.map((one) => one.pause ?? BETWEEN_LOOKS));
    if (listener.isReady(looks < LOOKS_AT_ONCE ? 0 : pause)) return;
  }
}

/** What the thread works with, made from what it was told. */
function supervisionOf(
  { rendezvous, shared, pending, changes }: ReceiverData,
  data: ReceiverSettings,
  listener: Listener,
  waitsKillable: boolean,
  main: MessagePort,
): { readonly supervision: Supervision; readonly underWay: readonly UnderWay[] } {
  const log = openLog(data.log);
  tellOfLost(tellTo(log));
  const answer = (context: CallContext, chosen: Answer): void =>
    send(context.supervision, context.notification, chosen);
  const executions = data.inspects ? new Executions(data.policy, reportImage(log), answer) : undefined;
  const judgements = new Judgements(answer, executions);
  const { sizes, policy, pageSize } = data;
  const traceSettings = {
    shared,
    pending,
    changes,
    listener: listener.descriptor,
    sizes,
    policy,
    pageSize,
    log: data.log,
  };
  const startTrace = (order: TraceOrder): void => main.postMessage(order, [...order.transferred]);
  const deny = ({ notification }: { readonly notification: Notification }): void => {
    listener.answerError(notification.id, 'EACCES');
  };
  const supervision: Supervision = {
    listener,
    waitsKillable,
    policy,
    serviceRules: serviceRules(policy, data.window),
    window: data.window,
    numbers: new NumberChooser(data.window),
    tables: new Tables(data.window),
    pageSize,
    log,
    executions,
    looksByName: data.looksByName,
    memoryFolder: data.memoryFolder,
    judgements,
    shared,
    emulation: emulates(policy) ? new EmulationLink(traceSettings, startTrace, deny) : undefined,
    refusedRuntimes: new RefusedRuntimes(policy, log),
    isHeld: (processId) => heldProcess(rendezvous) === processId,
  };
  return { supervision, underWay: [...(executions === undefined ? [] : [executions]), judgements, strays] };
}

function receive(data: ReceiverData, main: MessagePort): void {
  const { rendezvous, settings, shared } = data;
  askServed(() => areServed(shared));
  const offered = takeListener(rendezvous);
  const told = receiveMessageOnPort(settings) as { readonly message: ReceiverSettings } | undefined;
  settings.close();
  if (offered === undefined || told === undefined) return;
  if (allows(told.message.policy, 'execfile')) writeByFile();
  const listener = new Listener(offered.listener, told.message.sizes);
  try {
    // A signal that ends SECCOMP_IOCTL_NOTIF_ADDFD early leaves the target with 0 as the result of its call (seccomp.c sets
    // the notification to replied before it waits).
    leaveSignalsToOthers();
    const made = supervisionOf(data, told.message, listener, offered.waitsKillable, main);
    const mounts = new MountWatch(data.shared);
    const parked = new Parked(
      (notification) => answerNotification(made.supervision, notification),
      (id) => listener.isValid(id),
    );
    const underWay = [...made.underWay, parked];
    const incoming = new Incoming(listener);
    for (;;) {
      if (underWay.some((one) => one.areUnderWay)) attend(underWay, () => incoming.areWaiting, listener, shared);
      rest(shared);
      const notification = incoming.next();
      work(shared);
      if (notification !== undefined) {
        mounts.look();
        parked.answer(notification);
        incoming.answered();
      } else if (listener.abandoned()) break;
    }
  } catch (error) {
    // Whoever waits would wait for ever, and the main thread may be waiting for one of them.
    listener.abandon();
    throw error;
  }
}

if (parentPort !== null) receive(workerData as ReceiverData, parentPort);
