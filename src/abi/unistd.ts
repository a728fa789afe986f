/**
 * Constants of lseek(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Where lseek(2) counts from (unistd.h). */
export const SEEK = { SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2 } as const;

/** Every constant above, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('unistd.h', SEEK);
