/**
 * The rows of both versions: what a run of the whole suite has to cover.
 *
 * @module
 */
import { contextRows } from './context_rows.js';
import { type Row, tableRows } from './rows.js';

export const rows: readonly Row[] = [...tableRows, ...contextRows];
