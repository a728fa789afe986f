/**
 * Constants of userfaultfd(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** The kind of all ioctl(2) requests of a userfaultfd, and of /dev/userfaultfd (linux/userfaultfd.h: UFFDIO). */
export const USERFAULTFD_IOCTL = 0xaa;

/** The request of /dev/userfaultfd for a userfaultfd, from Linux 6.1 (linux/userfaultfd.h there). */
export const USERFAULTFD_IOC_NEW = 0xaa00;

/** For the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/userfaultfd.h', { UFFDIO: USERFAULTFD_IOCTL });
