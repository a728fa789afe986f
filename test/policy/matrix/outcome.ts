/**
 * What became of attempts: read from what the programs print, and put together for one cell of the table.
 *
 * @module
 */
import type { MatrixRow, Width } from './rows.js';

/** One attempt. */
export interface Attempt {
  readonly width: Width;
  readonly program: string;
  readonly variant: string;
}

/** An attempt and what became of it: `EXEC`, the name of an error or of a signal, or a word of our own. */
export interface Result extends Attempt {
  readonly outcome: string;
}

/** The bytes ran. */
export const EXEC = 'EXEC';
/** The run itself refused to start with what the attempt needs. */
export const NOT_STARTED = 'no start';
/** What the program was told or let do, where nothing of the attacker's ran. */
const HARMLESS: ReadonlySet<string> = new Set(['UNCHANGED', 'STOPPED', 'KILLED', NOT_STARTED]);

/** Whether an outcome is one that a program may come to: else it could not be tried, and nothing is known. */
export function isKnown(outcome: string): boolean {
  return /^(?:E[A-Z0-9]+|SIG[A-Z]+|exit \d+|OPENED|TAKEN)$/.test(outcome) || HARMLESS.has(outcome);
}

/**
 * Whether an outcome is what must not be: the bytes ran, or what was opened or taken is as good as that.
 */
export function isBreach(outcome: string): boolean {
  return outcome === EXEC || outcome === 'OPENED' || outcome === 'TAKEN';
}

/** A line that the driver prints: `WIDTH/PROGRAM VARIANT: OUTCOME`; undefined where it is none. */
export function readLine(line: string): Result | undefined {
  const found = /^(x86-64|i386)\/(\S+) ([^:]+): (.+)$/.exec(line);
  if (found === null) return undefined;
  const [, width, program = '', variant = '', outcome = ''] = found;
  return { width: width === 'i386' ? 'i386' : 'x86-64', program, variant, outcome };
}

/** An attempt's name, which no other has. */
export function nameOf({ width, program, variant }: Attempt): string {
  return `${width}/${program} ${variant}`;
}

/** The different outcomes of a row as one text: EXEC first, the others by name. */
export function cellText(row: MatrixRow, results: readonly Result[]): string {
  const outcomes = new Set(
    results
      .filter(({ program, width }) => program === row.program && row.widths.includes(width))
      .map(({ outcome }) => outcome),
  );
  if (outcomes.size === 0) return '';
  if (row.isRace) return [...outcomes].some(isBreach) ? EXEC : 'never EXEC';
  const others = [...outcomes].filter((outcome) => outcome !== EXEC).map(wordOf);
  return [...(outcomes.has(EXEC) ? [EXEC] : []), ...others.sort()].join(', ');
}

/** An outcome as the table has it: names as they are, our own words small. */
function wordOf(outcome: string): string {
  return /^(?:E[A-Z0-9]+|SIG)/.test(outcome) ? outcome : outcome.toLowerCase();
}
