/**
 * The trampfd interface of the kernel proposal of September 2020 ("trampfd: provide kernel support for trampolines",
 * second version): its number, its symbolic offsets and the layout of its structures. No kernel has it, so the header
 * that these are held against is the project's own, include/trampfd.h. So is the extension for large tables.
 *
 * Every structure is little-endian and has the same layout for 32-bit and 64-bit programs.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** The number of the system call, on every architecture, the offsets that name a table's structures, and the extension's numbers. */
export const TRAMPFD = {
  SYS_trampfd: 440,
  TRAMPFD_CODE: 0,
  TRAMPFD_DATA: 1,
  TRAMPFD_NUM_OFFSETS: 2,
  TRAMPFD_EXTENSION: 0x10000,
  TRAMPFD_EXTENSION_VERSION: 1,
  TRAMPFD_EXTENSION_MOST: 1_048_576,
} as const;

/** Byte offsets in struct trampfd_info, which the call fills in: four 32-bit fields. */
export const TRAMPFD_INFO = { ntrampolines: 0, code_size: 4, code_offset: 8, reserved: 12, size: 16 } as const;

/** Byte offsets in struct trampfd_code: two 32-bit fields and a 64-bit address. */
export const TRAMPFD_CODE_DESCRIPTOR = { ntrampolines: 0, reg: 4, table: 8, size: 16 } as const;

/** Byte offsets in struct trampfd_data: two 32-bit fields and a 64-bit address. */
export const TRAMPFD_DATA_DESCRIPTOR = { reg: 0, reserved: 4, table: 8, size: 16 } as const;

/** Byte offsets in struct trampfd_extension: four 32-bit fields, the last two reserved. */
export const TRAMPFD_EXTENSION_STRUCTURE = { version: 0, ntrampolines: 4, reserved: 8, size: 16 } as const;

/** Every constant above that is not a layout, for the test against the header. */
export const constants: readonly KernelConstant[] = listed('trampfd.h', TRAMPFD);
