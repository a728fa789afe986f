/**
 * The table of the policy's page: written from a run, and read back to be compared with another one.
 *
 * @module
 */
import { cellText, type Result } from './outcome.js';
import type { MatrixRow } from './rows.js';

/** The columns: without us, and each level, as it is asked for; where trampolines are emulated, with that and without. */
export const columns = ['bare', 'off', 'log', 'wx --no-emulation', 'strict --no-emulation', 'wx', 'strict'] as const;
export type Column = (typeof columns)[number];

/** Columns that emulate, and each one's that refuses in place of that. */
export const refusing = { wx: 'wx --no-emulation', strict: 'strict --no-emulation' } as const;

/** Whether nothing is executed in a column that can be written. */
export function isStrict(column: Column): boolean {
  return column.startsWith('strict');
}

/** Who runs the programs. */
export const users = ['root', 'ordinary'] as const;
export type User = (typeof users)[number];

/** The results of one user, by column. */
export type UserResults = Readonly<Record<Column, readonly Result[]>>;

/** A row's cells of one user, by column. */
export type Cells = Readonly<Record<Column, string>>;

const HEAD = ['#', 'way', ...columns.map((column) => (column === 'bare' ? column : `\`${column}\``))];

/** A column that emulates has this where nothing changes by that. */
const THE_SAME = '=';

function cellsBy(cell: (column: Column) => string): Cells {
  return Object.fromEntries(columns.map((column) => [column, cell(column)])) as Record<Column, string>;
}

/** The cells of a row, as one user's run gives them. */
export function cellsOf(row: MatrixRow, results: UserResults): Cells {
  return cellsBy((column) => cellText(row, results[column]));
}

/** Two users' cells as one text; `A / B` where they differ. */
function joined(root: string, ordinary: string): string {
  return root === ordinary ? root : `${root} / ${ordinary}`;
}

/** The table in Markdown. */
export function writeTable(rows: readonly MatrixRow[], results: Readonly<Record<User, UserResults>>): string {
  const lines = rows.map((row) => {
    const [root, ordinary] = [cellsOf(row, results.root), cellsOf(row, results.ordinary)];
    const cells = cellsBy((column) => joined(root[column], ordinary[column]));
    const written = columns.map((column) =>
      column in refusing && cells[column] === cells[refusing[column as keyof typeof refusing]]
        ? THE_SAME
        : cells[column],
    );
    return [String(row.number), row.way, ...written];
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
      const textOf = (column: Column): string => cells[columns.indexOf(column)] ?? '';
      const own = cellsBy((column) => {
        const text = textOf(column);
        const said = text === THE_SAME ? textOf(refusing[column as keyof typeof refusing]) : text;
        const [root = '', ordinary = root] = said.split(' / ');
        return user === 'root' ? root : ordinary;
      });
      return [way, own];
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
  compared: readonly Column[] = columns,
): readonly string[] {
  return rows.flatMap((row) => {
    const [here, there] = [run(row), committed.get(row.way)];
    if (there === undefined) return [`row ${row.number} (${row.program}) is not in the table`];
    if (here.bare !== there.bare) return [];
    return compared
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
