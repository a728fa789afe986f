/**
 * The matrix in a guest: tells what became of each attempt.
 *
 * usage: node matrix.js USER COLUMN[,COLUMN]... [ROW[,ROW]...]
 *
 * Races are shortened from 1,000 rounds to 50, for each round is some 100 times slower than on the machine itself.
 *
 * @module
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyCommand, SharedFolder } from '../../cli/command.js';
import { runMatrix } from '../../policy/matrix/matrix.js';
import { matrixRows } from '../../policy/matrix/rows.js';
import { columns, users } from '../../policy/matrix/table.js';
import { point, tell } from './report.js';

process.env['WX_ROUNDS'] = '50';

const [who, levels = '', numbers] = process.argv.slice(2);
const user = users.find((each) => each === who);
if (user === undefined) throw new Error(`no user is called ${who}`);
// An empty word stands for all rows.
const wanted = new Set((numbers ?? '').split(',').filter(Boolean).map(Number));
const rows = matrixRows.filter(({ number }) => wanted.size === 0 || wanted.has(number));

using folder = new SharedFolder();
const command = copyCommand(folder.path);
for (const column of columns.filter((each) => levels.split(',').includes(each))) {
  // Each level has stages of its own: what a run that failed left behind is in nobody's way.
  const place = join(folder.path, column);
  mkdirSync(place);
  const begun = performance.now();
  try {
    const results = await runMatrix(place, user, command, rows, [column]);
    for (const result of results[column]) tell({ attempt: { ...result, user, column } });
    console.log(
      `${user}, ${column}: ${results[column].length} attempts, ${Math.round((performance.now() - begun) / 1000)} s`,
    );
  } catch (error) {
    point(`${user}, ${column}`, String(error instanceof Error ? error.message : error));
  }
}
