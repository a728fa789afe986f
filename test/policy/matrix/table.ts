/**
 * The table of the policy's page: written from a run, and read back to be compared with another one.
 *
 * @module
 */
import { cellText, type Result } from './outcome.js';
import type { MatrixRow } from './rows.js';

/** The columns: without us, and each level. */
export const columns = ['bare', 'off', 'log', 'wx', 'strict'] as const;
export type Column = (typeof columns)[number];

/** Who runs the programs. */
export const users = ['root', 'ordinary'] as const;
export type User = (typeof users)[number];

/** The results of one user, by column. */
export type UserResults = Readonly<Record<Column, readonly Result[]>>;

/** A row's cells of one user, by column. */
export type Cells = Readonly<Record<Column, string>>;

const HEAD = ['#', 'way', 'bare', '`off`', '`log`', '`wx`', '`strict`'];

/** The cells of a row, as one user's run gives them. */
export function cellsOf(row: MatrixRow, results: UserResults): Cells {
  const cell = (column: Column): string => cellText(row, results[column]);
  return { bare: cell('bare'), off: cell('off'), log: cell('log'), wx: cell('wx'), strict: cell('strict') };
}

/** Two users' cells as one text; `A / B` where they differ. */
function joined(root: string, ordinary: string): string {
  return root === ordinary ? root : `${root} / ${ordinary}`;
}

/** The table in Markdown. */
export function writeTable(rows: readonly MatrixRow[], results: Readonly<Record<User, UserResults>>): string {
  const lines = rows.map((row) => {
    const [root, ordinary] = [cellsOf(row, results.root), cellsOf(row, results.ordinary)];
    return [String(row.number), row.way, ...columns.map((column) => joined(root[column], ordinary[column]))];
  });
  return [HEAD, ['--:', ...HEAD.slice(1).map(() => '---')], ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/**
 * The cells of one user in a table that {@link writeTable} wrote, by the row's way.
 *
 * @throws Error where a line of it has not as many cells as there are columns
 */
export function readTable(table: string, user: User): ReadonlyMap<string, Cells> {
  const lines = table.trim().split('\n').slice(2);
  return new Map(
    lines.map((line) => {
      const [, way = '', ...cells] = line.replace(/^\| | \|$/g, '').split(' | ');
      if (cells.length !== columns.length) throw new Error(`not a line of the table: ${line}`);
      const own = cells.map((cell) => {
        const [root = '', ordinary = root] = cell.split(' / ');
        return user === 'root' ? root : ordinary;
      });
      const [bare = '', off = '', log = '', wx = '', strict = ''] = own;
      return [way, { bare, off, log, wx, strict }];
    }),
  );
}

/**
 * What a run and a committed table say differently, one sentence each.
 *
 * What this machine's kernel answers without us may be something else than where the table was written: it has no huge
 * pages, or other devices. Where the bare column differs, the row's other cells are not compared.
 */
export function differences(
  rows: readonly MatrixRow[],
  committed: ReadonlyMap<string, Cells>,
  run: (row: MatrixRow) => Cells,
): readonly string[] {
  return rows.flatMap((row) => {
    const [here, there] = [run(row), committed.get(row.way)];
    if (there === undefined) return [`row ${row.number} (${row.program}) is not in the table`];
    if (here.bare !== there.bare) return [];
    return columns
      .filter((column) => here[column] !== there[column])
      .map((column) => `row ${row.number}, ${column}: the table has "${there[column]}", this run "${here[column]}"`);
  });
}

const [BEGIN, END] = ['<!-- rows: written by --write-docs -->', '<!-- end of rows -->'];

/** The table in a page. */
export function tableIn(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  return page.slice(from + BEGIN.length, to).trim();
}

/** The page with another table. */
export function withTable(page: string, table: string): string {
  const old = tableIn(page);
  return page.replace(`${BEGIN}\n\n${old}`, () => `${BEGIN}\n\n${table}`);
}
