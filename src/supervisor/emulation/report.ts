/**
 * The report of a call into memory that is not executable, to code that is no trampoline: what a person needs to find it.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { commandName } from '../../linux/proc.js';
import { readRegisters } from '../../linux/tracee.js';
import { fileName, returnPlace } from '../caller.js';
import { whyUntraceable } from '../forbidden.js';
import { codePlaceName } from '../functions.js';
import { type Log, printable } from '../log.js';
import { say } from '../standard_error.js';
import type { TracedProcess } from './tracees.js';

/** Reports of a run on standard error, at most: a program may handle its faults, and go on to the next. */
const MOST_REPORTS = 16;
let reports = 0;

/** Processes that were said to be untraceable. */
const untraceable = new Set<number>();

/** What a thread has asked for that it would have to be traced for, and what becomes of that. */
const UNTRACED = {
  memory: { what: 'its trampolines cannot be emulated', effect: 'what it asked for is refused' },
  execution: {
    what: 'may ask for an executable stack, and cannot be looked at before it runs',
    effect: 'it is not executed',
  },
} as const;

/**
 * The reason why a thread cannot be traced, which is said on standard error too, once for each process: its program gets
 * no memory for its trampolines, and may fail of it; or a program is not executed.
 *
 * @param program - of an execution, the path that the call names, where it is known
 */
export function reportUntraceable(
  threadId: number,
  processId: number,
  asked: keyof typeof UNTRACED = 'memory',
  program = 'a program',
): string {
  const { what: predicate, effect } = UNTRACED[asked];
  const what = asked === 'memory' ? predicate : `${program} ${predicate}`;
  const why = whyUntraceable(threadId);
  const reason = `${what}: ${why}`;
  if (untraceable.size >= MOST_REPORTS || untraceable.has(processId)) return reason;
  untraceable.add(processId);
  say(`${printable(`${commandName(threadId)}[${processId}]: ${reason}`)}; ${effect}`);
  return reason;
}

/** What was called. */
export interface Unrecognised {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly machine: 'x86-64' | 'i386';
  readonly reason: string;
}

/** Reports it to the log and to standard error. */
export function reportUnrecognised(
  log: Log,
  threadId: number,
  { processId, memory }: TracedProcess,
  { address, bytes, machine, reason }: Unrecognised,
): void {
  const stack = readRegisters(threadId)?.getBigUint64(USER_REGS.rsp, true) ?? 0n;
  const place = returnPlace(threadId, stack, machine === 'i386' ? 4 : 8, (address) =>
    memory.executableAt(threadId, address),
  );
  const caller = fileName(place);
  const hexadecimal = Buffer.from(bytes).toString('hex');
  const at = `0x${address.toString(16)}`;
  if (log.enabled) {
    log.write({ event: 'not-emulated', processId, threadId, address: at, bytes: hexadecimal, caller, reason });
  }
  reports += 1;
  if (reports > MOST_REPORTS) return;
  const who = `${commandName(threadId)}[${processId}]`;
  const from = place === undefined ? caller : codePlaceName(processId, place, caller);
  const what = `${who}: ${from} has called ${at}, where executable memory was asked for and not given: ${reason}`;
  const remedy =
    'it gets SIGSEGV; with --no-emulation such memory is refused beforehand, and the program may do without';
  say(`${printable(`${what}; ${remedy}`)} (bytes ${hexadecimal})`);
}
