/**
 * What is told of a run: one event a line, as JSON in a file (`--log FILE`), or as a sentence on standard error.
 *
 * @module
 */
import { commandName } from '../linux/proc.js';
import type { WritableContext } from '../object/user_arguments.js';
import { Output } from './output.js';
import type { OutputMemory } from './output_memory.js';
import { standardError } from './standard_error.js';

/** Where and how events are written: to a log's descriptor, or as sentences to standard error. */
export type LogTarget =
  | { readonly form: 'json'; readonly descriptor: number; readonly memory: OutputMemory }
  | { readonly form: 'text' };

/** The call that an event is about. */
export interface LoggedCall {
  readonly processId: number;
  readonly threadId: number;
  readonly call: string;
  readonly entry: string;
}

/** Where a call was made from. */
export interface LoggedCaller {
  /** Address behind the call's instruction. */
  readonly address: string;
  /** Its line of /proc/PID/maps, or null where none covers it. */
  readonly maps: string | null;
  /** The file of that line and the address's offset in it, or null. */
  readonly file: string | null;
  /** Files whose code lies next on the stack, nearest first: often who called the C library. A guess from return addresses. */
  readonly stack: readonly string[];
}

/** What calls of one kind, from one caller, came to in a run. */
export interface EmulationCount {
  /** The form of the code (trampoline/legacy_form.ts). */
  readonly kind: string;
  /** The file that called. */
  readonly caller: string;
  readonly emulated: number;
  /** Places whose calls are nobody's to count any more: they run at native speed. */
  readonly promoted: number;
  /** How the program would be faster, where that is worth a thought. */
  readonly hint: string | null;
}

/** An event. */
export type LogEvent =
  | { readonly event: 'started'; readonly processId: number; readonly policy: string; readonly window: string }
  | ({
      readonly event: 'would-refuse';
      readonly arguments: readonly string[];
      readonly reason: string;
      readonly caller: LoggedCaller;
    } & LoggedCall)
  | ({ readonly event: 'table-created'; readonly descriptor: number } & LoggedCall)
  | ({
      readonly event: 'table-sealed';
      readonly descriptor: number;
      readonly trampolines: number;
      readonly codeRegister: string;
      readonly dataRegister: string;
    } & LoggedCall)
  | ({ readonly event: 'table-mapped'; readonly descriptor: number } & LoggedCall)
  | ({ readonly event: 'trampoline-created'; readonly descriptor: number } & LoggedCall)
  | ({
      readonly event: 'context-set';
      readonly descriptor: number;
      readonly context: WritableContext;
      /** What counts now: the registers and the target, or nothing where a call faults. */
      readonly registers: readonly string[] | null;
      readonly target: string | null;
      /** Bytes that a call puts on the stack. */
      readonly stackBytes: number;
    } & LoggedCall)
  | ({
      readonly event: 'trampoline-mapped';
      readonly descriptor: number;
      /** Whether a fork inherits the mapping: where the caller could not be traced. */
      readonly inherited: boolean;
    } & LoggedCall)
  | ({
      readonly event: 'refused';
      readonly arguments: readonly string[];
      readonly errno: string;
      readonly reason: string;
    } & LoggedCall)
  | ({
      readonly event: 'memory-file-created';
      readonly name: string;
      /** Whether the caller asked for one that seals can be added to; this one cannot be sealed. */
      readonly wantedSeals: boolean;
    } & LoggedCall)
  /** A program's file asked for executable memory that it did not get; it runs without. */
  | { readonly event: 'image-mended'; readonly processId: number; readonly file: string; readonly memory: string }
  /** A program was killed before it ran. */
  | { readonly event: 'image-refused'; readonly processId: number; readonly file: string; readonly reason: string }
  | { readonly event: 'note'; readonly reason: string }
  /** Each execution is looked at, for what may be executed could not be decided beforehand. */
  | { readonly event: 'looking'; readonly reason: string }
  /** A means of confinement that could not be had, in a run with --best-effort. */
  | { readonly event: 'missing'; readonly what: string; readonly remedy: string; readonly open: string }
  /** Memory that was looked at became executable, or the call failed for a reason of the kernel's. */
  | ({
      readonly event: 'made-executable';
      readonly arguments: readonly string[];
      /** What it is, by kinds that the policy allows. */
      readonly memory: readonly string[];
      readonly errno: string | null;
    } & LoggedCall)
  /** A runtime that writes code was refused it, for the first time. */
  | {
      readonly event: 'runtime-refused';
      readonly processId: number;
      readonly runtime: string;
      readonly wants: readonly string[];
      /** What becomes of it. */
      readonly refused: string;
      /** What makes it run without, where something does. */
      readonly without: string | null;
    }
  /** A process is traced from here on, for it has asked for executable memory. */
  | ({ readonly event: 'attached' } & LoggedCall)
  /** It is not any more: it has no such memory left, or runs another program. */
  | { readonly event: 'detached'; readonly processId: number; readonly reason: string }
  /** A request for executable memory was granted without X, or, for a view of a file, with pages of the supervisor's. */
  | ({
      readonly event: 'granted-without-execution';
      readonly arguments: readonly string[];
      readonly memory: string;
      readonly caller: string;
    } & LoggedCall)
  /** The first call of its kind from its caller that was emulated. */
  | {
      readonly event: 'emulated';
      readonly processId: number;
      readonly threadId: number;
      readonly kind: string;
      readonly address: string;
      readonly caller: string;
    }
  /** A trampoline whose calls are not emulated any more: equal code of the supervisor's is executed in its place. */
  | {
      readonly event: 'promoted';
      readonly processId: number;
      readonly threadId: number;
      readonly kind: string;
      readonly address: string;
    }
  /** A call into such memory that is none of a trampoline. */
  | {
      readonly event: 'not-emulated';
      readonly processId: number;
      readonly threadId: number;
      readonly address: string;
      readonly bytes: string;
      readonly caller: string;
      readonly reason: string;
    }
  | { readonly event: 'emulation-summary'; readonly counts: readonly EmulationCount[] }
  /** Events before this one were lost: nobody read the log, or it could not be written. */
  | { readonly event: 'lost'; readonly events: number }
  | { readonly event: 'failed'; readonly reason: string };

/** Takes events. */
export interface Log {
  /** Whether every kind of event is written: where not, nobody needs to gather what the life of a table is. */
  readonly enabled: boolean;
  readonly write: (event: LogEvent) => void;
}

/** The log of a run that writes none. */
export const noLog: Log = { enabled: false, write: () => undefined };

/** An event as a sentence. */
export function sentence(event: LogEvent): string {
  switch (event.event) {
    case 'started':
      return `process ${event.processId} runs under policy ${event.policy}, tables have descriptors ${event.window}`;
    case 'failed':
    case 'note':
      return event.reason;
    case 'would-refuse': {
      const { caller } = event;
      const from = [caller.file ?? caller.address, ...caller.stack].join(' <- ');
      return `${who(event)}: ${event.reason}: ${event.call}(${event.arguments.join(', ')}) from ${from}`;
    }
    case 'memory-file-created': {
      const seals = event.wantedSeals ? ', which cannot be sealed' : '';
      return `${who(event)}: created the memory file ${event.name}${seals}`;
    }
    case 'image-mended':
      return `process ${event.processId}: ${event.file} asks for ${event.memory} to be executable; it runs without`;
    case 'image-refused':
      return `process ${event.processId}: ${event.file} did not run: ${event.reason}`;
    case 'looking':
      return `each execution is looked at, which takes time: ${event.reason}`;
    case 'made-executable': {
      const memory = event.memory.join(', ') || 'a file as it is';
      return `${who(event)}: ${event.call} made executable: ${memory}`;
    }
    case 'attached':
      return `${who(event)}: is traced from here on, for its ${event.call} asked for executable memory`;
    case 'detached':
      return `process ${event.processId}: is not traced any more: ${event.reason}`;
    case 'granted-without-execution':
      return `${who(event)}: ${event.call}(${event.arguments.join(', ')}) from ${event.caller} got ${event.memory}`;
    case 'emulated':
      return `process ${event.processId}: a call of a trampoline (${event.kind}) at ${event.address} from ${event.caller} was emulated`;
    case 'promoted':
      return `process ${event.processId}: the trampoline (${event.kind}) at ${event.address} is executed from here on`;
    case 'not-emulated':
      return `process ${event.processId}: the code at ${event.address} was not emulated: ${event.reason}`;
    case 'emulation-summary':
      return event.counts
        .map(
          ({ kind, caller, emulated, promoted, hint }) =>
            `${kind} from ${caller}: ${emulated} calls emulated, ${promoted} promoted${hint === null ? '' : `; ${hint}`}`,
        )
        .join(', ');
    case 'runtime-refused':
      return `process ${event.processId}: ${event.runtime} was refused ${event.wants.join(', ')}`;
    case 'lost':
      return `${event.events} events before this one were lost`;
    case 'missing':
      return `${event.what}: ${event.remedy}; open without it: ${event.open}`;
    case 'table-created':
      return `${who(event)}: created a trampoline table, descriptor ${event.descriptor}`;
    case 'table-sealed':
      return (
        `${who(event)}: sealed the table of descriptor ${event.descriptor}: ${event.trampolines} trampolines, code in ` +
        `${event.codeRegister}, data in ${event.dataRegister}`
      );
    case 'table-mapped':
      return `${who(event)}: may map the table of descriptor ${event.descriptor}`;
    case 'trampoline-created':
      return `${who(event)}: created a trampoline of version 1, descriptor ${event.descriptor}`;
    case 'context-set': {
      const { target, registers, stackBytes, context } = event;
      const now =
        target === null
          ? 'a call faults now'
          : `a call goes to ${target} with ${registers?.join(', ') || 'no registers'}`;
      const stack = stackBytes === 0 ? '' : ` and ${stackBytes} bytes on the stack`;
      return `${who(event)}: set the ${context} of descriptor ${event.descriptor}: ${now}${target === null ? '' : stack}`;
    }
    case 'trampoline-mapped': {
      const forks = event.inherited ? '; forks inherit the mapping, for the caller cannot be traced' : '';
      return `${who(event)}: mapped the trampoline of descriptor ${event.descriptor}${forks}`;
    }
    case 'refused':
      return `${who(event)}: ${event.call}(${event.arguments.join(', ')}) = ${event.errno}: ${event.reason}`;
  }
}

function who(call: LoggedCall): string {
  return `${commandName(call.threadId)}[${call.processId}]`;
}

/**
 * A sentence as one line for a terminal: names of programs and files are the target's to choose, and could hold line
 * breaks and a terminal's commands. JSON escapes them by itself.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}

function asJson(event: LogEvent): string {
  const command = 'threadId' in event ? { command: commandName(event.threadId) } : {};
  return JSON.stringify({ time: new Date().toISOString(), ...event, ...command });
}

/** What a log's lines are written to; undefined where sentences go to standard error. */
export function logOutput(target: LogTarget | undefined): Output | undefined {
  if (target?.form !== 'json') return undefined;
  return new Output(target.descriptor, target.memory, (events) => asJson({ event: 'lost', events }));
}

/**
 * A log. A full disk or a closed pipe loses events, never the run, and neither does a reader that does not read.
 *
 * @param errors - standard error, or what a test has in its place
 */
export function openLog(target: LogTarget | undefined, errors: Output = standardError()): Log {
  if (target === undefined) return noLog;
  const output = logOutput(target);
  if (output !== undefined) return { enabled: true, write: (event) => output.write(asJson(event)) };
  return {
    enabled: false,
    write(event) {
      // A person wants to know what is wrong; the lives of tables are for the file.
      if (event.event !== 'would-refuse' && event.event !== 'failed') return;
      errors.write(`trampfd: ${printable(sentence(event))}`);
    },
  };
}
