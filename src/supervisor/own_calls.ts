/**
 * Marks in arguments by which the filter knows calls that the supervisor has a program's thread make.
 *
 * @module
 */
import { MAP } from '../abi/mman.js';

/** Flags that say that an old mmap was judged before it is made as mmap2. The kernel ignores both. */
export const JUDGED: number = MAP.MAP_DENYWRITE | MAP.MAP_EXECUTABLE;

/** What stands in an argument that rt_sigaction does not have. */
export const RESTORING = 0x74726170;
