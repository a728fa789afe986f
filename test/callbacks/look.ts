/**
 * Runs a program of the table, and looks at its memory while its callbacks live.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Running, SharedFolder, trampfd } from '../cli/command.js';
import { compileProgram } from '../programs/compile.js';
import type { Count, Seen } from './cell.js';
import { descendants, judgeMaps, readMaps } from './maps.js';
import type { CallbackProgram } from './programs.js';

/** What a program is run under. */
export type Column = 'bare' | 'mdwe' | 'wx' | 'strict' | 'wx without emulation' | 'strict without emulation';

/** The longest that a run may take, in milliseconds. */
const PATIENCE = 120_000;

/** The words that run a program under a policy. */
function policyWords(program: CallbackProgram, column: Column, log: string): readonly string[] {
  const [policy = '', without] = column.split(' ');
  const [file = ''] = program.words();
  return [
    ...[trampfd, 'run', '--policy', policy, '--log', log],
    ...(without === undefined ? [] : ['--no-emulation']),
    ...(program.isOwn && policy === 'strict' ? ['--exec', file] : []),
    '--',
  ];
}

function wordsBefore(program: CallbackProgram, column: Column, log: string): readonly string[] {
  if (column === 'bare') return [];
  if (column === 'mdwe') return [compileProgram('callbacks/mdwe.c')];
  return policyWords(program, column, log);
}

/** What the log counts at the end of the run. */
function countsIn(log: string): readonly Count[] {
  const events = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly event: string; readonly counts?: readonly Count[] });
  return events.filter(({ event }) => event === 'emulation-summary').flatMap(({ counts = [] }) => counts);
}

/** The processes of a run: without the supervisor, which is not in it. */
function processesOf(running: Running, isSupervised: boolean): readonly number[] {
  const below = descendants(running.processId);
  return isSupervised ? below : [running.processId, ...below];
}

/** Runs a program to its end, and looks at it at the moment when it says that it is ready. */
export async function look(program: CallbackProgram, column: Column): Promise<Seen> {
  using folder = new SharedFolder();
  const log = join(folder.path, 'log');
  const words = [...wordsBefore(program, column, log), ...program.words()];
  const env = {
    PATH: process.env['PATH'],
    HOME: folder.path,
    LC_ALL: 'C.UTF-8',
    CALLBACKS_WAIT: '1',
    ...program.environment,
  };
  const isSupervised = column !== 'bare' && column !== 'mdwe';
  await using running = new Running(words, { cwd: folder.path, env, patience: PATIENCE });
  const isReady = await running.until(/^ready$/m).then(
    () => true,
    () => false,
  );
  const processes = isReady ? processesOf(running, isSupervised) : [];
  const maps = isReady ? judgeMaps(processes.map(readMaps)) : undefined;
  running.child.stdin?.end('go on\n');
  const { status, signal } = await running.ended;
  const { output, errors } = running;
  const counts = isSupervised ? countsIn(readFileSync(log, 'utf8')) : [];
  return { status, signal, output, errors, maps, processes: processes.length, counts };
}
