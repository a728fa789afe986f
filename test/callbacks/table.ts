/**
 * The table of the README: which programs keep their callbacks under what.
 *
 * @module
 */
import { cellOf } from './cell.js';
import { type Column, look } from './look.js';
import type { CallbackProgram } from './programs.js';

/** The table's columns, by what stands above them. */
export const columns: Readonly<Record<string, Column>> = {
  bare: 'bare',
  PR_SET_MDWE: 'mdwe',
  '`wx`': 'wx',
  '`strict`': 'strict',
};

/** What the launcher's exit status is where the kernel has no PR_SET_MDWE. */
const NO_MDWE = 125;

/** What a cell says where the kernel has no PR_SET_MDWE. */
export const UNKNOWN = 'not known';

/** One row: the program's name, and a cell for each column. */
export type Row = readonly string[];

/** The row of a program, from runs of it. */
export async function rowOf(
  program: CallbackProgram,
  see: (program: CallbackProgram, column: Column) => ReturnType<typeof look> = look,
): Promise<Row> {
  const cells: string[] = [];
  for (const column of Object.values(columns)) {
    const seen = await see(program, column);
    cells.push(column === 'mdwe' && seen.status === NO_MDWE ? UNKNOWN : cellOf(seen, program.status));
  }
  return [program.name, ...cells];
}

/** The table in Markdown. */
export function writeTable(rows: readonly Row[]): string {
  const head = ['program', ...Object.keys(columns)];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The rows of a table that {@link writeTable} wrote. */
export function readTable(table: string): readonly Row[] {
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.replace(/^\| | \|$/g, '').split(' | '));
}

/**
 * What a page's table and a run say differently, one sentence each. Cells are not compared that are not known here.
 */
export function differences(inPage: readonly Row[], here: readonly Row[]): readonly string[] {
  const names = Object.keys(columns);
  return here.flatMap(([name = '', ...cells]) => {
    const line = inPage.find(([other]) => other === name);
    if (line === undefined) return [`"${name}" is not in the table`];
    return cells.flatMap((cell, index) => {
      const written = line[index + 1] ?? '';
      if (cell === written || cell === UNKNOWN) return [];
      return [`"${name}", ${names[index]}: the table has "${written}", this run "${cell}"`];
    });
  });
}

const [BEGIN, END] = ['<!-- programs: written by --write-readme -->', '<!-- end of programs -->'];

/** The table in a page. */
export function tableIn(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  return page.slice(from + BEGIN.length, to).trim();
}

/** The page with another table. */
export function withTable(page: string, table: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  return `${page.slice(0, from + BEGIN.length)}\n\n${table}\n\n${page.slice(to)}`;
}
