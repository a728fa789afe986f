/**
 * Types of file systems, as statfs(2) gives them.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** From linux/magic.h. */
export const MAGIC = {
  /** Namespaces: what the links in /proc/PID/ns lead to. */
  NSFS_MAGIC: 0x6e736673,
} as const;

/** Message queues of mq_open(3): statfs(2) has it, and no header. */
export const MQUEUE_MAGIC = 0x19800202;

/** Every constant above that a header has, for the test against it. */
export const constants: readonly KernelConstant[] = listed('linux/magic.h', MAGIC);
