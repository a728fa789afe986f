/**
 * PROCMAP_QUERY of proc(5), from Linux 6.11 (linux/fs.h there): one mapping of a process by an address in it, without a
 * text of all.
 *
 * @module
 */

/** The ioctl(2) request on an open /proc/PID/maps. */
export const PROCMAP_QUERY = 0xc0686611;

/** Flags of a query: the mapping at the address or else the next above; and of an answer. */
export const PROCMAP_QUERY_FLAGS = {
  PROCMAP_QUERY_VMA_READABLE: 1,
  PROCMAP_QUERY_VMA_WRITABLE: 2,
  PROCMAP_QUERY_VMA_EXECUTABLE: 4,
  PROCMAP_QUERY_VMA_SHARED: 8,
  PROCMAP_QUERY_COVERING_OR_NEXT_VMA: 0x10,
} as const;

/** Byte offsets in struct procmap_query. */
export const PROCMAP = {
  length: 0,
  query_flags: 8,
  query_addr: 16,
  vma_start: 24,
  vma_end: 32,
  vma_flags: 40,
  vma_offset: 56,
  inode: 64,
  dev_major: 72,
  dev_minor: 76,
  vma_name_size: 80,
  build_id_size: 84,
  vma_name_addr: 88,
  build_id_addr: 96,
  size: 104,
} as const;
