/**
 * Starting a program under supervision: the filter, the thread that answers, the program.
 *
 * @module
 */
import type { MessagePort } from 'node:worker_threads';
import { errnoName } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import { FilteredThread, type InstalledFilter, type SpawnRequest } from '../linux/filtered_thread.js';
import { Listener, notificationSizes, withoutNotifications } from '../linux/listener.js';
import { openDescriptors } from '../linux/proc.js';
import { closeToOthers, openToOthers, pageSize, setResourceLimit } from '../linux/process.js';
import { kill, signalNumbers } from '../linux/signal.js';
import { compileFilter } from '../policy/compile.js';
import { allows, emulates, looksAtPrograms, type Policy, policyText } from '../policy/kinds.js';
import type { RuleSet } from '../policy/rule.js';
import { type Grounds, withoutExecutions, withoutTracing } from '../policy/strict.js';
import { executionRules, policyRules } from '../policy/wx.js';
import { findGrounds, NO_CORES } from './confine/grounds.js';
import { cannotConfine, cannotStart, type Missing } from './confine/missing.js';
import type { HandedPosition } from './confine/positions.js';
import type { Prepared } from './confine/start.js';
import { type EmulationShared, leaveRegisters, untilTakenOver } from './emulation/shared.js';
import { reportImage } from './executions.js';
import { unlooked, untraceable } from './forbidden.js';
import { type LogTarget, openLog } from './log.js';
import { missingMeans, missingOfListener } from './means.js';
import { serviceRules } from './notified_calls.js';
import { programAskingForMore, programMayAskForExecutableStack } from './program_file.js';
import type { Receiver } from './receiver.js';
import { ended, executed, failedReceiver, failedStart } from './receiver_failure.js';
import { cancel, offerListener, setHeld, untilReceiverWaits } from './rendezvous.js';
import { say } from './standard_error.js';
import { windowAbove, windowFor } from './window.js';

/** What a supervised program is started with. */
export interface StartRequest extends SpawnRequest {
  readonly policy: Policy;
  readonly log: LogTarget | undefined;
  /** The soft RLIMIT_NOFILE that the program gets; Node.js has raised ours. */
  readonly openFileLimit: bigint;
  /** Trees that may be executed from, beside the system's, where files are judged. */
  readonly executable: readonly Uint8Array[];
  /** The path of the policy's file, where it has one, links resolved, a character for each byte. */
  readonly policyFile: string | undefined;
  /** Whether to start with less than the policy asks for, where not all of it can be had. */
  readonly bestEffort: boolean;
  /** Descriptors that the program inherits. */
  readonly inheritedDescriptors: readonly number[];
  /**
   * Is called before the program runs. Until then a signal that ends this process ends the start with it, at whatever point:
   * nothing of it is left.
   */
  readonly beforeProgram: () => void;
}

/** A program that runs under supervision. */
export interface Supervised {
  /** Its process id. */
  readonly processId: number;
  readonly listener: Listener;
  /** Settles when no call will be answered any more: the last task under the filter is gone, or the receiver failed. */
  readonly served: Promise<void>;
  /** What is known of what is traced, and where changes of children are told that are seen there. */
  readonly shared: EmulationShared;
  readonly changes: MessagePort;
  /** Settles when the thread that traces has failed: what it traced is ended. */
  readonly traceLost: Promise<void>;
  /** Files that the program has its own positions in; to be handed back when it stops or ends. */
  readonly positions: readonly HandedPosition[];
  /** Whether no signal of the program's leaves the run. */
  readonly signalsStay: boolean;
  /** What may be wrong where the program ends as the dynamic loader does that finds no library. */
  readonly loaderHint?: string | undefined;
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
  if (typeof sizes === 'number') throw withoutNotifications(sizes);
  const { policy, log } = request;
  const own = openDescriptors('self').filter((descriptor) => !request.inheritedDescriptors.includes(descriptor));
  const window = windowAbove(windowFor(request.openFileLimit), Math.max(...own));
  const { rendezvous, served, shared, changes, traceLost } = receiver;
  const confined = !allows(policy, 'execfile');
  const asksForStack = emulates(policy) && !confined && programMayAskForExecutableStack(request.program);
  const service = serviceRules(policy, window);
  const isLooking = asksForStack || looksAtPrograms(policy);
  const grounds = confined ? findGrounds() : undefined;
  const rules = policyRules(policy, isLooking ? [...executionRules, ...service] : service, grounds);
  const settings = { sizes, policy, window, pageSize: pageSize(), log, inspects: confined };
  /** Has the receiver take a listener; settles when it does. */
  const handOver: HandOver = async (installed, { memoryFolder, looksByName = false } = {}) => {
    const listener = new Listener(installed.listener, sizes);
    demand(request, missingOfListener(listener));
    listener.wakeSynchronously();
    receiver.tell({ ...settings, memoryFolder, looksByName });
    await Promise.race([offerListener(rendezvous, installed), ended(served)]);
    return listener;
  };
  try {
    // A process that is arranged shows by itself what can be done to it.
    if (!confined) demand(request, missingMeans());
    // A process is arranged in the folder that it will be in, which may be gone: Node.js starts no thread there.
    if (confined && request.folder !== undefined) {
      await Promise.race([untilReceiverWaits(rendezvous), ended(served)]);
    }
    const started = grounds
      ? await startConfined(request, rules, grounds, receiver, handOver)
      : await startFiltered(request, compileFilter(rules), { isOpen: asksForStack, isLooking }, served, handOver);
    if (typeof started === 'number') {
      await failedReceiver(started, served);
      return started;
    }
    const { processId } = started;
    openLog(log).write({
      event: 'started',
      processId,
      policy: policyText(policy),
      window: `${window.from} to ${window.below - 1}`,
    });
    return { ...started, served, shared, changes, traceLost };
  } catch (error) {
    cancel(rendezvous);
    throw error;
  }
}

/** Goes on where nothing is missing, or the run is to start all the same: then it is told what is open. */
function demand({ bestEffort, policy, log: target }: StartRequest, missing: readonly Missing[]): void {
  if (missing.length === 0) return;
  if (!bestEffort) throw cannotStart(policy.level, missing);
  const log = openLog(target);
  for (const one of missing) {
    if (log.enabled) log.write({ event: 'missing', ...one });
    say(`best effort: ${one.what}; open without it: ${one.open}`);
  }
}

/** What the receiver is told that shows only when a filter is installed. */
interface Found {
  readonly memoryFolder?: number | undefined;
  readonly looksByName?: boolean;
}
type HandOver = (installed: InstalledFilter, found?: Found) => Promise<Listener>;
type Started = Omit<Supervised, 'served' | 'shared' | 'changes' | 'traceLost'>;

/** Starts a program from a thread under the filter. */
async function startFiltered(
  request: StartRequest,
  filter: Uint8Array,
  { isOpen, isLooking }: { readonly isOpen: boolean; readonly isLooking: boolean },
  served: Promise<void>,
  handOver: HandOver,
): Promise<Started | number> {
  using thread = await FilteredThread.start();
  const installed = await thread.install(filter);
  if (isLooking && !installed.waitsKillable) {
    throw new TrampfdError(
      'EINVAL',
      'programs cannot be looked at before they run, as this kernel does not keep a call that waits for an answer ' +
        '(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), and the program may ask for an executable stack: build it ' +
        'with -z noexecstack, or start it with --no-emulation, under which it keeps that stack',
    );
  }
  const listener = await handOver(installed);
  // Until it executes its program, the process has our memory, which nobody may look into: an ordinary user could neither
  // trace it nor read which file it executes, and a program that asks for an executable stack would have one.
  if (isOpen) openToOthers();
  let processId: number;
  try {
    request.beforeProgram();
    processId = await executed(thread.spawn(request, listener.descriptor), served);
  } finally {
    if (isOpen) closeToOthers();
  }
  return processId < 0 ? processId : { processId, listener, positions: [], signalsStay: false };
}

/** Starts a program in a process that was arranged for it. */
async function startConfined(
  request: StartRequest,
  rules: RuleSet,
  grounds: Grounds,
  { rendezvous, shared, served }: Receiver,
  handOver: HandOver,
): Promise<Started | number> {
  const log = openLog(request.log);
  // We leave no core anyway, and what is started has our limits; later the filter keeps it from changing this one.
  const limited = grounds.limitsCores ? setResourceLimit('RLIMIT_CORE', NO_CORES) : 0;
  if (limited < 0) {
    const name = errnoName(-limited);
    throw new TrampfdError(
      name,
      `the program cannot be kept from leaving cores (setrlimit(2): ${name}); a sandbox forbids it`,
    );
  }
  let prepared: Prepared;
  try {
    const logDescriptor = request.log?.form === 'json' ? request.log.descriptor : undefined;
    const confined = { ...request, logDescriptor };
    // A third of what the command consists of, which no other policy loads.
    const { prepare } = await import('./confine/start.js');
    prepared = prepare(confined, {
      looking: compileFilter(rules),
      permitting: compileFilter(withoutExecutions(rules)),
    });
  } catch (error) {
    // Without tracing nothing can be arranged; the filter alone can be had.
    if (!(error instanceof TrampfdError) || error.code !== 'ERR_TRAMPFD_HELD') throw error;
    const missing = [untraceable(error)];
    if (!request.bestEffort) throw cannotConfine(missing);
    demand(request, missing);
    const asking = programAskingForMore(request.program, request.policy);
    if (asking !== undefined) throw unlooked(asking);
    const untraced = { isOpen: true, isLooking: false };
    const byName: HandOver = (installed) => handOver(installed, { looksByName: true });
    return startFiltered(request, compileFilter(withoutTracing(rules)), untraced, served, byName);
  }
  const { held, installed, memoryFolder, positions, looksBecause, missing, signalsStay } = prepared.arranged;
  demand(request, missing);
  for (const note of prepared.notes) {
    if (log.enabled) log.write({ event: 'note', reason: note });
    say(note);
  }
  if (looksBecause !== undefined && log.enabled) log.write({ event: 'looking', reason: looksBecause });
  setHeld(rendezvous, held.processId);
  const listener = await handOver(installed, { memoryFolder });
  const image = await Promise.resolve(reportImage(log))
    .then(prepared.start)
    .catch((error) => failedStart(error, served));
  const { result: processId, parked } = image;
  // It stands before its first instruction, and would have ended with this process.
  request.beforeProgram();
  if (parked !== undefined) {
    leaveRegisters(shared, parked);
    held.release();
    if (!(await untilTakenOver(shared))) {
      kill(processId, signalNumbers['SIGKILL'] ?? 9);
      throw new TrampfdError('ERR_TRAMPFD_HELD', 'the program cannot be traced, and its trampolines not be emulated');
    }
  }
  // From here on the receiver looks at what is executed. The program has not run an instruction yet.
  setHeld(rendezvous, 0);
  if (processId < 0) return processId;
  if (parked === undefined) held.release();
  return { processId, listener, positions, signalsStay, loaderHint: prepared.loaderHint };
}
