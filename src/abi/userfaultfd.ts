/**
 * Constants of userfaultfd(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** The kind of all ioctl(2) requests of a userfaultfd, and of /dev/userfaultfd (linux/userfaultfd.h: UFFDIO). */
export const USERFAULTFD_IOCTL = 0xaa;

/** For the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/userfaultfd.h', { UFFDIO: USERFAULTFD_IOCTL });
