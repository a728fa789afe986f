/**
 * Calls of hostile processes have memory that a process delivers late or never, that is not mapped, or that comes and goes;
 * the processes are killed in the middle. An honest process beside them gets its answers, and the supervisor stays small.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from '../../src/linux/proc.js';
import { compileProgram } from '../programs/compile.js';
import { AttackedRun, complaintOf } from './attacked_run.js';
import { fractionOf, type Limit, type Sweep } from './sweep.js';

const program = compileProgram('hostile/served.c', { flags: ['-std=gnu11', '-pthread'] });

/** Hostile processes of one try. */
const PROCESSES = 50;
/** The longest that the honest process may wait, and that a run may take to end by a signal, in milliseconds. */
const LONGEST_WAIT = 2000;
const LONGEST_END = 1000;
/** What a supervisor may come to. */
const MOST_DESCRIPTORS = 200;
const MOST_MEGABYTES = 300;
const MOST_CHILDREN = 150;

function start(number: number, processes = PROCESSES): AttackedRun {
  // Each execution is looked at, so that the paths of all are read. Root alone has file servers and userfaultfd everywhere.
  const options = ['--policy', 'wx', '--every-program'];
  return new AttackedRun({ options, user: 'root', program: [program, String(processes), String(number + 1)] });
}

/** What is too large of a process, while it lives. */
function excessOf(processId: number): string | undefined {
  try {
    const [, kilobytes = '0'] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'latin1')) ?? [];
    const descriptors = readdirSync(`/proc/${processId}/fd`).length;
    const children = childrenOf(processId).length;
    const isSmall =
      descriptors <= MOST_DESCRIPTORS && Number(kilobytes) / 1024 <= MOST_MEGABYTES && children <= MOST_CHILDREN;
    return isSmall ? undefined : `the supervisor has ${descriptors} descriptors, ${kilobytes} kB, ${children} children`;
  } catch {
    return undefined;
  }
}

async function serve(number: number, limit: Limit): Promise<string | undefined> {
  const run = start(number);
  let excess: string | undefined;
  const timer = setInterval(() => {
    excess ??= excessOf(run.processId);
  }, 100);
  await run.until('hostile ');
  clearInterval(timer);
  const left = await run.untilGone();
  if (left !== undefined) return left;
  return complaintOf(run.output, limit(LONGEST_WAIT)) ?? excess;
}

/** Ends a run by SIGTERM while something is late. */
async function end(number: number, limit: Limit): Promise<string | undefined> {
  const run = start(number, 100_000);
  await run.until('busy\n');
  await new Promise((resolve) => setTimeout(resolve, fractionOf(number) * 1500));
  const sent = performance.now();
  run.signal('SIGTERM');
  const ended = run.ended.then(() => performance.now() - sent);
  const left = await run.untilGone();
  if (left !== undefined) return left;
  const took = await ended;
  return took > limit(LONGEST_END) ? `SIGTERM was obeyed after ${took.toFixed(0)} ms` : undefined;
}

export const sweeps: readonly Sweep[] = [
  { name: 'memory that others deliver, late or never', times: 200, short: 1, attempt: serve },
  { name: 'SIGTERM while memory is late', times: 200, short: 2, attempt: end },
];
