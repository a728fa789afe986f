/**
 * The limits of this process: raised as far as it may, for what a shell has set for a program would have the supervisor fail
 * in the middle of its work. The program gets its own. getrlimit(2).
 *
 * @module
 */
import type { RLIMIT } from '../abi/process.js';
import { type ResourceLimit, resourceLimit, setResourceLimit } from '../linux/process.js';

/** Limits of processes, by the kernel's names. */
export type Limits = ReadonlyMap<keyof typeof RLIMIT, ResourceLimit>;

const UNLIMITED = 2n ** 64n - 1n;

/**
 * What is raised, and how far where this process may (CAP_SYS_RESOURCE): the size of files, among them memory files;
 * memory; threads; timers; the time on a processor. The kernel has no unlimited number of descriptors, and 65536 are more than
 * a run needs.
 */
const RAISED: readonly (readonly [keyof typeof RLIMIT, bigint])[] = [
  ['RLIMIT_FSIZE', UNLIMITED],
  ['RLIMIT_DATA', UNLIMITED],
  ['RLIMIT_AS', UNLIMITED],
  ['RLIMIT_NPROC', UNLIMITED],
  ['RLIMIT_SIGPENDING', UNLIMITED],
  ['RLIMIT_CPU', UNLIMITED],
  ['RLIMIT_NOFILE', 65_536n],
];

/** Raises one limit of this process; what it was, where it is another now. */
function raise(name: keyof typeof RLIMIT, most: bigint): ResourceLimit | undefined {
  const before = resourceLimit(name);
  const { soft, hard } = before;
  if (soft >= most) return undefined;
  const highest = hard > most ? hard : most;
  const isRaised =
    setResourceLimit(name, { soft: highest, hard: highest }) === 0 ||
    (soft < hard && setResourceLimit(name, { soft: hard, hard }) === 0);
  return isRaised ? before : undefined;
}

/** Whether the size of files is limited still, which the kernel tells by a signal too (SIGXFSZ). */
export function areFilesLimited(): boolean {
  return resourceLimit('RLIMIT_FSIZE').soft < UNLIMITED;
}

/**
 * Behind the hard limit of its time on a processor this process would be killed without a word: it is told a second before, by
 * SIGXCPU. Whether there is such a limit.
 */
function limitTime(): boolean {
  const { hard } = resourceLimit('RLIMIT_CPU');
  if (hard >= UNLIMITED) return false;
  if (hard > 1n) setResourceLimit('RLIMIT_CPU', { soft: hard - 1n, hard });
  return true;
}

/**
 * Until when this process may have a processor, in seconds of its own time. The kernel sets that a second later whenever it sends
 * SIGXCPU for it (kernel/time/posix-cpu-timers.c): where it has changed, that signal was not sent by anybody else.
 */
export function softTime(): bigint {
  return resourceLimit('RLIMIT_CPU').soft;
}

/** How many seconds this process may have a processor, for people. */
export function ownTime(): string {
  return String(resourceLimit('RLIMIT_CPU').hard);
}

/**
 * Raises the limits of this process.
 *
 * @param openFileLimit - the soft RLIMIT_NOFILE that this process had before Node.js raised it
 * @returns the limits that a program is to be given instead
 */
export function raiseOwnLimits(openFileLimit: bigint): Limits {
  const files = resourceLimit('RLIMIT_NOFILE');
  const time = resourceLimit('RLIMIT_CPU');
  const raised = RAISED.flatMap(([name, most]) => {
    const before = raise(name, most);
    return before === undefined ? [] : [[name, before] as const];
  });
  const limits: Limits = new Map([...raised, ['RLIMIT_NOFILE', { ...files, soft: openFileLimit }]]);
  return limitTime() ? new Map([...limits, ['RLIMIT_CPU', time]]) : limits;
}
