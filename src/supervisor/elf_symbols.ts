/**
 * The function that a place of a program's file belongs to, by the file's symbols (elf(5)): .symtab where it has one, else
 * .dynsym.
 *
 * A file is whatever its owner has written there. No number in it is trusted: what is read, and how much, is bounded here.
 *
 * @module
 */
import { ELF, ELF_MAGIC, STT_GNU_IFUNC, SYMBOL_LAYOUT, type SymbolLayout } from '../abi/elf.js';

/** Bytes of the file, from an offset on; undefined where there are not as many. */
export type ReadFile = (offset: number, length: number) => Uint8Array | undefined;

/** A function, and how far into it a place is. */
export interface FoundFunction {
  readonly name: string;
  /** In bytes. */
  readonly offset: number;
}

/** More headers, symbols and bytes of a name are not looked at. A program of a hundred megabytes has some 500,000 symbols. */
const MOST_HEADERS = 4096;
const MOST_SYMBOLS = 1 << 20;
const LONGEST_NAME = 256;
/** Symbols that are read at once. */
const CHUNK = 4096;

type Field = readonly [offset: number, size: 2 | 4 | 8];

/** A field of a structure that stands at an offset of a view. */
function fieldOf(view: DataView, at: number, [offset, size]: Field): number {
  if (size === 2) return view.getUint16(at + offset, true);
  if (size === 4) return view.getUint32(at + offset, true);
  // What is beyond 2^53 is in no file, and leads to nothing that can be read.
  return Number(view.getBigUint64(at + offset, true));
}

function readView(read: ReadFile, offset: number, length: number): DataView | undefined {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(offset + length)) return undefined;
  const bytes = read(offset, length);
  return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A table of structures that the header tells of. */
function tableOf(
  read: ReadFile,
  header: DataView,
  fields: { readonly at: Field; readonly count: Field; readonly entry: Field },
  size: number,
): { readonly view: DataView; readonly count: number } | undefined {
  const count = fieldOf(header, 0, fields.count);
  if (fieldOf(header, 0, fields.entry) !== size || count > MOST_HEADERS) return undefined;
  const view = readView(read, fieldOf(header, 0, fields.at), count * size);
  return view === undefined ? undefined : { view, count };
}

/** The address that a place of the file is mapped at, as its symbols count addresses. */
function addressOf(read: ReadFile, header: DataView, { header: h, segment: s }: SymbolLayout, place: number) {
  const table = tableOf(read, header, { at: h.e_phoff, count: h.e_phnum, entry: h.e_phentsize }, s.size);
  if (table === undefined) return undefined;
  for (let index = 0; index < table.count; index++) {
    const at = index * s.size;
    const start = fieldOf(table.view, at, s.p_offset);
    if (fieldOf(table.view, at, s.p_type) !== ELF.PT_LOAD || place < start) continue;
    if (place < start + fieldOf(table.view, at, s.p_filesz)) return fieldOf(table.view, at, s.p_vaddr) + place - start;
  }
  return undefined;
}

/** Where a table of symbols is, and its strings. */
interface SymbolTable {
  readonly offset: number;
  readonly count: number;
  readonly strings: { readonly offset: number; readonly size: number };
}

function symbolTables(read: ReadFile, header: DataView, layout: SymbolLayout): readonly SymbolTable[] {
  const { header: h, section: s, symbol } = layout;
  const table = tableOf(read, header, { at: h.e_shoff, count: h.e_shnum, entry: h.e_shentsize }, s.size);
  if (table === undefined) return [];
  const { view, count } = table;
  const found = (type: number): SymbolTable[] => {
    for (let index = 0; index < count; index++) {
      const at = index * s.size;
      const link = fieldOf(view, at, s.sh_link);
      if (fieldOf(view, at, s.sh_type) !== type || link >= count) continue;
      const strings = link * s.size;
      return [
        {
          offset: fieldOf(view, at, s.sh_offset),
          count: Math.min(Math.floor(fieldOf(view, at, s.sh_size) / symbol.size), MOST_SYMBOLS),
          strings: { offset: fieldOf(view, strings, s.sh_offset), size: fieldOf(view, strings, s.sh_size) },
        },
      ];
    }
    return [];
  };
  return [...found(ELF.SHT_SYMTAB), ...found(ELF.SHT_DYNSYM)];
}

function nameOf(read: ReadFile, { strings }: SymbolTable, at: number): string | undefined {
  const length = Math.min(LONGEST_NAME, strings.size - at);
  if (!(length > 0)) return undefined;
  const view = readView(read, strings.offset + at, length);
  if (view === undefined) return undefined;
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const end = bytes.indexOf(0);
  const name = bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  return name === '' ? undefined : end < 0 ? `${name}...` : name;
}

/** The function of a table that an address is in; of several names the first that is for programs to use. */
function functionIn(
  read: ReadFile,
  table: SymbolTable,
  { symbol: s }: SymbolLayout,
  address: number,
): FoundFunction | undefined {
  let found: FoundFunction | undefined;
  for (let first = 0; first < table.count; first += CHUNK) {
    const count = Math.min(CHUNK, table.count - first);
    const view = readView(read, table.offset + first * s.size, count * s.size);
    if (view === undefined) return found;
    for (let at = 0; at < view.byteLength; at += s.size) {
      const value = fieldOf(view, at, s.st_value);
      if (address < value || address >= value + fieldOf(view, at, s.st_size)) continue;
      const type = view.getUint8(at + s.st_info) & 0xf;
      if (type !== ELF.STT_FUNC && type !== STT_GNU_IFUNC) continue;
      if (fieldOf(view, at, s.st_shndx) === ELF.SHN_UNDEF) continue;
      const name = nameOf(read, table, fieldOf(view, at, s.st_name));
      if (name === undefined) continue;
      // Those that begin so are reserved to the C library and its like (C11 7.1.3).
      if (!name.startsWith('_')) return { name, offset: address - value };
      found ??= { name, offset: address - value };
    }
  }
  return found;
}

/**
 * The function that a place belongs to.
 *
 * @param read reads of the file
 * @param place offset in the file
 * @returns nothing where the file is none of ELF with the lowest byte first, has no symbol that covers the place, or is
 *   damaged
 */
export function functionAt(read: ReadFile, place: number): FoundFunction | undefined {
  const start = readView(read, 0, SYMBOL_LAYOUT[32].header.size);
  if (start === undefined || !ELF_MAGIC.every((byte, index) => start.getUint8(index) === byte)) return undefined;
  const kind = start.getUint8(4);
  if ((kind !== ELF.ELFCLASS32 && kind !== ELF.ELFCLASS64) || start.getUint8(5) !== ELF.ELFDATA2LSB) return undefined;
  const layout = SYMBOL_LAYOUT[kind === ELF.ELFCLASS64 ? 64 : 32];
  const header = readView(read, 0, layout.header.size);
  const address = header === undefined ? undefined : addressOf(read, header, layout, place);
  if (header === undefined || address === undefined) return undefined;
  for (const table of symbolTables(read, header, layout)) {
    const found = functionIn(read, table, layout, address);
    if (found !== undefined) return found;
  }
  return undefined;
}
