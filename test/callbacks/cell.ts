/**
 * What a person reads of one run in the table.
 *
 * @module
 */
import type { Findings } from './maps.js';

/** How a run ended, in a word: as the program should, by an error's name, by a signal, or with a status that says so. */
export type Ending = 'runs' | 'fails' | `SIG${string}` | `${string}Error` | `${string}Exception`;

/** What a run's log counts of one kind of trampoline and one caller. */
export interface Count {
  readonly kind: string;
  readonly caller: string;
  readonly emulated: number;
  readonly promoted: number;
}

/** What was seen of one run. */
export interface Seen {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
  readonly errors: string;
  /** What its processes' memory was while its callbacks lived; undefined where it did not come that far. */
  readonly maps: Findings | undefined;
  /** How many processes were looked at. */
  readonly processes: number;
  readonly counts: readonly Count[];
}

/** How a run ended. */
export function endingOf(seen: Seen, status: number): Ending {
  if (seen.status === status) return 'runs';
  if (seen.signal !== null) return seen.signal as Ending;
  const named = /\b(\w*(?:Error|Exception))\b/.exec(seen.errors + seen.output)?.[1];
  return (named as Ending | undefined) ?? 'fails';
}

/** What became of a run's trampolines, in a word. */
function wayOf({ maps, counts }: Seen): string | undefined {
  if (counts.some(({ promoted }) => promoted > 0)) return 'promoted';
  if (counts.some(({ emulated }) => emulated > 0)) return 'emulated';
  if (maps !== undefined && maps.writableCode.length > 0) return 'RWX';
  return maps !== undefined && maps.writableAliases.length > 0 ? 'RW alias' : undefined;
}

/** Names of the signals by which programs give up, as people say them. */
const GIVEN_UP: Readonly<Record<string, string>> = { SIGABRT: 'aborts', SIGSEGV: 'dies of SIGSEGV' };

/** A cell of the table. */
export function cellOf(seen: Seen, status: number): string {
  const ending = endingOf(seen, status);
  if (ending !== 'runs') return GIVEN_UP[ending] ?? ending;
  const way = wayOf(seen);
  return way === undefined ? 'runs' : `runs (${way})`;
}
