/**
 * Constants and layouts of elf(5): what the kernel reads of a program's headers.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Types and flags of segments, and machines (linux/elf.h, linux/elf-em.h). */
export const ELF = {
  PT_LOAD: 1,
  PT_GNU_STACK: 0x6474e551,
  PF_X: 1,
  PF_W: 2,
  ELFCLASS32: 1,
  ELFCLASS64: 2,
  EM_386: 3,
  EM_486: 6,
  EM_X86_64: 62,
  ELFDATA2LSB: 1,
  SHT_SYMTAB: 2,
  SHT_DYNSYM: 11,
  SHN_UNDEF: 0,
  STT_FUNC: 2,
} as const;

/** Type of a symbol whose value is chosen when it is bound, by the function that it names (elf.h: STT_GNU_IFUNC). */
export const STT_GNU_IFUNC = 10;

/** The first four bytes of a file (linux/elf.h: ELFMAG). */
export const ELF_MAGIC: Uint8Array = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

/** Byte offsets in the headers, by the class of the file (linux/elf.h). */
export const ELF_LAYOUT = {
  32: {
    e_machine: 18,
    e_phoff: 28,
    e_phentsize: 42,
    e_phnum: 44,
    size: 52,
    p_type: 0,
    p_vaddr: 8,
    p_filesz: 16,
    p_memsz: 20,
    p_flags: 24,
    phentsize: 32,
  },
  64: {
    e_machine: 18,
    e_phoff: 32,
    e_phentsize: 54,
    e_phnum: 56,
    size: 64,
    p_type: 0,
    p_flags: 4,
    p_vaddr: 16,
    p_filesz: 32,
    p_memsz: 40,
    phentsize: 56,
  },
} as const;

/** A field of a structure: its offset and its bytes. */
type Field = readonly [offset: number, size: 2 | 4 | 8];

/** What symbols are found by: of the file's header, segments (Phdr), sections (Shdr) and symbols (Sym), by the class of the file (linux/elf.h). */
export interface SymbolLayout {
  readonly header: { readonly size: number } & Readonly<
    Record<'e_phoff' | 'e_shoff' | 'e_phentsize' | 'e_phnum' | 'e_shentsize' | 'e_shnum', Field>
  >;
  readonly segment: { readonly size: number } & Readonly<Record<'p_type' | 'p_offset' | 'p_vaddr' | 'p_filesz', Field>>;
  readonly section: { readonly size: number } & Readonly<
    Record<'sh_type' | 'sh_offset' | 'sh_size' | 'sh_link', Field>
  >;
  readonly symbol: { readonly size: number; readonly st_info: number } & Readonly<
    Record<'st_name' | 'st_shndx' | 'st_value' | 'st_size', Field>
  >;
}

export const SYMBOL_LAYOUT: Readonly<Record<32 | 64, SymbolLayout>> = {
  32: {
    header: {
      size: 52,
      e_phoff: [28, 4],
      e_shoff: [32, 4],
      e_phentsize: [42, 2],
      e_phnum: [44, 2],
      e_shentsize: [46, 2],
      e_shnum: [48, 2],
    },
    segment: { size: 32, p_type: [0, 4], p_offset: [4, 4], p_vaddr: [8, 4], p_filesz: [16, 4] },
    section: { size: 40, sh_type: [4, 4], sh_offset: [16, 4], sh_size: [20, 4], sh_link: [24, 4] },
    symbol: { size: 16, st_name: [0, 4], st_value: [4, 4], st_size: [8, 4], st_info: 12, st_shndx: [14, 2] },
  },
  64: {
    header: {
      size: 64,
      e_phoff: [32, 8],
      e_shoff: [40, 8],
      e_phentsize: [54, 2],
      e_phnum: [56, 2],
      e_shentsize: [58, 2],
      e_shnum: [60, 2],
    },
    segment: { size: 56, p_type: [0, 4], p_offset: [8, 8], p_vaddr: [16, 8], p_filesz: [32, 8] },
    section: { size: 64, sh_type: [4, 4], sh_offset: [24, 8], sh_size: [32, 8], sh_link: [40, 4] },
    symbol: { size: 24, st_name: [0, 4], st_info: 4, st_shndx: [6, 2], st_value: [8, 8], st_size: [16, 8] },
  },
};

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/elf.h', ELF),
  ...listed('elf.h', { STT_GNU_IFUNC }),
];
