/**
 * Runs the matrix and prints it, or writes it into docs/policy.md, and what the kernel says of buffers into
 * docs/system-calls.md.
 *
 * usage: node dist/test/policy/matrix/write.js [--write-docs] [--row NUMBER]... [--attempts] [--without-supervisor]
 *
 * With --attempts every single attempt is printed; with --without-supervisor those alone that are made under strict when
 * the supervisor has been killed. The page is written from a whole run as root.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { copyCommand, SharedFolder } from '../../cli/command.js';
import { root } from '../../programs/compile.js';
import { withBuffers } from './buffers.js';
import { runMatrix, runWithoutSupervisor } from './matrix.js';
import { isBreach, nameOf } from './outcome.js';
import { matrixRows } from './rows.js';
import { isRoot } from './stage.js';
import { columns, isStrict, users, withTable, writeTable } from './table.js';

const PAGE = join(root, 'docs', 'policy.md');
const CALLS = join(root, 'docs', 'system-calls.md');

async function main(words: readonly string[]): Promise<number> {
  const numbers = words.flatMap((word, index) => (words[index - 1] === '--row' ? [Number(word)] : []));
  const rows = numbers.length === 0 ? matrixRows : matrixRows.filter(({ number }) => numbers.includes(number));
  const writesDocs = words.includes('--write-docs');
  if (!isRoot || (writesDocs && numbers.length > 0)) {
    console.error('write: the matrix is written as root, and whole');
    return 2;
  }
  using folder = new SharedFolder();
  const command = copyCommand(folder.path);
  if (words.includes('--without-supervisor')) {
    for (const user of users) {
      for (const result of await runWithoutSupervisor(folder.path, user, command, rows)) {
        console.log(`${isBreach(result.outcome) ? 'NOT OK ' : ''}${user} ${nameOf(result)}: ${result.outcome}`);
      }
    }
    return 0;
  }
  const results = {
    root: await runMatrix(folder.path, 'root', command, rows),
    ordinary: await runMatrix(folder.path, 'ordinary', command, rows),
  };
  const table = writeTable(rows, results);
  console.log(table);
  for (const user of users) {
    for (const column of columns) {
      for (const result of results[user][column]) {
        const isWrong = isStrict(column) && isBreach(result.outcome);
        if (isWrong || words.includes('--attempts')) {
          console.log(`${isWrong ? 'NOT OK ' : ''}${user} ${column} ${nameOf(result)}: ${result.outcome}`);
        }
      }
    }
  }
  if (writesDocs) {
    writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), table));
    const kernel = /^\d+\.\d+/.exec(release())?.[0] ?? release();
    writeFileSync(CALLS, withBuffers(readFileSync(CALLS, 'utf8'), kernel, results.root.bare));
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
