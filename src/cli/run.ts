/**
 * `trampfd run`: starts a program under supervision, stands in for it while it runs, and ends as it ends.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { TrampfdError } from '../error.js';
import { ringBell, signalStops } from '../linux/bell.js';
import { close, fcntl, open } from '../linux/descriptor.js';
import { isStopped } from '../linux/proc.js';
import { closeToOthers, duplicateOnto, exitNow } from '../linux/process.js';
import { kill, SIG_DFL, SIG_IGN, setDisposition, signalNumbers } from '../linux/signal.js';
import { type ChildChange, nextChildChange } from '../linux/wait.js';
import { allows, type Policy } from '../policy/kinds.js';
import { handBack, shareStandardError } from '../supervisor/confine/positions.js';
import { endRun, isLost, isTracedStopped, isTracing, lookForChildren, remind } from '../supervisor/emulation/shared.js';
import { messageOf, sayFailure } from '../supervisor/failure.js';
import { type LogTarget, openLog } from '../supervisor/log.js';
import { KEPT_OF_LOG, outputMemory } from '../supervisor/output_memory.js';
import { areFilesLimited, raiseOwnLimits } from '../supervisor/own_limits.js';
import { type Receiver, startReceiver } from '../supervisor/receiver.js';
import { say } from '../supervisor/standard_error.js';
import { type Supervised, start } from '../supervisor/start.js';
import { endOutputs, followOutputs } from './farewell.js';
import type { Inherited } from './launch.js';
import { openLogFile } from './log_file.js';
import { endWithTime } from './processor_time.js';
import type { RunOptions } from './run_arguments.js';
import { runPolicy } from './run_policy.js';
import { PassedSignals } from './signals.js';
import { STATUS_FAILED, STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND } from './status.js';
import { unstartedSentence } from './unstarted.js';

/** Ends this process as the program ended. */
function endAs(change: ChildChange): never {
  if (change.kind === 'exited') return exitNow(change.status);
  const signal = change.kind === 'killed' ? change.signal : 0;
  setDisposition(signal, SIG_DFL);
  kill(process.pid, signal);
  // The first process of a pid namespace is spared its own signals: the status that a shell would make of it.
  return exitNow(128 + signal);
}

/** Where the events of a run are written, if anywhere. */
function logTarget({ log }: RunOptions, { descriptors }: Inherited, policy: Policy): LogTarget | undefined {
  if (log === undefined) return policy.reports ? { form: 'text' } : undefined;
  return { form: 'json', descriptor: openLogFile(log, descriptors), memory: outputMemory(KEPT_OF_LOG) };
}

/** Has descriptors be the program's too; one that was closed meanwhile is left alone. */
function handOn(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) {
    const errno = -fcntl(descriptor, FCNTL.F_SETFD, 0);
    if (errno === 0 || errno === errnoNumbers.EBADF) continue;
    const name = errnoName(errno);
    throw new TrampfdError(name, `descriptor ${descriptor} cannot be handed on to the program (fcntl(2): ${name})`);
  }
}

/** Ends the run of a program that could not be started, as env(1) and timeout(1) do. */
function endUnstarted(sentence: string, errno: number, log: LogTarget | undefined, signals: PassedSignals): never {
  say(sentence);
  endOutputs(log, () => signals.stepAside());
  return exitNow(errno === errnoNumbers.ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/**
 * Leaves a folder that is gone: Node.js starts no thread in one.
 *
 * @returns a descriptor of it, for the program to start in, or undefined where the folder is there
 */
function leaveLostFolder(): number | undefined {
  try {
    process.cwd();
    return undefined;
  } catch {
    const folder = open('.', FCNTL.O_PATH | FCNTL.O_CLOEXEC);
    process.chdir('/');
    return folder < 0 ? undefined : folder;
  }
}

/** Lets go of what only the program should hold, so that whoever reads its pipe sees the end when the program closes it. */
function releaseInherited(inherited: Inherited): void {
  for (const descriptor of inherited.descriptors) if (descriptor > 2) close(descriptor);
  const nothing = openSync('/dev/null', 'r+');
  duplicateOnto(nothing, 0);
  duplicateOnto(nothing, 1);
  closeSync(nothing);
}

/** Signals that the kernel may send this process for what it does itself, so that they are not for the program. */
function ownSignals(): bigint {
  return areFilesLimited() ? 1n << BigInt((signalNumbers['SIGXFSZ'] ?? 25) - 1) : 0n;
}

/** How often it is looked whether processes need to be traced, in milliseconds. */
const PRUNING_INTERVAL = 10_000;

/** How long what the tracing thread has told last is on its way, in milliseconds, at most. */
const LAST_WORDS = 500;

/** How often the end of what a program left behind is looked for, in milliseconds. */
const LOOKING_INTERVAL = 20;

/** Waits for the program's end, and then for the end of all that it leaves behind under the filter. */
function attend(
  { processId, listener, served, positions, signalsStay, loaderHint, shared, changes, traceLost }: Supervised,
  signals: PassedSignals,
  log: LogTarget | undefined,
): void {
  let ended: ChildChange | undefined;
  let failed = false;
  const endIfOver = (): void => {
    // The first process of a pid namespace takes all others along, as the program itself would have.
    if (ended === undefined || !(failed || process.pid === 1 || listener.abandoned())) return;
    endRun(shared, ringBell);
    endOutputs(log, () => signals.stepAside());
    // What was traced has ended with its tracer.
    if (isLost(shared) && ended.kind === 'killed' && ended.signal === signalNumbers['SIGKILL']) exitNow(STATUS_FAILED);
    endAs(ended);
  };
  const isStillStopped = (): boolean => (isTracing(shared) ? isTracedStopped(shared) : isStopped(processId));
  /** Takes a change of a child; false where the program has ended. */
  const take = (change: ChildChange): boolean => {
    if (change.processId !== processId || change.kind === 'traced' || ended !== undefined) return true;
    if (change.kind === 'continued') {
      signals.continued();
      return true;
    }
    if (change.kind === 'stopped') {
      handBack(positions);
      signals.stopLike(processId, change.signal, isStillStopped, signalsStay);
      return true;
    }
    ended = change;
    if (loaderHint !== undefined && change.kind === 'exited' && change.status === STATUS_NOT_FOUND) {
      say(loaderHint);
    }
    handBack(positions);
    endIfOver();
    signals.end();
    setInterval(endIfOver, LOOKING_INTERVAL);
    return false;
  };
  const look = (): void =>
    lookForChildren(shared, () => {
      for (;;) {
        // The ends of others are told here too: of orphans to the first process of a pid namespace, and of processes that
        // were killed while a thread of ours traced them, whose parents are told only then.
        const change = nextChildChange(processId) ?? nextChildChange();
        if (change === undefined || !take(change)) return;
      }
    });
  // Where processes are traced, the thread that does is told of children, and tells here.
  changes.on('message', (change: ChildChange | undefined) => {
    if (change === undefined) look();
    else take(change);
  });
  // What is traced for nothing any more is let go of.
  setInterval(() => {
    if (isTracing(shared)) remind(shared, ringBell);
  }, PRUNING_INTERVAL);
  followOutputs(log);
  process.on('SIGCHLD', look);
  // Node.js sets the signal's flags anew: a program whose stack was to be executable is traced before this.
  if (isTracing(shared)) signalStops(false);
  signals.direct(processId, look);
  // A signal handler keeps no event loop alive.
  setInterval(() => undefined, 2 ** 30);
  const fail = (why: string): void => {
    const reason = `the supervisor failed, and calls that need it fail from now on: ${why}`;
    sayFailure(reason);
    if (log?.form === 'json') openLog(log).write({ event: 'failed', reason });
    // Its number stays taken, for the tracing thread knows it.
    listener.abandon();
    failed = true;
    endIfOver();
  };
  served.then(
    () => {
      if (!listener.abandoned()) fail('the thread that answers them has ended');
    },
    (error: unknown) => fail(messageOf(error)),
  );
  // With it the thread has ended that was told of children while it traced something.
  void traceLost.then(() => {
    signalStops(true);
    look();
    // It may have been told of the program's end, and not have told of it here: nobody will be told of that again.
    setTimeout(() => {
      if (kill(processId, 0) === -errnoNumbers.ESRCH)
        take({ kind: 'killed', processId, signal: signalNumbers['SIGKILL'] ?? 9 });
    }, LAST_WORDS);
  });
  look();
}

/**
 * Runs a program under supervision; this process ends with it.
 *
 * @param receiver - the thread that is to answer, where it was started already
 * @throws TrampfdError where the policy file cannot be read or understood, the log cannot be written, or the kernel does not take the filter: nothing was started then
 */
export async function run(options: RunOptions, inherited: Inherited, receiver?: Receiver): Promise<void> {
  if (process.arch !== 'x64') {
    throw new TrampfdError('EOPNOTSUPP', `run: programs of ${process.arch} cannot be supervised yet; use x86-64`);
  }
  // The program is of the same user, and may try to take the supervisor over. Its core file is its own; ours is not left.
  closeToOthers();
  const limits = raiseOwnLimits(inherited.openFileLimit);
  const confinement = runPolicy(options);
  const log = logTarget(options, inherited, confinement.policy);
  const [program] = options.program;
  if (program === undefined) throw new TrampfdError('EINVAL', 'run: no program was given');
  const standard = [0, 1, 2].filter((descriptor) => inherited.descriptors.includes(descriptor));
  handOn(inherited.descriptors);

  // What was ignored stays ignored by the program, and does not end this process: a run under nohup survives the hangup.
  for (const signal of Object.values(signalNumbers)) {
    if (((inherited.ignoredSignals >> BigInt(signal - 1)) & 1n) === 1n) setDisposition(signal, SIG_IGN);
  }
  // First of all who hear of that signal.
  endWithTime(() => endOutputs(log, () => signals.stepAside()));
  const signals = new PassedSignals(inherited.ignoredSignals, ownSignals());
  const everySignal = 2n ** 64n - 1n;
  const folder = leaveLostFolder();
  const request = {
    program,
    arguments: options.program,
    environment: inherited.environment,
    defaultSignals: everySignal & ~inherited.ignoredSignals,
    blockedSignals: inherited.blockedSignals,
    closedDescriptors: [0, 1, 2].filter((descriptor) => !standard.includes(descriptor)),
    folder,
    openFileLimit: inherited.openFileLimit,
    limits,
    inheritedDescriptors: inherited.descriptors,
    ...confinement,
    log,
    beforeProgram: () => signals.begin(),
  };
  const supervised = await start(request, receiver ?? startReceiver());
  if (typeof supervised === 'number') {
    // Its file is looked at, and somebody may serve that who does not answer.
    signals.stepAside();
    const confined = !allows(confinement.policy, 'execfile');
    endUnstarted(unstartedSentence(Buffer.from(program).toString(), -supervised, confined), -supervised, log, signals);
  }
  shareStandardError(supervised.positions);
  releaseInherited(inherited);
  attend(supervised, signals, log);
}
