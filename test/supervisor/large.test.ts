/**
 * Tables of more than one page, under `trampfd run`: the program judges for itself; what it did stands in the log.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { trampfd } from '../cli/command.js';
import { holdTap, program } from './tap.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-large-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Of a line of the log, what is looked at here. */
interface Line {
  readonly event: string;
  readonly trampolines?: number;
  readonly errno?: string;
  readonly reason?: string;
}

describe('tables of more than one page', () => {
  for (const width of ['x86-64', 'i386'] as const) {
    test(`${width}: 100,000 trampolines, one descriptor, one mapping; every error; and the log`, () => {
      const log = join(folder, width);
      holdTap([trampfd, 'run', '--log', log, '--', program('large', width)]);
      const lines = readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      const sealed = lines.filter(({ event }) => event === 'table-sealed').map(({ trampolines }) => trampolines);
      for (const count of [5, 100_000, 1_048_576]) assert.ok(sealed.includes(count), `${count} of ${sealed}`);
      assert.equal(lines.filter(({ event }) => event === 'failed').length, 0);
      const refused = (errno: string, reason: RegExp): void => {
        assert.ok(
          lines.some((line) => line.event === 'refused' && line.errno === errno && reason.test(line.reason ?? '')),
          `${errno} ${reason}`,
        );
      };
      refused('EINVAL', /the extension's version is 2; this is version 1/);
      refused('EINVAL', /the extension asks for 1048577 trampolines; a table holds 1 to 1048576/);
      refused('EINVAL', /asks for 100001 trampolines; a table holds 1 to 100000: ask for more/);
      refused('EINVAL', /trampolines; a table holds 1 to (68|146): use several tables, or the extension/);
      refused('EEXIST', /the table may hold 100000 trampolines already; create another table/);
      refused('EEXIST', /the code descriptor is set already; write the extension before code and data/);
    });
  }
});
