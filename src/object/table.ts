/**
 * A trampoline table as a descriptor of the trampfd interface stands for it: an immutable value that begins empty, takes
 * a code and a data descriptor once each, and can then be mapped. No I/O happens here.
 *
 * It follows the second version of the kernel proposal of trampfd(2) (September 2020), and refuses beyond it what cannot
 * work: one register for both descriptors, and tables at NULL, misaligned or outside of the address space. The states are
 * told by which of the two descriptors are set:
 *
 *     empty ──code──► code set ──data──► complete ──mmap──► (mapped: the kernel's to know, see mapping.ts)
 *       └────data──► data set ──code──────┘
 *
 * An empty table may be asked to become larger than a page, once (extension.ts).
 *
 * @module
 */
import { TRAMPFD_INFO } from '../abi/trampfd.js';
import { TrampfdError } from '../error.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { codeLength } from '../trampoline/parts.js';
import { registerByNumber } from '../trampoline/registers.js';
import { type Table, trampolinesPerPage } from '../trampoline/table.js';

/** What a program set as a table's code descriptor. */
export interface CodeDescriptor {
  /** How many trampolines the table has, from 1 to `mostTrampolines(table)`. */
  readonly ntrampolines: number;
  /** Number of the register that receives the target's address, as trampfd.h numbers them. */
  readonly register: number;
  /** Address of the first slot of the program's array of targets; slots are as wide as a pointer of the program. */
  readonly table: bigint;
}

/** What a program set as a table's data descriptor. */
export interface DataDescriptor {
  /** Number of the register that receives the data, as trampfd.h numbers them. */
  readonly register: number;
  /** Address of the first slot of the program's array of data words; slots are as wide as a pointer of the program. */
  readonly table: bigint;
}

/** A trampoline table in any of its states. A descriptor that is present never changes. */
export interface TableObject {
  /** Architecture of the program that created it; only such a program can use it. */
  readonly architecture: ArchitectureName;
  /** Bytes of a page of the machine. */
  readonly pageSize: number;
  /** What the program asked for by the extension for large tables; without it a table has one page. */
  readonly extension?: { readonly ntrampolines: number };
  readonly code?: CodeDescriptor;
  readonly data?: DataDescriptor;
}

/** A table whose two descriptors are set. */
export type CompleteTable = TableObject & { readonly code: CodeDescriptor; readonly data: DataDescriptor };

/** What trampfd(2) tells a program about a new table. */
export interface TableInfo {
  /** The highest number of trampolines that a table holds where the extension is not asked for. */
  readonly ntrampolines: number;
  /** Bytes from one trampoline to the next. */
  readonly codeSize: number;
  /** The offset that mmap(2) maps the code at. */
  readonly codeOffset: number;
}

/** The page of a table's file that its code begins with (TRAMPFD_CODE_PGOFF in the proposal). */
const CODE_PGOFF = 1;

/**
 * An empty table for a program of an architecture.
 *
 * @param pageSize bytes of a page of the machine, as getpagesize(2) gives it
 */
export function createTable(architecture: ArchitectureName, pageSize: number): TableObject {
  return { architecture, pageSize };
}

/** What trampfd(2) answers about a table; the same for every table of an architecture. */
export function infoOf(table: TableObject): TableInfo {
  return {
    ntrampolines: trampolinesPerPage(table.architecture, table.pageSize),
    codeSize: architectures[table.architecture].tableSlotSize,
    codeOffset: CODE_PGOFF * table.pageSize,
  };
}

/** The highest number of trampolines that a table may be given: those of a page, or what the extension asked for. */
export function mostTrampolines(table: TableObject): number {
  return table.extension?.ntrampolines ?? infoOf(table).ntrampolines;
}

/** Bytes of a complete table's code, in whole pages. */
export function mappedLength({ architecture, code, pageSize }: CompleteTable): number {
  return codeLength(architecture, code.ntrampolines, pageSize);
}

/** The bytes of a struct trampfd_info: little-endian, `reserved` zero. */
export function encodeInfo(info: TableInfo): Uint8Array {
  const bytes = new Uint8Array(TRAMPFD_INFO.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(TRAMPFD_INFO.ntrampolines, info.ntrampolines, true);
  view.setUint32(TRAMPFD_INFO.code_size, info.codeSize, true);
  view.setUint32(TRAMPFD_INFO.code_offset, info.codeOffset, true);
  return bytes;
}

/** Whether both descriptors are set, so that the table can be mapped. */
export function isComplete(table: TableObject): table is CompleteTable {
  return table.code !== undefined && table.data !== undefined;
}

/**
 * What the code of a table is generated from.
 *
 * @throws TrampfdError EINVAL while one of the descriptors is not set
 */
export function toTrampolineTable(table: TableObject): Table {
  if (!isComplete(table)) {
    const missing = table.code === undefined ? 'code' : 'data';
    throw new TrampfdError('EINVAL', `table without a ${missing} descriptor has no page; set both descriptors first`);
  }
  const { architecture, code, data } = table;
  return {
    architecture,
    count: code.ntrampolines,
    codeRegister: nameOf(architecture, code.register),
    dataRegister: nameOf(architecture, data.register),
    codeTable: code.table,
    dataTable: data.table,
  };
}

/** The name of a register that a descriptor holds: it was found to be one when the descriptor was set. */
function nameOf(architecture: ArchitectureName, register: number): string {
  const name = registerByNumber(architecture, register);
  if (name === undefined) throw new TrampfdError('EINVAL', `register ${register} is none of ${architecture}'s`);
  return name;
}
