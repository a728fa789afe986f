/**
 * Memory and files that another process delivers late, or never: of whatever call of whatever program, it waits alone. An
 * honest process beside it is answered meanwhile, and the supervisor can be ended.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '../../src/linux/proc.js';
import { Running, trampfd } from '../cli/command.js';
import { patience } from '../patience.js';
import { program } from './tap.js';

const served = program('served', 'x86-64');

/** What each call gives when its memory comes. */
const CALLS = {
  info: '0',
  code: '16',
  written: '16',
  context: '24',
  map: '24',
  user: '0',
  modem: 'ENOTTY',
  disposition: '0',
  'old-mmap': '0',
  execution: '0',
  trampoline: '8',
  stack: '0',
  request: '0',
} as const;

/** An honest process waits for as long as this at most, in milliseconds. */
const LONGEST = patience(10_000);

function command(kind: 'uffd' | 'fuse', milliseconds: number, call: string): string[] {
  // Each execution is looked at, so that the path of one is read.
  return [trampfd, 'run', '--every-program', '--', served, kind, String(milliseconds), call];
}

async function hold(kind: 'uffd' | 'fuse', milliseconds: number, call: string, result: string): Promise<void> {
  await using running = new Running(command(kind, milliseconds, call), { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = await running.ended;
  const said = `${running.output}${running.errors}`;
  assert.deepEqual(end, { status: 0, signal: null }, said);
  assert.match(said, new RegExp(`^${call}: ${result}$`, 'm'));
  const honest = /^honest: (\d+) tables, at most (\d+)$/m.exec(said);
  assert.ok(honest !== null && Number(honest[1]) > 1 && Number(honest[2]) < LONGEST, said);
}

describe('memory that never comes keeps its own process waiting', { concurrency: 2 }, () => {
  for (const call of [...Object.keys(CALLS), 'execution-of-file']) {
    test(`a file: ${call}`, () => hold('fuse', 0, call, 'not back'));
  }
  for (const call of ['code', 'info', 'trampoline'] as const) {
    test(`userfaultfd: ${call}`, () => hold('uffd', 0, call, 'not back'));
  }
});

describe('memory that comes late is used when it is there', { concurrency: 2 }, () => {
  for (const [call, result] of Object.entries(CALLS)) {
    test(`userfaultfd: ${call}`, () => hold('uffd', 100, call, result));
  }
  for (const call of ['code', 'info', 'trampoline'] as const) {
    test(`a file: ${call}`, () => hold('fuse', 100, call, CALLS[call]));
  }
  test('a file: execution-of-file', () => hold('fuse', 100, 'execution-of-file', '0'));
  test('a file whose server does not say that it is closed: command', () => hold('fuse', 100, 'command', 'ENOTTY'));
});

test('a process that executes a program without end has nobody wait who looks at it', async () => {
  await using running = new Running([trampfd, 'run', '--', program('executing', 'x86-64')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = await running.ended;
  const said = `${running.output}${running.errors}`;
  assert.deepEqual(end, { status: 0, signal: null }, said);
  assert.match(said, /^executes: still$/m);
  assert.match(said, /^child: 8$/m);
  const honest = /^honest: (\d+) times, at most (\d+)$/m.exec(said);
  assert.ok(honest !== null && Number(honest[1]) > 1 && Number(honest[2]) < LONGEST, said);
});

/** The fields of /proc/PID/stat (proc(5)) from the second on; none where the process is gone. */
function statOf(id: number): readonly string[] {
  try {
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)/s.exec(readFileSync(`/proc/${id}/stat`, 'latin1')) ?? [];
    return [name, ...rest.split(' ')];
  } catch {
    return [];
  }
}

/** The processes of a supervisor that make calls in its place. */
function apartOf(supervisor: number): readonly number[] {
  return childrenOf(supervisor).filter((id) => statOf(id)[0] === 'trampfd-apart');
}

test('a supervisor that reads what never comes is ended at once, and nothing of it holds anything', async () => {
  await using running = new Running(command('fuse', 0, 'code'), { stdio: ['ignore', 'pipe', 'pipe'] });
  const supervisor = running.child.pid ?? 0;
  let all: readonly number[] = [];
  // One reads what never comes, another one is there for the next call.
  for (const until = Date.now() + LONGEST; all.length < 2; await sleep(5)) {
    assert.ok(Date.now() < until, 'nothing is read apart');
    all = apartOf(supervisor);
  }
  const ended = once(running.child, 'exit');
  process.kill(supervisor, 'SIGKILL');
  await Promise.race([ended, sleep(LONGEST, undefined, { ref: false }).then(() => assert.fail('it lives on'))]);
  for (const id of all) {
    try {
      const [, , , group, session, terminal] = statOf(id);
      assert.equal(readlinkSync(`/proc/${id}/cwd`), '/');
      assert.deepEqual(readdirSync(`/proc/${id}/fd`), []);
      assert.deepEqual([group, session, terminal], [String(id), String(id), '0']);
    } catch (error) {
      // It is over by now, as the program's own processes end.
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
    }
  }
});
