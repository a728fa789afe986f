/**
 * Processes of a run that take away, or turn into something else, what the supervisor makes them call the kernel by, while
 * it does: by unmapping, other code, signals, syscall user dispatch, filters, executions and kills. An honest process
 * beside them gets its answers, the supervisor stays small, and SIGTERM ends the run.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { compileProgram } from '../programs/compile.js';
import { AttackedRun, complaintOf, settingsOf } from './attacked_run.js';
import { fractionOf, type Limit, type Sweep } from './sweep.js';

const program = compileProgram('hostile/injected.c', { flags: ['-std=gnu11', '-pthread', '-mno-red-zone'] });

/** Requests of one try. */
const REQUESTS = 5000;
/** The longest that the honest process may wait, and that a run may take to end by a signal, in milliseconds. */
const LONGEST_WAIT = 2000;
const LONGEST_END = 1000;
/** What a supervisor may come to. */
const MOST_DESCRIPTORS = 300;
const MOST_MEGABYTES = 600;

/** A run of it: under wx, where its requests are granted. */
function start(number: number, requests: number): AttackedRun {
  const settings = settingsOf([[program, String(requests), String(number + 1)]]).filter(({ options }) =>
    options.includes('wx'),
  );
  const setting = settings[number % settings.length];
  if (setting === undefined) throw new Error('no setting');
  return new AttackedRun(setting);
}

/** What a process has open, and its memory in megabytes; nothing where it has ended. */
function sizeOf(processId: number): { readonly descriptors: number; readonly megabytes: number } | undefined {
  try {
    const [, kilobytes = '0'] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'latin1')) ?? [];
    return { descriptors: readdirSync(`/proc/${processId}/fd`).length, megabytes: Number(kilobytes) / 1024 };
  } catch {
    return undefined;
  }
}

async function makeRequests(number: number, limit: Limit): Promise<string | undefined> {
  const run = start(number, REQUESTS);
  let size = sizeOf(run.processId);
  const timer = setInterval(() => {
    size = sizeOf(run.processId) ?? size;
  }, 100);
  await run.until('hostile ');
  clearInterval(timer);
  const left = await run.untilGone();
  if (left !== undefined) return left;
  const complaint = complaintOf(run.output, limit(LONGEST_WAIT));
  if (complaint !== undefined) return complaint;
  if (size !== undefined && (size.descriptors > MOST_DESCRIPTORS || size.megabytes > MOST_MEGABYTES)) {
    return `the supervisor has ${size.descriptors} descriptors and ${size.megabytes.toFixed(0)} MB`;
  }
  return undefined;
}

async function terminate(number: number, limit: Limit): Promise<string | undefined> {
  const run = start(number, 1_000_000);
  await run.until('busy\n');
  await new Promise((resolve) => setTimeout(resolve, fractionOf(number) * 1500));
  const began = performance.now();
  run.signal('SIGTERM');
  const left = run.untilGone();
  const ended = await Promise.race([run.ended, left.then((text) => text ?? 'gone')]);
  const took = performance.now() - began;
  if (typeof ended === 'string') return ended;
  if (ended.signal !== 'SIGTERM') return `ended with ${ended.status ?? ended.signal}: ${run.output}`;
  if (took > limit(LONGEST_END)) return `SIGTERM was obeyed after ${took.toFixed(0)} ms`;
  return await left;
}

export const sweeps: readonly Sweep[] = [
  { name: 'threads cannot make the calls that they are made to make', times: 20, short: 2, attempt: makeRequests },
  { name: 'a run is terminated while threads cannot make calls', times: 200, short: 4, attempt: terminate },
];
