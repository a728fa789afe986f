/**
 * Constants of mmap(2), mprotect(2), mremap(2) and munmap(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Protections of a mapping, and what may stand beside them for mprotect(2) (sys/mman.h). */
export const PROT = {
  PROT_NONE: 0,
  PROT_READ: 1,
  PROT_WRITE: 2,
  PROT_EXEC: 4,
  PROT_GROWSDOWN: 0x01000000,
} as const;

/** Flags of a mapping (sys/mman.h). The kind, shared or private, is a number in the lowest four bits, not a set of bits. */
export const MAP = {
  MAP_SHARED: 0x01,
  MAP_PRIVATE: 0x02,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_DENYWRITE: 0x800,
  MAP_EXECUTABLE: 0x1000,
  MAP_POPULATE: 0x8000,
  MAP_FIXED_NOREPLACE: 0x100000,
} as const;

/** Flags of mremap(2) (sys/mman.h). */
export const MREMAP = { MREMAP_MAYMOVE: 1, MREMAP_FIXED: 2, MREMAP_DONTUNMAP: 4 } as const;

/** Every constant above, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('sys/mman.h', PROT),
  ...listed('sys/mman.h', MAP),
  ...listed('sys/mman.h', MREMAP),
];
