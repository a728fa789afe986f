/**
 * Starting a program that may execute nothing that it can write: arranges a process, has the receiver answer its calls,
 * and has it become the program.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { errnoNumbers } from '../../abi/errno.js';
import { RLIMIT } from '../../abi/process.js';
import { SIGACTION } from '../../abi/signal.js';
import { TrampfdError } from '../../error.js';
import type { SpawnRequest } from '../../linux/filtered_thread.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { canScopeSignals } from '../../linux/landlock.js';
import { allocate, allocateString, allocateStrings, type NativeMemory } from '../../linux/libc.js';
import { ignoredSignals } from '../../linux/proc.js';
import { limitMemory } from '../../linux/process.js';
import { candidatePaths, findProgram } from '../../linux/search_path.js';
import { StoppedImage } from '../../linux/stopped_image.js';
import { emulates, type Policy } from '../../policy/kinds.js';
import { judgeImage, type ReportImage } from '../executions.js';
import { type Arranged, type ArrangeRequest, arrange } from './arrange.js';
import { type FolderTimes, namedExecutables, systemExecutables } from './executables.js';
import { guardedLog } from './guarded_log.js';
import { DOMAIN_REMEDY } from './missing.js';
import { outsideWays } from './outside_ways.js';
import { ownSurroundings, trustedTrees } from './trees.js';
import { seenMounts } from './world.js';

/** What a confined program is started with. */
export interface ConfinedRequest extends SpawnRequest {
  /** Trees that may be executed from, beside the system's. */
  readonly executable: readonly Uint8Array[];
  /** Descriptors that the program inherits. */
  readonly inheritedDescriptors: readonly number[];
  readonly bestEffort: boolean;
  readonly policy: Policy;
  /** Our descriptor of the run's log, where it has one. */
  readonly logDescriptor: number | undefined;
  /** The path of the policy's file, where it has one: what stands there is the next run's policy. */
  readonly policyFile: string | undefined;
}

/** All that the program's start needs, in memory that the held process shares. */
interface PreparedStart {
  readonly candidates: readonly NativeMemory[];
  readonly words: NativeMemory;
  readonly shell: NativeMemory;
  readonly shellWords: NativeMemory;
  readonly environment: NativeMemory;
  readonly limits: readonly HeldCall[];
  readonly defaultAction: NativeMemory;
}

function prepareStart(request: ConfinedRequest, file: Uint8Array | undefined): PreparedStart {
  return {
    candidates: candidatePaths(request.program).map((path) => allocateString(path)),
    words: allocateStrings(request.arguments),
    shell: allocateString('/bin/sh'),
    shellWords: allocateStrings(['/bin/sh', file ?? request.program, ...request.arguments.slice(1)]),
    environment: allocateStrings(request.environment),
    limits: [...request.limits].map(([name, limit]) => ({
      call: 'prlimit64',
      arguments: [0, RLIMIT[name], limitMemory(limit).address, 0],
    })),
    defaultAction: allocate(SIGACTION.size),
  };
}

/** Has the process become the program, as execvp(3) would; 0 or a negated error number. */
function execute(held: HeldProcess, start: PreparedStart, blockedSignals: bigint): number {
  let refused = 0;
  for (const path of start.candidates) {
    const result = held.execute(path.address, start.words.address, start.environment.address, blockedSignals);
    switch (-result) {
      case errnoNumbers.EACCES:
        refused = result;
        continue;
      case errnoNumbers.ENOENT:
      case errnoNumbers.ENOTDIR:
        continue;
      case errnoNumbers.ENOEXEC:
        // A script without a first line that names its interpreter.
        return held.execute(start.shell.address, start.shellWords.address, start.environment.address, blockedSignals);
      default:
        return result;
    }
  }
  return refused === 0 ? -errnoNumbers.ENOENT : refused;
}

/** Set-user-ID and set-group-ID (inode(7)). */
const SET_ID = 0o6000;

/** The sentence for a file that gives privilege to who executes it. */
function privilegeNotes(file: Uint8Array): readonly string[] {
  const isSetId = (statSync(Buffer.from(file)).mode & SET_ID) !== 0;
  return isSetId
    ? [`${Buffer.from(file)} is set-user-ID or set-group-ID; it runs without that privilege (no_new_privs)`]
    : [];
}

/** The sentence for signals that can leave the run, though the kernel could keep them in. */
function signalNotes({ signalsStay, missing }: Arranged): readonly string[] {
  if (signalsStay || missing.length > 0 || !canScopeSignals()) return [];
  return [
    `signals of this run can reach other processes of the user, its supervisor too, for no Landlock domain can be entered: ${DOMAIN_REMEDY}`,
  ];
}

/** What became of a start. */
export interface StartedImage {
  /** Its process id, or the negated error number of its execve(2). */
  readonly result: number;
  /** The registers of a program that is to be taken over by who traces it on: it waits in a call until then. */
  readonly parked: Uint8Array | undefined;
}

/** A number of trampfd(2) that is an address, which has the call notified. */
const NOTIFIED = 0x10000n;

/** A confined program, arranged and not started yet. */
export interface Prepared {
  readonly arranged: Arranged;
  /** For a program that does not lie in the system's trees, as its libraries may not. */
  readonly loaderHint: string | undefined;
  /** What a person should know beforehand: of files that are not executed, of a program that would have gained privilege. */
  readonly notes: readonly string[];
  /**
   * Starts it, when its calls are answered.
   *
   * @throws TrampfdError ENOEXEC for a program whose file asks for memory that is writable and executable
   */
  readonly start: (report: ReportImage) => StartedImage;
}

/**
 * Prepares a confined program.
 *
 * @param filters - as {@link arrange} takes them
 * @throws TrampfdError as {@link trustedTrees} and {@link arrange}
 */
export function prepare(request: ConfinedRequest, filters: ArrangeRequest['filters']): Prepared {
  const file = findProgram(request.program);
  const times: FolderTimes = new Map();
  const surroundings = ownSurroundings(seenMounts());
  const trees = trustedTrees(request.executable, file, surroundings);
  const prepared = prepareStart(request, file);
  const system = systemExecutables(trees.system, times);
  const log = guardedLog(request.logDescriptor, request.inheritedDescriptors);
  const guarded = request.policyFile === undefined ? log : [...log, request.policyFile];
  const ways = outsideWays(trees, surroundings, guarded, times);
  const arranged = arrange({
    filters,
    executables:
      system === undefined ? undefined : [...system, ...namedExecutables([...trees.named, ...trees.programFile])],
    trees: [...trees.system, ...trees.named],
    mounts: surroundings.mounts,
    ways,
    descriptors: request.inheritedDescriptors.filter((one) => !request.closedDescriptors.includes(one)),
    policy: request.policy,
    folder: request.folder,
    bestEffort: request.bestEffort,
  });
  const { held } = arranged;
  const loaderHint =
    file === undefined || trees.program === undefined
      ? undefined
      : `${Buffer.from(file)} does not lie in a system folder; if its libraries do not either, name theirs with --exec`;
  return {
    arranged,
    loaderHint,
    notes: [...ways.notes, ...signalNotes(arranged), ...(file === undefined ? [] : privilegeNotes(file))],
    start(report) {
      const ignored = ignoredSignals(held.processId) & request.defaultSignals;
      const toDefault = Array.from({ length: 64 }, (_, index) => index + 1).filter(
        (signal) => ((ignored >> BigInt(signal - 1)) & 1n) === 1n,
      );
      held.callAll([
        ...toDefault.map((signal) => ({
          call: 'rt_sigaction' as const,
          arguments: [signal, prepared.defaultAction.address, 0, 8],
        })),
        ...request.closedDescriptors.map((descriptor) => ({ call: 'close' as const, arguments: [descriptor] })),
        ...prepared.limits,
      ]);
      const result = execute(held, prepared, request.blockedSignals);
      if (result < 0) {
        held[Symbol.dispose]();
        return { result, parked: undefined };
      }
      const image = new StoppedImage(held.processId);
      image.hasExecuted();
      const finding = judgeImage(held.processId, held.processId, image, request.policy, (processId, found) => {
        if (found.kind === 'mended') report(processId, found);
      });
      if (finding.kind === 'refused') {
        held[Symbol.dispose]();
        throw new TrampfdError('ENOEXEC', `${finding.file}: ${finding.reason}`);
      }
      // Who arranges it cannot trace it on.
      const isTakenOver = finding.kind === 'mended' && emulates(request.policy);
      const parked = isTakenOver ? image.park('process_madvise', [NOTIFIED]) : undefined;
      if (isTakenOver && parked === undefined) {
        held[Symbol.dispose]();
        throw new TrampfdError('ESRCH', `${finding.file}: it was killed before it began`);
      }
      return { result: held.processId, parked };
    },
  };
}
