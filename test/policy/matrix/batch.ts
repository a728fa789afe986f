/**
 * Runs many attempts in one run of the command, one process each, and reads what became of them.
 *
 * An attempt that destroys what others need (it kills the supervisor, say) ends the batch; the rest goes on in another
 * one. What hangs is ended, and counts as a failure.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../../patience.js';
import { compileProgram } from '../../programs/compile.js';
import { type Attempt, NOT_STARTED, nameOf, type Result, readLine } from './outcome.js';
import type { Stage } from './stage.js';
import { type Column, isStrict } from './table.js';

/** The longest that one attempt may take, in milliseconds; it ends itself after a minute, where it can (attempt.h). */
const PATIENCE = patience(90_000);
/** What an attempt exits with that has destroyed what others need (attempt.h). */
const DESTROYED = 4;
/** What the command exits with when it does not start the program. */
const OWN_FAILURE = 125;

/** Descriptors that outside.c makes only when they are asked for: a confined run refuses to start with them. */
export const specialDescriptors: readonly string[] = [
  ...['unnamed', 'memfd', 'removed-folder', 'in-flight', 'detached-mount', 'queues', 'objects'],
];

/** How a batch is run. */
export interface BatchOptions {
  /** The command under test, as this stage's user can execute it. */
  readonly command: string;
  readonly special: readonly string[];
  /** Whether the working folder has been removed. */
  readonly removed: boolean;
  /** Whether a trusted file has a hard link. */
  readonly linked: boolean;
}

/** Reads `FOLDER PROGRAM VARIANT` lines from descriptor 9, and starts each. */
const DRIVER = `while read -r folder program variant <&9; do
  printf '%s/%s ' "$WX_WIDTH" "$program"
  "$folder/$program" "$variant" 9<&- || { status=$?; [ $status = ${DESTROYED} ] || echo "$variant: status $status"; exit $status; }
done`;

/** The same, with all of them at a time; each prints its line at once, when it has ended. */
const DRIVER_OF_WAITING = `while read -r folder program variant <&9; do
  (
    line=$("$folder/$program" "$variant" 9<&-) || line="$variant: status $?"
    echo "$WX_WIDTH/$program $line"
  ) &
done
wait`;

/** Words that start a driver at a level. */
function launching(
  stage: Stage,
  column: Column,
  command: string,
  script: string,
  trees: ReadonlySet<string>,
): readonly string[] {
  const driver = ['sh', '-c', `exec 9<"$WX_LIST"; ${script}`];
  if (column === 'bare') return driver;
  const options = column === 'log' ? ['--log', join(stage.work, 'log')] : [];
  const trusted = [...trees, join(stage.work, 'holder', 'trusted')];
  if (isStrict(column)) options.push(...trusted.flatMap((tree) => ['--exec', tree]));
  // The shell's process becomes the supervisor.
  const start = ['sh', '-c', 'export WX_SUPERVISOR=$$; exec "$@"', 'sh'];
  return [...start, command, 'run', '--policy', ...column.split(' '), ...options, '--', ...driver];
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
  /** Whether nothing came from it for too long, and it was killed. */
  readonly isHanging: boolean;
}

/** What is done while a run goes on; the process given is the supervisor's, where there is one. */
type Meanwhile = (processId: number) => Promise<void>;

/** Runs words to their end. Their output is a pipe, for a confined program cannot have everybody's files. */
async function runWords(words: readonly string[], env: NodeJS.ProcessEnv, meanwhile: Meanwhile): Promise<Ended> {
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [output, errors] = ['', ''];
  let isHanging = false;
  const timer = setTimeout(() => {
    isHanging = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    // Whoever is left has the pipe, and nobody waits for that.
    child.stdout.destroy();
    child.stderr.destroy();
  }, PATIENCE);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    timer.refresh();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (child.pid !== undefined) await meanwhile(child.pid);
  timer.refresh();
  const status = await ended;
  clearTimeout(timer);
  return { status, output, errors, isHanging };
}

/** What is run, where it is not one attempt after the other. */
interface Order {
  readonly script: string;
  readonly meanwhile: Meanwhile;
  readonly env: NodeJS.ProcessEnv;
}

async function runOnce(
  stage: Stage,
  column: Column,
  attempts: readonly Attempt[],
  options: BatchOptions,
  { script = DRIVER, meanwhile = async () => {}, env: more = {} }: Partial<Order> = {},
): Promise<Ended> {
  const list = join(stage.folder, 'list');
  writeFileSync(
    list,
    attempts.map(({ program, variant }) => `${stage.treeOf(program)} ${program} ${variant}\n`).join(''),
  );
  stage.linked = options.linked;
  const { own, other } = stage.startOutside();
  try {
    const number = await own.number();
    const env = {
      ...process.env,
      WX_FOLDER: stage.work,
      WX_WIDTH: stage.width,
      WX_LIST: list,
      WX_NAMESPACE: readlinkSync('/proc/self/ns/mnt'),
      WX_OUTSIDE: number,
      WX_OTHER: await other.number(),
      WX_OTHER_FOLDER: join(stage.folder, 'other'),
      WX_SUPERVISOR: number,
      WX_WITH: options.special.join(','),
      ...(options.removed ? { WX_REMOVED: '1' } : {}),
      ...more,
    };
    const trees = new Set(attempts.map(({ program }) => stage.treeOf(program)));
    const outside = [compileProgram('wx/outside.c'), stage.work, number];
    const words = [
      ...stage.mounting,
      ...stage.asItsUser,
      ...outside,
      ...launching(stage, column, options.command, script, trees),
    ];
    return await runWords(words, env, meanwhile);
  } finally {
    own.end();
    other.end();
    rmSync(join(stage.work, 'removed'), { recursive: true, force: true });
  }
}

/**
 * Makes attempts under a level, in as few runs as can be.
 *
 * @throws Error where a run ends otherwise than by the attempts' doing, with what it said
 */
export async function runBatch(
  stage: Stage,
  column: Column,
  attempts: readonly Attempt[],
  options: BatchOptions,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let left = attempts; left.length > 0; ) {
    const { status, output, errors, isHanging } = await runOnce(stage, column, left, options);
    const found = output
      .split('\n')
      .map(readLine)
      .filter((result) => result !== undefined);
    if (found.length === 0 && status === OWN_FAILURE && isStrict(column)) {
      return [...results, ...left.map((attempt) => ({ ...attempt, outcome: NOT_STARTED }))];
    }
    results.push(...found);
    const [tried, names] = [new Set(found.map(nameOf)), left.map(nameOf)];
    const rest = left.filter((attempt) => !tried.has(nameOf(attempt)));
    const [hanging] = isHanging ? rest : [];
    if (hanging !== undefined) {
      results.push({ ...hanging, outcome: 'hangs' });
      left = rest.slice(1);
      continue;
    }
    if (found.length === 0 || names.slice(0, found.length).some((name) => !tried.has(name))) {
      throw new Error(`${stage.user}, ${column}: status ${status} behind ${found.length} attempts\n${output}${errors}`);
    }
    left = rest;
  }
  return results;
}

/** How often it is looked whether all attempts wait, in milliseconds, and how often at most. */
const [LOOKING_INTERVAL, LOOKS] = [20, 3000];

/**
 * Starts every attempt, has them wait, kills the supervisor, and has them go on.
 *
 * @returns what came of those that lived on
 * @throws Error where they do not all get as far as to wait
 */
export async function runOrphaned(
  stage: Stage,
  column: Column,
  attempts: readonly Attempt[],
  options: BatchOptions,
): Promise<readonly Result[]> {
  const folder = join(stage.work, 'waiting');
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  const go = join(folder, 'go');
  const meanwhile = async (processId: number): Promise<void> => {
    for (let looks = 0; readdirSync(folder).length < attempts.length; looks++) {
      if (looks === LOOKS) throw new Error(`${readdirSync(folder).length} of ${attempts.length} attempts wait`);
      await sleep(LOOKING_INTERVAL);
    }
    process.kill(processId, 'SIGKILL');
    writeFileSync(go, '');
  };
  try {
    const order = { script: DRIVER_OF_WAITING, meanwhile, env: { WX_WAIT: go } };
    const { output } = await runOnce(stage, column, attempts, options, order);
    return output
      .split('\n')
      .map(readLine)
      .filter((result) => result !== undefined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
