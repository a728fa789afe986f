/**
 * The page of a trampoline table: slot after slot of code, traps behind the last.
 *
 * The trampolines of a table are alike but for the addresses of their two slots, which grow by a word from each to the
 * next. A page is assembled from that, and judged by reading every byte back: the two sides share no code, so that an
 * error of one does not hide behind itself. BigInt stays out of both loops; it is what would cost the time.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { type ArchitectureName, architectures } from './architectures.js';
import { instructionsOf, requireTableAddress, requireTableRegisters } from './assemble.js';
import { isTableSlot, viewOf } from './recognise.js';
import { type Trampoline, tableTrampoline } from './trampoline.js';

/** What a page of trampolines is generated from. */
export interface Table {
  readonly architecture: ArchitectureName;
  /** Trampolines of the table, at least 1 and at most as many as a page holds. */
  readonly count: number;
  /** The register through which the jump to the target goes. */
  readonly codeRegister: string;
  /** The register in which the target finds its data. */
  readonly dataRegister: string;
  /** Address of the first target's address; the others follow word by word. */
  readonly codeTable: bigint;
  /** Address of the first trampoline's data; the others follow word by word. */
  readonly dataTable: bigint;
}

/** The smallest page that Linux has on any architecture; each that it can be built with is a multiple of it. */
const SMALLEST_PAGE = 4096;

/** How many values a half of an address has. */
const HALF = 2 ** 32;

/** Lower and upper 32 bits. */
function halves(address: bigint): [low: number, high: number] {
  return [Number(address & 0xffff_ffffn), Number(address >> 32n)];
}

/** How many trampolines fit into a page: 68 of x86-64 into 4096 bytes. */
export function trampolinesPerPage(
  architecture: ArchitectureName,
  pageSize: number = architectures[architecture].pageSize,
): number {
  return Math.floor(pageSize / architectures[architecture].tableSlotSize);
}

/**
 * Judges a table.
 *
 * @throws TrampfdError EINVAL when a register is unknown, the code's can only take data, both are the same, the count is
 *   0, no integer or above what a page holds, when the page's size is no multiple of the smallest page's, or when a table
 *   is at NULL, misaligned or does not fit into the address space
 */
export function requireTable(table: Table, pageSize: number = architectures[table.architecture].pageSize): void {
  const { architecture, count, codeRegister, dataRegister, codeTable, dataTable } = table;
  if (!Number.isInteger(pageSize) || pageSize < SMALLEST_PAGE || pageSize % SMALLEST_PAGE !== 0) {
    throw new TrampfdError('EINVAL', `page of ${pageSize} bytes: pages are multiples of ${SMALLEST_PAGE}; give one`);
  }
  const limit = trampolinesPerPage(architecture, pageSize);
  if (!Number.isInteger(count) || count < 1 || count > limit) {
    throw new TrampfdError('EINVAL', `table of ${count} trampolines: a page of ${architecture} holds 1 to ${limit}`);
  }
  requireTableRegisters(architecture, codeRegister, dataRegister);
  requireTableAddress(architecture, codeTable, count);
  requireTableAddress(architecture, dataTable, count);
}

/**
 * Trampoline `index` of a table.
 *
 * @throws TrampfdError EINVAL when the table has no trampoline of that index
 */
export function trampolineOf(table: Table, index: number): Trampoline {
  const { architecture, count, codeRegister, dataRegister, codeTable, dataTable } = table;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new TrampfdError('EINVAL', `trampoline ${index}: the table has 0 to ${count - 1}`);
  }
  const offset = BigInt(index * architectures[architecture].wordSize);
  return tableTrampoline({ codeRegister, codeSlot: codeTable + offset, dataRegister, dataSlot: dataTable + offset });
}

/** Writes the addresses of a table's entries where the slots of a page hold them, `field` bytes into each slot. */
function placeAddresses(code: DataView, { architecture, count }: Table, field: number, address: bigint): void {
  const { wordSize, tableSlotSize, placeAddress } = architectures[architecture];
  let [low, high] = halves(address);
  for (let index = 0; index < count; index++) {
    placeAddress(code, index * tableSlotSize + field, low, high);
    low += wordSize;
    if (low === HALF) {
      low = 0;
      high += 1;
    }
  }
}

/** The first slot of a table, and where in it the two addresses stand. */
interface Pattern {
  readonly slot: Uint8Array;
  readonly codeField: number;
  readonly dataField: number;
}

/** Patterns by architecture and registers: all tables that agree in these differ only in their addresses. */
const patterns = new Map<string, Pattern>();

function patternOf({ architecture, codeRegister, dataRegister }: Table): Pattern {
  const key = `${architecture} ${codeRegister} ${dataRegister}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  // Two addresses that tell the fields apart; whatever they are, they are overwritten in every slot.
  const { wordSize, tableSlotSize } = architectures[architecture];
  const codeSlot = BigInt(wordSize);
  const dataSlot = BigInt(2 * wordSize);
  const slot = new Uint8Array(tableSlotSize);
  const fields = new Map<bigint, number>();
  let at = 0;
  for (const { bytes, holds } of instructionsOf(
    tableTrampoline({ codeRegister, codeSlot, dataRegister, dataSlot }),
    architecture,
  )) {
    slot.set(bytes, at);
    if (holds !== undefined) fields.set(holds.address, at + holds.at);
    at += bytes.length;
  }
  const pattern = { slot, codeField: fields.get(codeSlot) ?? 0, dataField: fields.get(dataSlot) ?? 0 };
  patterns.set(key, pattern);
  return pattern;
}

/**
 * The page of a table: trampoline X at `tableSlotSize * X`, the architecture's trap everywhere else.
 *
 * @param pageSize size of a page in bytes; the architecture's usual one when absent
 * @throws TrampfdError EINVAL as {@link requireTable} does
 */
export function assemblePage(table: Table, pageSize: number = architectures[table.architecture].pageSize): Uint8Array {
  requireTable(table, pageSize);
  const { tableSlotSize, trap } = architectures[table.architecture];
  const { slot, codeField, dataField } = patternOf(table);
  const page = new Uint8Array(pageSize);
  const end = table.count * tableSlotSize;
  page.set(slot);
  // What is filled doubles with each copy.
  for (let at = tableSlotSize; at < end; at *= 2) page.copyWithin(at, 0, Math.min(at, end - at));
  const code = viewOf(page);
  placeAddresses(code, table, codeField, table.codeTable);
  placeAddresses(code, table, dataField, table.dataTable);
  fillWithTraps(page, end, trap.bytes);
  return page;
}

function fillWithTraps(page: Uint8Array, from: number, trap: readonly number[]): void {
  if (from < page.length) page.set(trap, from);
  for (let at = from + trap.length; at < page.length; at++) page[at] = page[at - trap.length] ?? 0;
}

function isFilledWithTraps(page: Uint8Array, from: number, trap: readonly number[]): boolean {
  if (from < page.length && trap.some((byte, index) => page[from + index] !== byte)) return false;
  for (let at = from + trap.length; at < page.length; at++) if (page[at] !== page[at - trap.length]) return false;
  return true;
}

/** Whether the halves of a recognised address are those of entry `index` words after `low` and `high`. */
function isEntry(foundLow: number, foundHigh: number, low: number, high: number, offset: number): boolean {
  const sum = low + offset;
  return sum < HALF ? foundLow === sum && foundHigh === high : foundLow === sum - HALF && foundHigh === high + 1;
}

/**
 * Whether a page is exactly the table's: each slot, read byte by byte, is the trampoline that should be there, and
 * everything else is traps. Nothing of what assembled the page takes part in this.
 */
export function recognisePage(page: Uint8Array, table: Table): boolean {
  const { wordSize, tableSlotSize, tableRegisters, trap, recogniseSlot } = architectures[table.architecture];
  const codeRegister = tableRegisters.find(
    ({ name, dataOnly }) => name === table.codeRegister && dataOnly === undefined,
  )?.encoding;
  const dataRegister = tableRegisters.find(({ name }) => name === table.dataRegister)?.encoding;
  const end = table.count * tableSlotSize;
  if (codeRegister === undefined || dataRegister === undefined || !(end >= tableSlotSize && end <= page.length)) {
    return false;
  }
  const code = viewOf(page);
  const [codeLow, codeHigh] = halves(table.codeTable);
  const [dataLow, dataHigh] = halves(table.dataTable);
  for (let index = 0; index < table.count; index++) {
    const slot = recogniseSlot(code, index * tableSlotSize);
    if (
      slot === undefined ||
      !isTableSlot(slot, wordSize) ||
      slot.codeRegister !== codeRegister ||
      slot.dataRegister !== dataRegister ||
      !isEntry(slot.codeLow, slot.codeHigh, codeLow, codeHigh, index * wordSize) ||
      !isEntry(slot.dataLow, slot.dataHigh, dataLow, dataHigh, index * wordSize)
    ) {
      return false;
    }
  }
  return isFilledWithTraps(page, end, trap.bytes);
}
