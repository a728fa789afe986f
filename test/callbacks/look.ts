/**
 * Runs a program of the table, and looks at its memory while its callbacks live.
 *
 * @module
 */
import { chmodSync, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commandName } from '../../src/linux/proc.js';
import { Running, SharedFolder, trampfd } from '../cli/command.js';
import { patience } from '../patience.js';
import { compileProgram, root } from '../programs/compile.js';
import type { Count, Seen } from './cell.js';
import { descendants, judgeMaps, readMaps } from './maps.js';
import type { CallbackProgram } from './programs.js';

/** What a program is run under. */
export type Column = 'bare' | 'mdwe' | 'wx' | 'strict' | 'wx without emulation' | 'strict without emulation';

/** The longest that a run may take, in milliseconds. */
const PATIENCE = patience(120_000);

/** Who runs a program, and by which command. */
export interface Runner {
  /** Words that run a program as this user. */
  readonly user: readonly string[];
  readonly command: string;
}

const self: Runner = { user: [], command: trampfd };

/** The words before a program: a policy's, a launcher's, or none. */
function wordsBefore(program: CallbackProgram, column: Column, command: string, log: string): readonly string[] {
  if (column === 'bare') return [];
  if (column === 'mdwe') return [compileProgram('callbacks/mdwe.c')];
  const [policy = '', without] = column.split(' ');
  const [file = ''] = program.words();
  return [
    ...[command, 'run', '--policy', policy, '--log', log],
    ...(without === undefined ? [] : ['--no-emulation']),
    ...(program.isOwn && policy === 'strict' ? ['--exec', file] : []),
    '--',
  ];
}

/** A program's words; scripts are copied to where every user may read them. */
function wordsIn(folder: string, program: CallbackProgram): readonly string[] {
  return program.words().map((word) => {
    if (!word.startsWith(`${root}/`)) return word;
    const copy = join(folder, basename(word));
    copyFileSync(word, copy);
    return copy;
  });
}

/** What the log counts at the end of the run. */
function countsIn(log: string): readonly Count[] {
  const events = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly event: string; readonly counts?: readonly Count[] });
  return events.filter(({ event }) => event === 'emulation-summary').flatMap(({ counts = [] }) => counts);
}

/** The log's text; empty where the command did not come so far that it has one. */
function readLog(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8') : '';
}

/** The processes of a run: without the supervisor, and its own beside it where a file system of some program is mounted. */
function processesOf(running: Running, isSupervised: boolean): readonly number[] {
  const below = descendants(running.processId);
  return isSupervised
    ? below.filter((processId) => commandName(processId) !== 'trampfd-apart')
    : [running.processId, ...below];
}

/** Runs a program to its end, and looks at it at the moment when it says that it is ready. */
export async function look(program: CallbackProgram, column: Column, { user, command }: Runner = self): Promise<Seen> {
  using folder = new SharedFolder();
  // The log is written by whoever runs the program.
  chmodSync(folder.path, 0o777);
  const log = join(folder.path, 'log');
  const words = [...user, ...wordsBefore(program, column, command, log), ...wordsIn(folder.path, program)];
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
  const counts = isSupervised ? countsIn(readLog(log)) : [];
  return { status, signal, output, errors, maps, processes: processes.length, counts };
}
