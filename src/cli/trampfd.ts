/**
 * The command's first file: bin/trampfd becomes Node.js with this one.
 *
 * @module
 */
import { readFileSync, writeSync } from 'node:fs';
import { TrampfdError } from '../error.js';
import { startReceiver } from '../supervisor/receiver.js';
import { type Command, parseCommand } from './arguments.js';
import { type Inherited, readInherited } from './launch.js';
import { STATUS_FAILED } from './status.js';

/** Writes all of a text: a pipe may take a part at a time, and its reader may have seen enough. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        continue;
      }
      if (code === 'EPIPE') return;
      throw new TrampfdError(code ?? 'EIO', `standard output cannot be written (${code})`);
    }
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Whether the working directory has not been removed: in one that has, Node.js starts no thread. */
function isFolderThere(): boolean {
  try {
    process.cwd();
    return true;
  } catch {
    return false;
  }
}

/** Carries out a command; each is loaded only when it is asked for, as starting fast matters. */
async function carryOut(command: Command, inherited: Inherited): Promise<void> {
  switch (command.name) {
    case 'run': {
      // The thread that will answer starts while all else is loaded.
      const receiver = isFolderThere() ? startReceiver() : undefined;
      return (await import('./run.js')).run(command.options, inherited, receiver);
    }
    case 'show':
      return print((await import('./show.js')).show(command.options));
    case 'policy':
      return print((await import('./policy.js')).showPolicy(command.options));
    case 'doctor': {
      const { doctor } = await import('./doctor.js');
      const { text, usable } = await doctor(packageVersion(), inherited.openFileLimit, inherited.environment);
      print(text);
      // The probed thread is gone, and an ordinary end would wait for it.
      return (await import('../linux/process.js')).exitNow(usable ? 0 : 1);
    }
    case 'help':
      return print((await import('./help.js')).helpText);
    case 'version':
      return print(`trampfd ${packageVersion()}\n`);
  }
}

/** The sentence for a failure: ours say it themselves, of others only the first line is for people. */
function sentence(error: unknown): string {
  if (error instanceof TrampfdError) return error.message;
  const [line = ''] = String(error).split('\n');
  const missing = (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
  return missing ? `${line}; install what is missing with 'npm ci'` : `internal error: ${line}`;
}

/** Says what went wrong, and ends this process. */
async function complain(error: unknown): Promise<void> {
  try {
    const [{ say, standardError }, { exitNow }] = await Promise.all([
      import('../supervisor/standard_error.js'),
      import('../linux/process.js'),
    ]);
    say(sentence(error));
    standardError().drain(() => process.removeAllListeners());
    // Threads may be under way that would keep this process from ending.
    exitNow(STATUS_FAILED);
  } catch {
    sayAlone(sentence(error));
    process.exit(STATUS_FAILED);
  }
}

/** Says something where the kernel's interface cannot be had. */
function sayAlone(text: string): void {
  try {
    writeSync(2, `trampfd: ${text}\n`);
  } catch {
    // Nowhere to say so: the status does.
  }
}

async function main(): Promise<void> {
  let command: Command;
  let inherited: Inherited;
  try {
    inherited = readInherited();
    command = await parseCommand(inherited.words);
  } catch (error) {
    return await complain(error);
  }
  try {
    await carryOut(command, inherited);
  } catch (error) {
    await complain(error);
  }
}

void main();
