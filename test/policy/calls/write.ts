/**
 * Writes the table of docs/system-calls.md.
 *
 * usage: node dist/test/policy/calls/write.js
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../programs/compile.js';
import { withTable } from './table.js';

const PAGE = join(root, 'docs', 'system-calls.md');
writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8')));
