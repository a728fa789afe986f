/**
 * What a run of the suite has covered, as tables for people: calls by errno, and each row of the errno tables.
 *
 * @module
 */
import { type Entry, entries, type Row, unreachable } from './rows.js';
import type { Covered } from './tap.js';

/** Points by entry, call, outcome and row. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  /** Counts a program's points for an entry. */
  add(entry: Entry, covered: readonly Covered[]): void {
    for (const { call, outcome, row } of covered) {
      for (const key of new Set([`${entry} ${call} ${outcome}`, `${entry} ${call} ${outcome} ${row}`])) {
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    }
  }

  /** Points of a call with an outcome; with a row, of that row. */
  count(entry: Entry, call: string, outcome: string, row?: string): number {
    return this.#counts.get(`${entry} ${call} ${outcome}${row === undefined ? '' : ` ${row}`}`) ?? 0;
  }

  /** The required rows that have no point, each with the entry that it is missing by. */
  missing(rows: readonly Row[]): readonly string[] {
    return rows.flatMap(({ call, outcome, row, entries: by }) =>
      by
        .filter((entry) => this.count(entry, call, outcome, row === '' ? undefined : row) === 0)
        .map((entry) => `${call} ${outcome} ${row} (${entry}) is not covered`),
    );
  }
}

/** A Markdown table with padded columns. */
function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...lines].map((line) => (line[column] ?? '').length)));
  const write = (line: readonly string[]): string =>
    `| ${line.map((word, column) => word.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [write(head), rule, ...lines.map(write)].join('\n');
}

/** Counts of all entries: `x86-64/i386/int 0x80`; empty where there is none at all. */
function cell(counts: readonly number[]): string {
  return counts.every((count) => count === 0) ? '' : counts.join('/');
}

/** Calls by outcome. A cell has the points by each entry; `n/a` says that no program can bring the outcome about. */
export function callTable(coverage: Coverage, rows: readonly Row[]): string {
  const calls = [...new Set(rows.map(({ call }) => call))];
  const outcomes = [...new Set([...rows, ...unreachable].map(({ outcome }) => outcome))];
  return table(
    ['call', ...outcomes],
    calls.map((call) => [
      `\`${call}\``,
      ...outcomes.map((outcome) => {
        if (unreachable.some((each) => each.call === call && each.outcome === outcome)) return 'n/a';
        return cell(entries.map((entry) => coverage.count(entry, call, outcome)));
      }),
    ]),
  );
}

/** Each required row with its points by entry. */
export function rowTable(coverage: Coverage, rows: readonly Row[]): string {
  return table(
    ['call', 'outcome', 'row', 'points'],
    rows
      .filter(({ row }) => row !== '')
      .map(({ call, outcome, row, sentence, entries: by }) => [
        `\`${call}\``,
        outcome,
        sentence,
        entries
          .map((entry) => (by.includes(entry) ? String(coverage.count(entry, call, outcome, row)) : '-'))
          .join('/'),
      ]),
  );
}
