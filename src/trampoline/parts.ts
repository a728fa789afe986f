/**
 * The code of a table that takes more than one page: slot after slot without a gap, across the borders of pages, and traps
 * behind the last up to the end of its page.
 *
 * Such code is assembled and recognised in parts, so that whoever does it needs memory for one of them only. A part has as
 * many slots as a page has bytes. So it is whole pages, whatever the size of a slot is, and is a page of a smaller table
 * to `assemblePage` and `recognisePage`.
 *
 * @module
 */
import { type ArchitectureName, architectures } from './architectures.js';
import type { Table } from './table.js';

/** Some of a table's trampolines, and where their code stands. */
export interface TablePart {
  /** Bytes before it. */
  readonly offset: number;
  /** Bytes of it: whole pages of the architecture. */
  readonly length: number;
  /** Its trampolines, as a table of their own. */
  readonly table: Table;
}

/**
 * Bytes of a table's code, in whole pages; one page at least.
 *
 * @param count - trampolines
 * @param pageSize - bytes of a page of the machine
 */
export function codeLength(architecture: ArchitectureName, count: number, pageSize: number): number {
  const pages = Math.ceil((count * architectures[architecture].tableSlotSize) / pageSize);
  return pageSize * Math.max(pages, 1);
}

/** The parts of a table's code, from the first to the last. */
export function* partsOf(table: Table, pageSize: number): Generator<TablePart> {
  const { tableSlotSize, wordSize, pageSize: slots } = architectures[table.architecture];
  const end = codeLength(table.architecture, table.count, pageSize);
  for (let first = 0; first < table.count; first += slots) {
    const offset = first * tableSlotSize;
    const isLast = table.count - first <= slots;
    const words = BigInt(first * wordSize);
    yield {
      offset,
      length: isLast ? end - offset : slots * tableSlotSize,
      table: {
        ...table,
        count: isLast ? table.count - first : slots,
        codeTable: table.codeTable + words,
        dataTable: table.dataTable + words,
      },
    };
  }
}
