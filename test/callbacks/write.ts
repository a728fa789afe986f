/**
 * Runs the programs that write trampolines and prints what becomes of them, or writes it into the README.
 *
 * usage: node dist/test/callbacks/write.js [--write-readme] [--only PART-OF-A-NAME]
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../programs/compile.js';
import { programs } from './programs.js';
import { type Row, rowOf, withTable, writeTable } from './table.js';

const PAGE = join(root, 'README.md');

async function main(words: readonly string[]): Promise<number> {
  const parts = words.filter((_, index) => words[index - 1] === '--only');
  const writesPage = words.includes('--write-readme');
  if (writesPage && parts.length > 0) {
    console.error('write: the page is written from all programs; leave --only out');
    return 2;
  }
  const rows: Row[] = [];
  for (const program of programs) {
    if (parts.length === 0 || parts.some((part) => program.name.includes(part))) rows.push(await rowOf(program));
  }
  const table = writeTable(rows);
  console.log(table);
  if (writesPage) writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), table));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
