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
  EM_X86_64: 62,
} as const;

/** The first four bytes of a file (linux/elf.h: ELFMAG). */
export const ELF_MAGIC: Uint8Array = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

/** Byte offsets in the headers, by the class of the file (linux/elf.h). */
export const ELF_LAYOUT = {
  32: { e_machine: 18, e_phoff: 28, e_phentsize: 42, e_phnum: 44, size: 52, p_type: 0, p_flags: 24, phentsize: 32 },
  64: { e_machine: 18, e_phoff: 32, e_phentsize: 54, e_phnum: 56, size: 64, p_type: 0, p_flags: 4, phentsize: 56 },
} as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/elf.h', ELF);
