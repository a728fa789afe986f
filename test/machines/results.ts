/**
 * What guests tell, read: points of jobs, attempts of the matrix, and how each job ended.
 *
 * @module
 */
import type { Result } from '../policy/matrix/outcome.js';
import type { Column, User } from '../policy/matrix/table.js';

/** Something that a job looked at. */
export interface Point {
  readonly name: string;
  /** What is wrong; undefined where nothing is. */
  readonly fault: string | undefined;
}

/** An attempt of the matrix, with who made it under what. */
export interface Attempted extends Result {
  readonly user: User;
  readonly column: Column;
}

/** What came of one job. */
export interface JobResults {
  readonly points: Point[];
  readonly attempts: Attempted[];
  /** Its exit status; undefined where it never ended. */
  status: number | undefined;
  seconds: number;
}

/** What came of one boot. */
export interface GuestResults {
  /** As uname(1) has them; empty where the guest did not come so far. */
  release: string;
  version: string;
  readonly jobs: Map<string, JobResults>;
}

/** A line, as guest/report.ts and guest/init.sh write them. */
interface Line {
  readonly release?: string;
  readonly version?: string;
  readonly job?: string;
  readonly began?: number;
  readonly ended?: number;
  readonly status?: number;
  readonly point?: string;
  readonly fault?: string;
  readonly attempt?: Attempted;
}

/** What a line says; undefined where it was cut off. */
function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}

/** Reads what a guest wrote. A line that was cut off, by the guest's end, says nothing. */
export function readResults(text: string): GuestResults {
  const results: GuestResults = { release: '', version: '', jobs: new Map() };
  for (const written of text.split('\n')) {
    const line = parse(written.trim());
    if (line === undefined) continue;
    if (line.release !== undefined) results.release = line.release;
    if (line.version !== undefined) results.version = line.version;
    if (line.job === undefined) continue;
    const job = results.jobs.get(line.job) ?? { points: [], attempts: [], status: undefined, seconds: 0 };
    results.jobs.set(line.job, job);
    if (line.began !== undefined) job.seconds -= line.began;
    if (line.ended !== undefined) job.seconds += line.ended;
    if (line.status !== undefined) job.status = line.status;
    if (line.point !== undefined) job.points.push({ name: line.point, fault: line.fault });
    if (line.attempt !== undefined) job.attempts.push(line.attempt);
  }
  return results;
}

/** What timeout(1) exits with when it ended a job, by SIGTERM and by SIGKILL. */
const LATE: ReadonlySet<number> = new Set([124, 137]);

/**
 * What is wrong with a job, in sentences: something that it looked at, how it ended, or that it looked at nothing.
 *
 * @param results - undefined where the job was never begun
 */
export function faultsOf(results: JobResults | undefined): readonly string[] {
  if (results === undefined) return ['it was never begun'];
  const { points, attempts, status } = results;
  const faults = points.flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`]));
  if (status === undefined) faults.push('it never ended');
  else if (LATE.has(status)) faults.push('it took too long, and was ended');
  else if (status !== 0) faults.push(`it ended with status ${status}`);
  if (points.length + attempts.length === 0) faults.push('it looked at nothing');
  return faults;
}
