/**
 * Results as a table for the terminal.
 *
 * @module
 */
import type { Row, Section } from './measure.js';

/** A figure with three significant digits or, above 100, none behind the point. */
function figure(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells(row: Row): string[] {
  const { ratio, target } = row;
  return [
    row.what,
    `${figure(row.median)} ${row.unit}`,
    `${figure(Math.min(...row.rounds))} to ${figure(Math.max(...row.rounds))}`,
    ratio === undefined ? '' : ratio.value.toFixed(2),
    ratio === undefined ? '' : ratio.against,
    target === undefined ? '' : `at most ${target.atMost}${target.of === 'median' ? ` ${row.unit}` : ''}`,
    target === undefined ? '' : target.met ? 'met' : 'missed',
  ];
}

const HEAD: readonly string[] = ['', 'median', 'range', 'ratio', 'to', 'target', ''];

/** The columns that hold numbers, which end under each other. */
const RIGHT: readonly number[] = [1, 2, 3];

/** A section as lines of text, with aligned columns. */
export function format(section: Section): string {
  const table = [HEAD, ...section.rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  const text = table.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return [section.title, ...text.map((line) => `  ${line}`), ''].join('\n');
}
