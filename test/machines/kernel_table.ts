/**
 * The part of docs/policy.md about other kernels: rows that one of them answers otherwise than the table's own.
 *
 * What is not listed is as in the table, which a run of the harness holds it to. Of a race only `strict` counts: whether a
 * few slow rounds are enough to win it elsewhere is chance.
 *
 * @module
 */
import type { MatrixRow } from '../policy/matrix/rows.js';
import { type Cells, cellsOf, readTable, tableIn, type User, type UserResults, users } from '../policy/matrix/table.js';

/** The columns: without us, and under the levels as they are by default. */
export const levels = ['bare', 'wx', 'strict'] as const;
export type Level = (typeof levels)[number];

/** A row's cells by user and level. */
type RowCells = Record<User, Record<Level, string>>;

/** What the page says of kernels. */
export interface KernelTable {
  /** Names such as 6.1, each with the version of the package that was booted. */
  readonly versions: ReadonlyMap<string, string>;
  /** Cells of each kernel by the row's way; rows that are not listed are the table's. */
  readonly cells: ReadonlyMap<string, ReadonlyMap<string, RowCells>>;
}

/** Results of a kernel's matrix; of a user that did not run it there are none. */
export type KernelResults = Readonly<Record<User, UserResults>>;

const [BEGIN, END] = ['<!-- kernels: written by test/machines/write.js -->', '<!-- end of kernels -->'];
const HEAD = ['#', 'way', 'Linux', ...levels.map((level) => (level === 'bare' ? level : `\`${level}\``))];

function rowCells(cell: (user: User, level: Level) => string): RowCells {
  const of = (user: User): Record<Level, string> =>
    Object.fromEntries(levels.map((level) => [level, cell(user, level)])) as Record<Level, string>;
  return { root: of('root'), ordinary: of('ordinary') };
}

/** The table's own cells, by the row's way. */
function ownCells(page: string): ReadonlyMap<string, RowCells> {
  const table = tableIn(page);
  const tables = { root: readTable(table, 'root'), ordinary: readTable(table, 'ordinary') };
  return new Map(
    [...tables.root.keys()].map((way) => [way, rowCells((user, level) => tables[user].get(way)?.[level] ?? '')]),
  );
}

/** The generated part of a page. */
function partOf(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table of kernels');
  return page.slice(from + BEGIN.length, to);
}

/** Reads what a page says of kernels. */
export function readKernelTable(page: string): KernelTable {
  const part = partOf(page);
  const versions = new Map(
    [...part.matchAll(/\*\*(\S+)\*\* \(([^)]+)\)/g)].map(([, name = '', version = '']) => [name, version]),
  );
  const cells = new Map([...versions.keys()].map((name) => [name, new Map(ownCells(page))]));
  for (const line of part.split('\n').filter((each) => /^\| \d/.test(each))) {
    const [, way = '', names = '', ...texts] = line.replace(/^\| | \|$/g, '').split(' | ');
    if (texts.length !== levels.length) throw new Error(`not a line of the table of kernels: ${line}`);
    const row = rowCells((user, level) => {
      const [root = '', ordinary = root] = (texts[levels.indexOf(level)] ?? '').split(' / ');
      return user === 'root' ? root : ordinary;
    });
    for (const name of names.split(', ')) cells.get(name)?.set(way, row);
  }
  return { versions, cells };
}

/** Whether two kernels' cells say the same, as far as it is no chance. */
function areAlike(row: MatrixRow, one: RowCells, other: RowCells): boolean {
  return users.every((user) =>
    levels.every((level) => (row.isRace && level !== 'strict') || one[user][level] === other[user][level]),
  );
}

/** The generated part, anew. */
function writePart(page: string, { versions, cells }: KernelTable, rows: readonly MatrixRow[]): string {
  const own = ownCells(page);
  const names = [...versions.keys()];
  const booted = names.map((name) => `**${name}** (${versions.get(name)})`).join(', ');
  const lines = rows.flatMap((row) => {
    const here = own.get(row.way);
    const groups = new Map<string, string[]>();
    for (const name of names) {
      const there = cells.get(name)?.get(row.way);
      if (there === undefined || (here !== undefined && areAlike(row, here, there))) continue;
      const texts = levels.map((level) => {
        const [root, ordinary] = [there.root[level], there.ordinary[level]];
        return root === ordinary ? root : `${root} / ${ordinary}`;
      });
      const key = texts.join(' | ');
      groups.set(key, [...(groups.get(key) ?? []), name]);
    }
    return [...groups].map(([texts, alike]) => `| ${row.number} | ${row.way} | ${alike.join(', ')} | ${texts} |`);
  });
  const head = [
    `| ${HEAD.join(' | ')} |`,
    `| --: | ${HEAD.slice(1)
      .map(() => '---')
      .join(' | ')} |`,
  ];
  return `Booted: ${booted}.\n\n${[...head, ...lines].join('\n')}`;
}

/** One cell of a run; empty where that was not run. */
function ranCell(row: MatrixRow, results: KernelResults, user: User, level: Level): string {
  return cellsOf(row, results[user])[level];
}

/** What a page says of what was tried: the package's version, and numbers of rows that were not tried whole. */
function scopeOf(version: string, results: KernelResults, rows: readonly MatrixRow[]): string {
  const isWhole = (row: MatrixRow): boolean =>
    users.every((user) => levels.every((level) => ranCell(row, results, user, level) !== ''));
  const left = new Set(rows.filter((row) => !isWhole(row)).map(({ number }) => number));
  return left.size === 0 ? version : `${version}; not all of rows ${[...left].join(', ')}`;
}

/** The page with what a kernel's run gave. What the run left out stays as it was, and the page says so. */
export function withKernel(
  page: string,
  { name, version }: { readonly name: string; readonly version: string },
  results: KernelResults,
  rows: readonly MatrixRow[],
): string {
  const old = readKernelTable(page);
  const own = ownCells(page);
  const before = old.cells.get(name);
  const cells = new Map(
    rows.map((row) => [
      row.way,
      rowCells((user, level) => {
        const known = before?.get(row.way) ?? own.get(row.way);
        return ranCell(row, results, user, level) || (known?.[user][level] ?? '');
      }),
    ]),
  );
  const names = [...new Set([...old.versions.keys(), name])].sort((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  const table: KernelTable = {
    versions: new Map(
      names.map((each) => [each, each === name ? scopeOf(version, results, rows) : (old.versions.get(each) ?? '')]),
    ),
    cells: new Map(names.map((each) => [each, each === name ? cells : (old.cells.get(each) ?? new Map())])),
  };
  const part = writePart(page, table, rows);
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  return `${page.slice(0, from + BEGIN.length)}\n\n${part}\n\n${page.slice(to)}`;
}

/** What a run on a kernel and the page say differently, one sentence each. Cells that were not run are not compared. */
export function kernelDifferences(
  page: string,
  name: string,
  results: KernelResults,
  rows: readonly MatrixRow[],
): readonly string[] {
  const known = readKernelTable(page).cells.get(name);
  if (known === undefined) return [`docs/policy.md has nothing of Linux ${name}`];
  return rows.flatMap((row) =>
    users.flatMap((user) => {
      const ran: Cells = cellsOf(row, results[user]);
      return levels
        .filter((level) => ran[level] !== '' && !(row.isRace && level !== 'strict'))
        .filter((level) => ran[level] !== known.get(row.way)?.[user][level])
        .map((level) => {
          const written = known.get(row.way)?.[user][level] ?? '';
          return `row ${row.number}, ${user}, ${level}: the page has "${written}" for ${name}, this run "${ran[level]}"`;
        });
    }),
  );
}
