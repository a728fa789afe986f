/**
 * The command's first file: bin/trampfd becomes Node.js with this one.
 *
 * @module
 */
import { readFileSync, writeSync } from 'node:fs';
import { TrampfdError } from '../error.js';
import { type Command, parseCommand } from './arguments.js';
import { type Inherited, readInherited } from './launch.js';
import { STATUS_FAILED } from './status.js';

/** Writes all of a text: a pipe may take a part at a time. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') return;
      throw error;
    }
  }
}

/** Carries out a command; each is loaded only when it is asked for, as starting fast matters. */
async function carryOut(command: Command, inherited: Inherited): Promise<void> {
  switch (command.name) {
    case 'run':
      return (await import('./run.js')).run(command.options, inherited);
    case 'show':
      return print((await import('./show.js')).show(command.options));
    case 'doctor': {
      const { doctor } = await import('./doctor.js');
      const { text, usable } = await doctor();
      print(text);
      process.exitCode = usable ? 0 : 1;
      return;
    }
    case 'help':
      return print((await import('./help.js')).helpText);
    case 'version': {
      const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
        version: string;
      };
      return print(`trampfd ${version}\n`);
    }
  }
}

async function main(): Promise<void> {
  try {
    const inherited = readInherited();
    await carryOut(parseCommand(inherited.words), inherited);
  } catch (error) {
    const message = error instanceof TrampfdError ? error.message : `internal error: ${String(error)}`;
    writeSync(2, `trampfd: ${message}\n`);
    process.exitCode = STATUS_FAILED;
  }
}

void main();
