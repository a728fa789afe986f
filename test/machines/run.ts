/**
 * Boots Debian's kernels, and has guests do jobs: `npm run test:machines`.
 *
 * usage: node dist/test/machines/run.js [KERNEL]... [--job NAME]... [--rows N[,N]...] [--levels LEVEL[,LEVEL]...]
 *                                         [--quick] [--refresh] [--console]
 *
 * Without kernels, all are booted; with --quick, the jobs' short forms on two of them. --rows and --levels (bare, wx, strict)
 * are those of the matrix that are tried, where not all are. --refresh fetches the kernels anew; --console shows what guests
 * say. What they gave is kept in the cache; write.js writes it into docs/policy.md.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureMachinePackages } from '../packages.js';
import { matrixRows } from '../policy/matrix/rows.js';
import { root } from '../programs/compile.js';
import { type Booted, boot } from './boot.js';
import { cacheFolder } from './command.js';
import { bootOf, byBoot, type Job, QUICK_PATIENCE, readJobs } from './job.js';
import { kernelDifferences } from './kernel_table.js';
import { fetchKernel, type Kernel, kernels, type UnpackedKernel } from './kernels.js';
import { attemptFaults, keepAttempts, kernelResults } from './matrix_results.js';
import { faultsOf, type GuestResults, readResults } from './results.js';
import { GUEST_PROJECT, type RootImage, rootImage } from './root.js';

/** What is booted with --quick: what most people of Debian 12 run, and one that every run refuses. */
const QUICK = ['6.1', '5.10'];

/** What booting and powering off may take beside the jobs, in seconds. */
const BOOTING = 120;

/** The longest that a guest may take with --quick, in seconds, whatever its jobs may take: all of CI has its limit. */
const QUICK_LIMIT = 1200;

/** How many times slower than usual the tests' programs may be there. */
const SLOWNESS = 10;

/** What is asked for. */
interface Wanted {
  readonly kernels: readonly Kernel[];
  readonly jobs: readonly Job[];
  readonly isQuick: boolean;
  readonly isRefreshed: boolean;
  readonly isShown: boolean;
  /** Rows of the matrix, where not all are wanted. */
  readonly rows: string | undefined;
  readonly levels: string | undefined;
}

/** Reads the command line; a sentence where it is wrong. */
function read(words: readonly string[], jobs: readonly Job[]): Wanted | string {
  const [names, jobNames, options]: [string[], string[], Set<string>] = [[], [], new Set()];
  const matrix: { rows: string | undefined; levels: string | undefined } = { rows: undefined, levels: undefined };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--job') jobNames.push(words[++at] ?? '');
    else if (word === '--rows') matrix.rows = words[++at];
    else if (word === '--levels') matrix.levels = words[++at];
    else if (['--quick', '--refresh', '--console'].includes(word)) options.add(word);
    else if (kernels.some(({ name }) => name === word)) names.push(word);
    else return `there is no kernel '${word}', but ${kernels.map(({ name }) => name).join(', ')}`;
  }
  const unknown = jobNames.find((name) => !jobs.some((job) => job.name === name));
  if (unknown !== undefined) return `there is no job '${unknown}', but ${jobs.map(({ name }) => name).join(', ')}`;
  const isQuick = options.has('--quick');
  const wanted = names.length > 0 ? names : isQuick ? QUICK : kernels.map(({ name }) => name);
  return {
    kernels: wanted.flatMap((name) => kernels.filter((kernel) => kernel.name === name)),
    jobs: jobs.filter((job) =>
      jobNames.length === 0 ? !isQuick || job.quick !== undefined : jobNames.includes(job.name),
    ),
    isQuick,
    isRefreshed: options.has('--refresh'),
    isShown: options.has('--console'),
    ...matrix,
  };
}

/** A word as a shell reads it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The longest that a job may take, in seconds. */
function limitOf({ patience }: Job, isQuick: boolean): number {
  return isQuick ? Math.min(patience, QUICK_PATIENCE) : patience;
}

/** The lines of a boot's order. */
function orderOf(jobs: readonly Job[], { isQuick, rows, levels }: Wanted): string {
  const start = (name: string, patience: number, words: readonly string[]): string => {
    const [script = '', ...rest] = words;
    const path = join(GUEST_PROJECT, 'dist', 'test', 'machines', 'guest', `${script}.js`);
    return ['job', name, String(patience), 'node', path, ...rest].map(quoted).join(' ');
  };
  const settings = Object.entries(jobs[0]?.boot.settings ?? {}).map(
    ([path, value]) => `setting ${quoted(path)} ${quoted(value)}`,
  );
  const lines = jobs.map((job) => {
    const {
      name,
      words: [script = '', ...usual],
      quick,
    } = job;
    const rest = isQuick ? (quick ?? usual) : usual;
    const limit = limitOf(job, isQuick);
    if (script !== 'matrix') return start(name, limit, [script, ...rest]);
    const [user = '', usualLevels = '', usualRows] = rest;
    return start(name, limit, [script, user, levels ?? usualLevels, rows ?? usualRows ?? '']);
  });
  const environment = `export TRAMPFD_TEST_SLOWNESS=${SLOWNESS}; cd ${GUEST_PROJECT}`;
  return [environment, ...settings, ...lines, start('kernel-log', 60, ['kernel_log']), ''].join('\n');
}

/** The name that the docs have for a kernel: the first two numbers of its release. */
export function shortName(release: string): string {
  return /^\d+\.\d+/.exec(release)?.[0] ?? release;
}

/** Says what came of a boot; gives how many faults there are. */
function report(kernel: UnpackedKernel, jobs: readonly Job[], results: GuestResults, booted: Booted): number {
  let faults = 0;
  const say = (title: string, found: readonly string[]): void => {
    console.log(`${found.length === 0 ? 'ok    ' : 'NOT OK'} ${title}`);
    for (const fault of found) console.log(`         ${fault.replaceAll('\n', '\n           ')}`);
    faults += found.length;
  };
  if (booted.isLate) say(`Linux ${kernel.release}`, ['the guest took too long, and was ended']);
  for (const name of [...jobs.map((job) => job.name), 'kernel-log']) {
    const job = results.jobs.get(name);
    const found = [...faultsOf(job), ...attemptFaults(job?.attempts ?? [])];
    const count = job === undefined ? 0 : job.points.length + job.attempts.length;
    say(`Linux ${kernel.release}, ${name}: ${count} points, ${Math.round(job?.seconds ?? 0)} s`, found);
  }
  const matrix = kernelResults(results);
  if (matrix.root.bare.length + matrix.ordinary.bare.length > 0) {
    const page = readFileSync(join(root, 'docs', 'policy.md'), 'utf8');
    const found = kernelDifferences(page, shortName(kernel.release), matrix, matrixRows);
    say(`Linux ${kernel.release}: docs/policy.md says what its attempts came to`, found);
  }
  return faults;
}

/** A boot, and what it is for. */
interface Task {
  readonly kernel: Kernel;
  readonly unpacked: UnpackedKernel;
  /** Which of its kernel's boots it is. */
  readonly index: number;
  readonly jobs: readonly Job[];
}

/** Boots a guest, and says what came of it; gives how many faults there are. */
async function runTask({ kernel, unpacked, index, jobs }: Task, image: RootImage, wanted: Wanted): Promise<number> {
  const options = bootOf(jobs);
  const how =
    JSON.stringify(options) === '{"commandLine":"","settings":{},"modules":[]}' ? '' : ` ${JSON.stringify(options)}`;
  const place = cacheFolder('results', kernel.name);
  const limit = BOOTING + jobs.reduce((sum, job) => sum + limitOf(job, wanted.isQuick), 0);
  const booted = await boot(unpacked, image, {
    script: orderOf(jobs, wanted),
    commandLine: options.commandLine,
    modules: options.modules ?? [],
    patience: wanted.isQuick ? Math.min(limit, QUICK_LIMIT) : limit,
    console: join(place, `console-${index}`),
    isShown: wanted.isShown,
  });
  writeFileSync(join(place, `results-${index}`), booted.results);
  const results = readResults(booted.results);
  // The docs are written from all of the matrix that was tried, be it row by row.
  if (jobs.some(({ words: [script] }) => script === 'matrix')) {
    const kept = join(place, 'matrix');
    writeFileSync(kept, keepAttempts(existsSync(kept) ? readFileSync(kept, 'utf8') : '', results));
  }
  console.log(`\nLinux ${unpacked.release}${how}: ${jobs.map(({ name }) => name).join(', ')}`);
  const faults = report(unpacked, jobs, results, booted);
  console.log(
    `Linux ${unpacked.release}: ${Math.round(booted.seconds)} s; what it said is in ${join(place, `console-${index}`)}`,
  );
  return faults;
}

/** Has guests do all tasks, as many at a time as there are processors; gives how many faults there are. */
async function runTasks(tasks: readonly Task[], image: RootImage, wanted: Wanted): Promise<number> {
  const left = [...tasks];
  const work = async (): Promise<number> => {
    let faults = 0;
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      faults += await runTask(task, image, wanted);
    }
    return faults;
  };
  const faults = await Promise.all(Array.from({ length: availableParallelism() }, work));
  return faults.reduce((sum, each) => sum + each, 0);
}

async function main(words: readonly string[]): Promise<number> {
  const wanted = read(words, await readJobs());
  if (typeof wanted === 'string') {
    console.error(`machines: ${wanted}`);
    return 2;
  }
  if (process.getuid?.() !== 0) {
    console.error("machines: the disk of guests has root's files, and is made as root: sudo npm run test:machines");
    return 2;
  }
  ensureMachinePackages();
  const start = performance.now();
  const image = rootImage();
  console.log(`the disk of guests is ready after ${Math.round((performance.now() - start) / 1000)} s`);
  const tasks = wanted.kernels.flatMap((kernel) => {
    const unpacked = fetchKernel(kernel, wanted.isRefreshed);
    const groups = byBoot(
      wanted.jobs.filter((job) => job.isFor(kernel)),
      wanted.isQuick,
    );
    return groups.map((jobs, index): Task => ({ kernel, unpacked, index, jobs }));
  });
  console.log(`the kernels are there after ${Math.round((performance.now() - start) / 1000)} s`);
  const faults = await runTasks(tasks, image, wanted);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`\n${faults === 0 ? 'All is as it should be' : `${faults} faults`}; ${seconds} s.`);
  return faults === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`machines: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
